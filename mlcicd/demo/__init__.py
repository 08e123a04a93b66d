"""`mlcicd demo`: a complete example repository, and its pull-request pipeline executed here.

Nothing else in mlcicd knows about the demo. It writes the files of `templates/demo` and then types the commands
that a person would: git, uv, dvc, and `mlcicd` itself, as programs.
"""

from __future__ import annotations

from mlcicd.demo.play import play
from mlcicd.demo.repository import Demo, adopt, build, change
from mlcicd.demo.shell import Shell

__all__ = ["Demo", "Shell", "adopt", "build", "change", "play"]
