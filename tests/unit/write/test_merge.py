"""Edits outlive a regeneration, and nothing is overwritten."""

from __future__ import annotations

import functools
import random
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from mlcicd.config.load import parse
from mlcicd.errors import OutsideError, Refused
from mlcicd.plan.build import build
from mlcicd.platforms import PLATFORMS
from mlcicd.release import Release
from mlcicd.write import mark, markers
from mlcicd.write.compare import Change
from mlcicd.write.meaning import differences
from mlcicd.write.merge import merge
from mlcicd.write.newer import bump
from tests.unit.write.repository import BOTH, COMMIT, PIPELINE, WORKFLOW, Repository

TRAINING = r"timeout-minutes: 3\d\d"
LONGER = BOTH.replace("train: {}", "train: {timeout: 7h}")


def edited(base: str, yours: str, made: str) -> Change:
    """An edited file as `compare` would find it."""
    old = mark.head(mark.stamp(base)) + yours
    return Change(
        path="ci.yml", kind="edited", old=old, yours=old, made=mark.stamp(made), new=mark.stamp(made), base=base
    )


def test_an_edit_and_a_change_of_the_configuration_are_both_in_the_result(repo: Repository) -> None:
    repo.edit("runs-on: ubuntu-latest", "runs-on: ubuntu-24.04")
    repo.edit("    name: Tests", "    # our own words\n    name: Unit tests")
    repo.put(LONGER)
    said = repo.generate()
    assert re.search(r"merge +\.github/workflows/mlcicd\.yml", said)
    assert "jobs.test.name: Unit tests (mlcicd makes Tests)" in said
    jobs = yaml.safe_load(repo.text())["jobs"]
    assert jobs["check"]["runs-on"] == "ubuntu-24.04"
    assert jobs["test"]["name"] == "Unit tests"
    assert jobs["train"]["timeout-minutes"] == 435
    assert "# our own words" in repo.text()
    assert yaml.safe_load(repo.text(PIPELINE))["mlcicd-train"]["timeout"] == "7h 15m"


def test_a_second_generation_keeps_every_byte(repo: Repository) -> None:
    repo.edit("    name: Tests", "    name: Unit tests")
    repo.put(LONGER)
    repo.generate()
    before = repo.files()
    assert "keep  .github/workflows/mlcicd.yml" in repo.generate()
    assert repo.files() == before


def test_an_upgrade_of_mlcicd_keeps_edits_too(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.edit("    name: Tests", "    name: Unit tests")
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT[::-1])
    repo.generate()
    assert COMMIT not in repo.text()
    assert COMMIT[::-1] in repo.text()
    assert "name: Unit tests" in repo.text()


def test_a_conflict_is_listed_and_nothing_is_written(repo: Repository) -> None:
    repo.edit(TRAINING, "timeout-minutes: 200")
    line = repo.text()[: repo.text().index("timeout-minutes: 200")].count("\n") + 1
    repo.put(LONGER)
    before = repo.files()
    error = repo.refused("generate")
    assert isinstance(error, Refused)
    assert f"{WORKFLOW}:{line}:\n  yours      timeout-minutes: 200\n    new      timeout-minutes: 435" in error.detail
    assert "generate --merge" in error.hint
    assert f"rm {WORKFLOW}" in error.hint
    assert repo.files() == before


def test_with_merge_it_gets_ordinary_markers_and_the_rest_is_merged(repo: Repository) -> None:
    repo.edit(TRAINING, "timeout-minutes: 200")
    repo.put(LONGER)
    error = repo.refused("generate", "--merge")
    assert error.exit_code == 1
    assert f"{WORKFLOW}:" in error.message
    text = repo.text()
    assert "<<<<<<< yours\n    timeout-minutes: 200\n" in text
    assert "=======\n    timeout-minutes: 435\n>>>>>>> new\n" in text
    assert "7h 15m" in repo.text(PIPELINE)
    assert "has merge conflict markers (line" in repo.refused("generate").detail
    assert "has merge conflict markers (line" in repo.refused("generate", "--check").detail
    yours, _ = markers.sides(text) or ("", "")
    repo.put(yours, WORKFLOW)
    assert "timeout-minutes: 200 (mlcicd makes 435)" in repo.generate().replace(
        "jobs.train.timeout-minutes: ", "timeout-minutes: "
    )


def test_the_other_side_of_a_conflict_is_no_edit(repo: Repository) -> None:
    repo.edit(TRAINING, "timeout-minutes: 200")
    repo.put(LONGER)
    repo.refused("generate", "--merge")
    _, theirs = markers.sides(repo.text()) or ("", "")
    repo.put(theirs, WORKFLOW)
    assert f"current  {WORKFLOW}" in repo.generate()


def test_an_edit_that_mlcicd_now_makes_itself_is_none_any_more(repo: Repository) -> None:
    repo.edit(TRAINING, "timeout-minutes: 435")
    repo.put(LONGER)
    assert "yours" not in repo.generate()
    assert f"current  {WORKFLOW}" in repo.generate()


def test_without_the_state_file_an_edit_is_refused_only_when_something_else_is_made(repo: Repository) -> None:
    repo.edit("    name: Tests", "    name: Unit tests")
    (repo.root / "mlcicd.lock").unlink()
    repo.generate()
    (repo.root / "mlcicd.lock").unlink()
    repo.put(LONGER)
    before = repo.files()
    error = repo.refused("generate")
    assert "what it was made from is not in mlcicd.lock" in error.detail
    assert repo.files() == before


def test_only_yaml_is_merged(tmp_path: Path) -> None:
    repo = Repository(root=tmp_path)
    repo.put("version: 1\ntrain: {}\ntool: {actions: vendored, source: ./x.whl}\n")
    repo.generate()
    path = ".github/mlcicd/setup/install.py"
    repo.put(repo.text(path) + "# mine\n", path)
    assert f"{path}: was edited, and only YAML is merged" in repo.refused("generate").detail
    assert path in repo.refused("generate", "--check").message
    repo.edit("description: ", "description: Ours. ", ".github/mlcicd/report/action.yml")
    (repo.root / path).unlink()
    repo.generate()
    assert "Ours. " in repo.text(".github/mlcicd/report/action.yml")


def test_a_file_that_is_no_yaml_any_more_names_the_line(repo: Repository) -> None:
    repo.edit("    name: Tests", "\tname: Tests")
    line = repo.text()[: repo.text().index("\tname")].count("\n") + 1
    for words in (["generate"], ["generate", "--check"]):
        assert (
            f"cannot be read as YAML (line {line}): a tab cannot indent YAML: use spaces" in repo.refused(*words).detail
        )


@pytest.mark.parametrize("verb", [["generate"], ["generate", "--accept"], ["generate", "--check"], ["eject"]])
def test_a_byte_order_mark_below_line_1_is_told(verb: list[str], repo: Repository) -> None:
    repo.edit("\n", "\n\ufeff")
    assert "cannot be read as YAML (line 2): U+FEFF stands here" in repo.refused(*verb).detail


def test_a_merge_by_lines_that_means_something_else_is_not_written() -> None:
    base = "jobs:\n  a:\n    x: 1\n    y: 1\n    z: 1\n    v: 1\n    w: 1\n"
    # The edit gives the last lines to a job of its own; what is added now among them would become part of that job.
    yours = base.replace("    z: 1\n", "  mine:\n    z: 1\n")
    made = base + "    secret: 1\n"
    change = merge(edited(base, yours, made))
    assert change.kind == "edited"
    assert "it would change jobs.a.secret, which you did not edit" in change.why


def test_a_pin_that_a_bot_raised_does_not_meet_the_next_release() -> None:
    old, bot, new = ("a" * 40, "b" * 40, "c" * 40)
    step = "      - name: {0}\n        uses: actions/checkout@{1} # {2}\n"
    text = "jobs:\n  x:\n    steps:\n{}"

    def file(commit: str, version: str, names: str = "ABC") -> str:
        return text.format("".join(step.format(name, commit, version) for name in names))

    newer = merge(edited(file(old, "v7.0.1"), file(bot, "v7.0.3"), file(new, "v7.0.2", "ABCD")))
    assert newer.kind == "merged"
    assert mark.body(newer.new or "") == file(bot, "v7.0.3", "ABCD")
    older = merge(edited(file(old, "v7.0.1"), file(bot, "v7.0.2"), file(new, "v7.0.3", "ABCD")))
    assert mark.body(older.new or "") == file(new, "v7.0.3", "ABCD")
    same = merge(edited(file(old, "v7.0.1"), file(bot, "v7.0.2"), file(new, "v7.0.2")))
    assert mark.body(same.new or "") == file(new, "v7.0.2")
    kept = merge(edited(file(old, "v7.0.1"), file(bot, "v7.0.2"), file(old, "v7.0.1", "ABCD")))
    assert mark.body(kept.new or "") == file(bot, "v7.0.2", "ABCD")
    excused = merge(edited(file(old, "v7.0.1"), file(bot, "v7.0.2 zizmor: ignore[x]"), file(new, "v7.0.3")))
    assert excused.kind == "conflict"  # the comment is an edit, and would be lost
    lowered = merge(edited(file(old, "v7.0.1"), file(bot, "v6.0.0"), file(new, "v7.0.3")))
    assert lowered.kind == "conflict"


def test_an_image_that_a_bot_pinned_stays_pinned() -> None:
    file = "a:\n  image: python:3.12{0}\n  x: 1\nb:\n  image: python:3.12{0}\n  timeout: {1}\n"
    digest, other = f"@sha256:{'a' * 64}", f"@sha256:{'b' * 64}"
    first = merge(edited(file.format("", 1), file.format(digest, 1), file.format("", 2)))
    assert mark.body(first.new or "") == file.format(digest, 2)
    imported = merge(edited(file.format("", 1), file.format(digest, 1), file.format(digest, 2)))
    assert mark.body(imported.new or "") == file.format(digest, 2)
    renewed = merge(edited(file.format("", 1), file.format(digest, 1), file.format(other, 2)))
    assert mark.body(renewed.new or "") == file.format(other, 2)


def test_a_comment_behind_a_pin_is_an_edit_and_is_not_lost() -> None:
    file = "a:\n  image: python:3.12@sha256:{}{}\n  x: 1\n"
    base, made = file.format("a" * 64, " # ours"), file.format("b" * 64, "")
    for digest in ("a", "c"):
        change = merge(edited(base, file.format(digest * 64, " # KEEPME"), made))
        assert change.kind == "conflict"
        assert "# KEEPME" in (change.new or "")
    bot = merge(edited(base, file.format("c" * 64, " # ours"), made))
    assert mark.body(bot.new or "") == made


def test_an_edit_beside_a_pin_does_not_meet_the_next_release() -> None:
    line = "steps:\n  - name: {0}\n    uses: mlcicd/mlcicd/actions/x@{1} # v0.1.0\n"
    change = merge(edited(line.format("A", "a" * 40), line.format("B", "a" * 40), line.format("A", "b" * 40)))
    assert mark.body(change.new or "") == line.format("B", "b" * 40)


def test_an_edited_item_without_a_name_is_found_again_behind_a_new_one() -> None:
    base = "rules:\n  - if: a\n    x: 1\n    y: 1\n    z: 1\n  - if: b\n    x: 1\n    y: 1\n    z: 1\n"
    yours, made = base.replace("if: b", "if: c"), base.replace("rules:\n", "rules:\n  - if: new\n")
    change = merge(edited(base, yours, made))
    assert change.kind == "merged"
    assert [rule["if"] for rule in yaml.safe_load(mark.body(change.new or ""))["rules"]] == ["new", "a", "c"]


def test_without_git_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(OutsideError, match="git is not installed") as caught:
        merge(edited("a: 1\n", "a: 2\n", "a: 1\nb: 1\n"))
    assert "install git" in caught.value.hint


def test_two_branches_that_regenerated_are_merged_by_regenerating(repo: Repository) -> None:
    """What git leaves after both changed mlcicd.yaml: markers in the files, none of which a person has to read."""

    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=x", "-c", "user.email=x@x", *words],
            cwd=repo.root,
            check=False,
            capture_output=True,
        )

    git("init", "--quiet", "--initial-branch=main")
    repo.edit("    name: Tests", "    name: Unit tests")
    repo.generate("--accept")
    for words in (["add", "-A"], ["commit", "-qm", "a"], ["switch", "-qc", "other"]):
        git(*words)
    repo.put(BOTH.replace("pytest}", "pytest, timeout: 20m}"))
    repo.generate()
    for words in (["commit", "-qam", "b"], ["switch", "-q", "main"]):
        git(*words)
    repo.put(BOTH.replace("train: {}", "train: {timeout: 7h}"))
    repo.generate()
    git("commit", "-qam", "c")
    git("merge", "other")
    conflicted = [path for path, raw in repo.files().items() if b"<<<<<<<" in raw and not path.startswith(".git/")]
    assert sorted(conflicted) == [WORKFLOW, PIPELINE, "mlcicd.lock"]
    assert "merge conflict markers" in repo.refused("generate", "--check").detail
    repo.generate()
    assert "<<<<<<<" not in repo.text() + repo.text(PIPELINE) + repo.text("mlcicd.lock")
    jobs = yaml.safe_load(repo.text())["jobs"]
    assert jobs["train"]["timeout-minutes"] == 435
    assert jobs["test"]["timeout-minutes"] == 20
    assert jobs["test"]["name"] == "Unit tests"
    repo.generate("--check")


@functools.cache
def made_by(config: str, commit: str) -> dict[str, str]:
    pipeline = build(parse(config))
    return {
        path: text
        for name in ("github", "gitlab")
        for path, text in PLATFORMS[name].files(pipeline, Release(version="0.1.0", commit=commit)).items()
    }


def scrambled(text: str, chance: random.Random) -> str:
    """Edit a few lines as people do: comment, change, delete, repeat, move."""
    lines = text.splitlines(keepends=True)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(lines) - 1)
        edit = chance.randrange(6)
        if edit < 2:
            lines[at] = (
                re.sub(r"[0-9]+", lambda found: str(int(found[0]) + 1), lines[at]) if edit else f"# mine\n{lines[at]}"
            )
        elif edit < 4:
            lines[at] = lines[at].replace("read", "write").replace("ubuntu", "debian").replace("name: ", "name: My ")
        elif edit == 4:
            del lines[at]
        else:
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "".join(lines)


@pytest.mark.parametrize("path", [WORKFLOW, PIPELINE])
@pytest.mark.parametrize("seed", range(40))
def test_what_a_person_edited_in_a_real_file_is_as_they_left_it(path: str, seed: int) -> None:
    chance = random.Random(seed)
    base, made = made_by(BOTH, COMMIT)[path], made_by(LONGER, COMMIT[::-1])[path]
    yours = scrambled(base, chance)
    change = merge(edited(base, yours, made))
    if change.kind in ("edited", "conflict"):
        assert change.why or markers.first(change.new or "")
        return
    result = mark.body(change.new or "")
    theirs = {one.at for one in differences(base, yours)}
    assert not [one.at for one in differences(yours, result) if one.at in theirs]
    assert result.count("# mine\n") == yours.count("# mine\n")
    assert all(one.at in theirs for one in differences(made, result) if not bump(one, made, result))


@pytest.mark.parametrize("seed", range(25))
def test_random_edits_are_kept_or_refused_never_lost(seed: int) -> None:
    chance = random.Random(seed)
    jobs = {f"job{index}": {key: chance.randrange(9) for key in "abcdefgh"} for index in range(4)}

    def text(values: dict[str, dict[str, int]]) -> str:
        return "".join(
            f"{job}:\n" + "".join(f"  {key}: {one}\n" for key, one in keys.items()) for job, keys in values.items()
        )

    def other(values: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        changed = {job: dict(keys) for job, keys in values.items()}
        for _ in range(chance.randrange(1, 4)):
            changed[chance.choice(sorted(changed))][chance.choice("abcdefgh")] = chance.randrange(10, 99)
        return changed

    yours, made = other(jobs), other(jobs)
    change = merge(edited(text(jobs), text(yours), text(made)))
    if change.kind == "conflict":
        return
    assert change.kind in ("merged", "kept")
    found = yaml.safe_load(mark.body(change.new or ""))
    for job, keys in jobs.items():
        for key, was in keys.items():
            wanted = yours[job][key] if yours[job][key] != was else made[job][key]
            assert found[job][key] == wanted
