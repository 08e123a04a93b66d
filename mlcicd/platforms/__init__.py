"""The platforms: modules that lay a pipeline out as files, and the table of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mlcicd.plan.access import Access
from mlcicd.plan.model import Job, Pipeline
from mlcicd.platforms import github, gitlab
from mlcicd.platforms.common import Claims, Laid, Seed
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
    def FIXED(self) -> tuple[str, ...]:  # noqa: N802 - a module's constant
        """Templates that the team's own cannot stand in for: what they make is not read back."""
        ...

    @property
    def NO_FORKS(self) -> str:  # noqa: N802 - a module's constant
        """Why nothing can be posted here for a fork, "" where it can."""
        ...

    def files(self, pipeline: Pipeline, release: Release) -> dict[str, str]:
        """Lay the pipeline out in this platform's files, by path from the repository's root."""
        ...

    def seeds(self, pipeline: Pipeline) -> list[Seed]:
        """Return the files that are written only where there are none."""
        ...

    def pinnable(self, pipeline: Pipeline) -> tuple[str, ...]:
        """Return what its files name that a pin can name more exactly: actions of others, images."""
        ...

    def access(self, job: Job) -> Access:
        """Say which environment, secrets and forks a job meets."""
        ...

    def claims(self, host: str, repository: str, branch: str, environment: str) -> Claims:
        """Say what the identity tokens of a repository's jobs in an environment hold; host and repository may be ""."""
        ...

    def read(self, text: str) -> dict[str, Laid]:
        """Read every job back from the main file; see `readback`.

        Raises:
            UnreadableError: when the text does not say what its jobs are.
        """
        ...


PLATFORMS: Mapping[str, Platform] = {"github": github, "gitlab": gitlab}
