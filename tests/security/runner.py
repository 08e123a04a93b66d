"""How GitHub's runner reads the output of a step: which lines it takes for commands.

After `ActionCommand` and `ActionCommandManager` of the runner: lines end as .NET reads them, spaces before `::` do not
count, the older form `##[command]` stands anywhere in a line, and after `stop-commands` only its word is heeded.
"""

from __future__ import annotations

import re

_LINE = re.compile(r"\r\n|\r|\n")
_NEW = re.compile(r"\s*::([A-Za-z-]+|[0-9a-f]{32})(?: [^:]*)?::")
_OLD = re.compile(r"##\[([A-Za-z-]+)(?: [^\]]*)?\]")


def commands(output: str) -> list[str]:
    """Return the names of the commands that the runner acts on, in their order; a word that resumes is `resume`."""
    found = []
    stopped = ""
    for line in _LINE.split(output):
        match = _NEW.match(line) or _OLD.search(line)
        if not match:
            continue
        name = match[1]
        if stopped:
            if name.lower() == stopped.lower():
                stopped = ""
                found.append("resume")
            continue
        found.append(name)
        if name == "stop-commands":
            stopped = line.rpartition("::")[2]
    return found
