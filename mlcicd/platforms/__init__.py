"""The platforms: modules that lay a pipeline out as files, and the table of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mlcicd.plan.model import Pipeline
from mlcicd.platforms import github, gitlab
from mlcicd.platforms.common import Claims, Seed
from mlcicd.release import Release


class Platform(Protocol):
    """What a platform module offers."""

    @property
    def OWNED(self) -> tuple[str, ...]:  # noqa: N802 - a module's constant
        """Patterns of the files that only mlcicd writes; one that is no longer produced is removed."""
        ...

    @property
    def MAIN(self) -> str:  # noqa: N802 - a module's constant
        """The file that holds the jobs."""
        ...

    @property
    def NO_FORKS(self) -> str:  # noqa: N802 - a module's constant
        """Why nothing can be posted here for a fork, "" where it can."""
        ...

    def files(self, pipeline: Pipeline, release: Release) -> dict[str, str]:
        """Lay the pipeline out in this platform's files, by path from the repository's root."""
        ...

    def seeds(self) -> list[Seed]:
        """Return the files that are written only where there are none."""
        ...

    def claims(self, host: str, repository: str, branch: str) -> Claims:
        """Say what the identity tokens of a repository's jobs hold; host and repository may be ""."""
        ...

    def read(self, text: str) -> dict[str, tuple[str, ...]]:
        """Read the job graph back from the pipeline's file."""
        ...


PLATFORMS: Mapping[str, Platform] = {"github": github, "gitlab": gitlab}
