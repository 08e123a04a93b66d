"""M7: what a report brings to others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcicd.lint.document import Document
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule
from mlcicd.lint.scripts import scripts

_IMAGE = re.compile(r"!\[[^\[\]]*\]\((?!https?://)")
_PUBLISHES = (("cml", "publish"), ("cml-publish",), ("cml", "asset", "publish"))
_SENDS = (("cml", "comment"), ("cml", "send-comment"), ("cml-send-comment",))
_STAYS = ("--publish-native", "--native", "--publish-url", "--publish=false", "--no-publish")


class VendorImages(Rule):
    """Images of a report stay with the repository.

    Why: `cml publish`, and `cml comment` for each image in the text, upload it to a public host of the vendor, without
    a login and under an address that anyone may open. Plots of a private model leave the house, and when the host
    answers with an error the report fails.

    Instead: keep plots as artifacts and numbers as tables; or name a host of your own with `--publish-url`.
    """

    id = "M7"
    severity = "warning"
    platforms = ("github", "gitlab")
    kinds = ("workflow", "action", "gitlab")

    def check(self, doc: Document) -> Iterator[Finding]:
        """Scripts that publish, or that write an image into the report which they send."""
        illustrated = {script.job.start for script in scripts(doc) if _IMAGE.search(script.text)}
        for script in scripts(doc):
            for command in script.commands if "cml" in script.text else ():
                publishes = any(command.runs(*words) for words in _PUBLISHES)
                sends = script.job.start in illustrated and any(command.runs(*words) for words in _SENDS)
                if (publishes or sends) and not any(word.startswith(_STAYS) for word in command.argv):
                    message = f"{script.label}: images of the report go to a public host of the vendor"
                    yield self.at(script.node, message, part=script.part(command))
