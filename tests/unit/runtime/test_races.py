"""Hundreds of races of runs that post at the same time, with faults in between: one comment remains, the newest."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlcicd.runtime import posted, settle
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.forges import FORGES
from mlcicd.runtime.posted import Mark
from tests.e2e.harness.forge import Forge
from tests.e2e.harness.github_forge import GitHubForge
from tests.e2e.harness.gitlab_forge import GitLabForge
from tests.unit.runtime.races import World, client

pytestmark = pytest.mark.e2e

RACES = 200  # on each forge
SHA = "a" * 40
LINE = "<!-- mlcicd:report v=1 key=default run={} attempt={} sha= -->"
STRANGERS = [{"id": 1, "login": "ada", "username": "ada", "type": "User"}]
STRANGERS += [{"id": 2, "login": "other[bot]", "username": "project_1_bot_f", "type": "Bot"}]


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forge]:
    (tmp_path / "nothing.json").write_text("{}")
    made: Forge = GitHubForge(tmp_path / "nothing.json") if request.param == "github" else GitLabForge()
    made.largest = 3
    yield made
    made._server.server_close()


def text(mark: Mark, earlier: tuple[posted.Ended, ...]) -> str:
    line = LINE.format(*mark.order)
    return posted.write(f"{line}\nrun {mark.run}, attempt {mark.attempt}\n", mark.state, earlier)


def _kind(forge: Forge) -> str:
    return "github" if isinstance(forge, GitHubForge) else "gitlab"


def _author(comment: dict[str, Any]) -> int:
    return int((comment.get("user") or comment["author"])["id"])


def race(forge: Forge, kind: str, seed: int) -> tuple[World, list[settle.What]]:
    """Let two to four runs post; return what became of each."""
    dice = random.Random(seed)
    forge.comments, forge.requests, forge.violations = [], [], []
    for _ in range(dice.randrange(5)):
        forge.add(dice.choice(["hello", text(Mark(run=9, attempt=9), ())]), author=dice.choice(STRANGERS))
    if dice.random() < 0.5:
        forge.add(text(Mark(run=1, attempt=1, state=dice.choice(["pass", "fail"])), ()))
    strangers = [dict(one) for one in forge.comments if _author(one) != forge.bot["id"]]
    world = World(forge=forge, random=dice)
    world.past.append((0.0, list(forge.comments)))
    orders = dice.sample([(run, attempt) for run in (2, 3, 4) for attempt in (1, 2)], dice.randint(2, 4))
    whats: list[settle.What] = []

    def run(order: tuple[int, int], start: float) -> None:
        world.clock.sleep(start)
        mark = Mark(run=order[0], attempt=order[1], state=dice.choice(["pass", "pass", "fail"]))
        module = FORGES[kind]
        project, change = ("acme/ml", 7) if kind == "github" else ("99", 12)
        ci = Ci(forge=kind, project=project, change=change, sha=SHA)
        place = settle.Place(forge=module, client=client(world, dict(module.headers(forge.token))), ci=ci)
        post = settle.Post(key="default", mark=mark, texts=[partial(text, mark)])
        whats.append(settle.settle(place, post, jitter=dice.random))

    spread = dice.choice([0.5, 4])
    world.clock.run([partial(run, order, dice.uniform(0, spread)) for order in orders])
    assert len(whats) == len(orders), "every run came to its end"
    newest = Mark(run=max(orders)[0], attempt=max(orders)[1])
    ours = [one for one in forge.comments if _author(one) == forge.bot["id"]]
    assert [one for one in forge.comments if one not in ours] == strangers
    assert [posted.read(one["body"], "default").order for one in ours] == [newest.order]  # type: ignore[union-attr]
    assert f"\nrun {newest.run}, attempt {newest.attempt}\n" in ours[0]["body"]
    return world, whats


def test_one_comment_remains_and_it_is_the_newest(forge: Forge) -> None:
    kind = _kind(forge)
    faults, times, outcomes = 0, [], set[str]()
    for seed in range(RACES):
        world, whats = race(forge, kind, seed)
        faults += world.faults
        times.append(world.clock.now)
        outcomes |= set(whats)
    assert faults > 2 * RACES
    assert {"posted", "updated", "newer"} <= outcomes
    assert sorted(times)[RACES // 2] < 30


def test_who_writes_and_does_not_look_again_loses_such_races(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = settle._turn

    def once(*arguments: Any) -> bool:
        turn(*arguments)
        return True

    monkeypatch.setattr(settle, "_turn", once)
    lost = 0
    for seed in range(60):
        try:
            race(forge, _kind(forge), seed)
        except AssertionError:
            lost += 1
    assert lost > 5
