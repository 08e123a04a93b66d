"""Fixtures for tests that execute things: tools, executors, forges. They cost nothing to tests that do not ask."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.harness.act_run import ActRun
    from tests.e2e.harness.github_forge import GitHubForge
    from tests.e2e.harness.gitlab import GitlabRun
    from tests.e2e.harness.gitlab_forge import GitLabForge
    from tests.e2e.harness.tools import Tools


def pytest_configure() -> None:
    """Let a SIGTERM unwind the stack, so that every executor and server is ended."""
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    pytest.exit(f"stopped by signal {number}", returncode=128 + number)


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Tools:
    """Every program of the e2e tests, made ready on first use; what cannot be had fails the test with the remedy."""
    from tests.e2e.harness import tools
    from tests.e2e.harness.set_up import MissingTool

    try:
        return tools.prepare(tmp_path_factory.mktemp("tools") / "bin")
    except MissingTool as missing:
        pytest.fail(f"missing tool: {missing}", pytrace=False)


@pytest.fixture
def act(tools: Tools, tmp_path: Path) -> Callable[..., ActRun]:
    """`act(repo, event, payload, …) -> ActRun`: see `run_act`; each call gets a folder of its own."""
    from tests.e2e.harness.act import run_act

    return _numbered(partial(run_act, tools=tools), tmp_path / "act")


@pytest.fixture
def gitlab(tools: Tools, tmp_path: Path) -> Callable[..., GitlabRun]:
    """`gitlab(repo, variables, …) -> GitlabRun`: see `run_gitlab`; each call gets a folder of its own."""
    from tests.e2e.harness.gitlab import run_gitlab
    from tests.e2e.harness.set_up import MissingTool
    from tests.e2e.harness.tools import add_rsync

    try:
        add_rsync(tools)
    except MissingTool as missing:
        pytest.fail(f"missing tool: {missing}", pytrace=False)
    return _numbered(partial(run_gitlab, tools=tools), tmp_path / "gitlab")


@pytest.fixture
def github_forge(tools: Tools) -> Iterator[GitHubForge]:
    """A GitHub of our own on loopback; a request that GitHub's API description forbids fails the test at its end."""
    from tests.e2e.harness.github_forge import GitHubForge

    with GitHubForge(tools.cache / "github-api.json") as forge:
        yield forge
    assert forge.violations == []


@pytest.fixture
def gitlab_forge() -> Iterator[GitLabForge]:
    """A GitLab of our own on loopback; a request that its notes API forbids fails the test at its end."""
    from tests.e2e.harness.gitlab_forge import GitLabForge

    with GitLabForge() as forge:
        yield forge
    assert forge.violations == []


def _numbered(run: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    calls = iter(range(1, 1000))

    def call(*arguments: Any, **options: Any) -> Any:
        return run(*arguments, folder=folder / str(next(calls)), **options)

    return call
