"""M18: model files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlcicd.lint.document import Document
from mlcicd.lint.model import Finding
from mlcicd.lint.rule import Rule
from mlcicd.lint.workflows import has_power, steps

_UNPICKLES = re.compile(
    r"\b(?:pickle|cPickle|dill|cloudpickle|joblib)\.load\(|weights_only\s*=\s*False|trust_remote_code\s*=\s*True"
    r"|allow_pickle\s*=\s*True"
)


class Unpickling(Rule):
    """No model is unpickled where secrets are.

    Why: loading a pickle, and `trust_remote_code`, runs code out of the model file. Whoever could write that file, the
    author of a change or of a model hub's page, then has the job's secrets.

    Instead: use safetensors or ONNX, `torch.load(..., weights_only=True)`, and compare the file's hash before.
    """

    id = "M18"
    severity = "warning"
    platforms = ("github",)
    kinds = ("workflow",)

    def check(self, doc: Document) -> Iterator[Finding]:
        """Only code that stands in the file itself; most is in the project, where no linter of CI sees it."""
        for step in steps(doc):
            run = step.node.get("run")
            for part in run.find(_UNPICKLES)[:1]:
                if has_power(doc, step.job):
                    message = f"{step.label}: runs code out of a model file, beside secrets or a token that may write"
                    yield self.at(run, message, part=part)
