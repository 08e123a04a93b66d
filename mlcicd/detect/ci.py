"""CI files that are already here. They are mentioned, and never touched."""

from __future__ import annotations

from mlcicd.detect.files import Folder

FILES = (
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    ".travis.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
)
OURS = "# Generated from mlcicd.yaml"
WORKFLOWS = ".github/workflows"


def look(folder: Folder) -> tuple[str, ...]:
    """Return the paths of CI files, but for those that mlcicd itself generates."""
    workflows = [f"{WORKFLOWS}/{name}" for name in folder.names(WORKFLOWS) if name.endswith((".yml", ".yaml"))]
    here = [*workflows, *(name for name in FILES if folder.has(name))]
    return tuple(name for name in here if not folder.text(name).startswith(OURS))
