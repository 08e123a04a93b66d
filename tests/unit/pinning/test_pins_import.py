"""A bot's bump in generated files, taken over to mlcicd.yaml; and what is refused."""

from __future__ import annotations

import contextlib

import pytest

from mlcicd import yamlio
from mlcicd.errors import MlcicdError, Refused, UsageError
from mlcicd.pinning import edit
from mlcicd.pins import CHECKOUT
from tests.unit.pinning.conftest import COMMIT, Repository

BOTH = "# ours\nversion: 1\nplatforms: [github, gitlab]   # both\n\ntrain: {timeout: 2h} # long\n"
WORKFLOW, PIPELINE = ".github/workflows/mlcicd.yml", ".gitlab/mlcicd.yml"
OLD = f"{CHECKOUT.uses} # {CHECKOUT.version}"
DIGEST = "sha256:" + "d" * 64


def bumped(repository: Repository, new: str) -> Repository:
    repository.generated(BOTH)
    repository.replace(WORKFLOW, OLD, new)
    return repository


def refusal(repository: Repository) -> MlcicdError:
    before = repository.config
    error = repository.run("pins", "--import").exception
    assert isinstance(error, MlcicdError)
    assert repository.config == before
    return error


def test_a_bump_is_written_and_nothing_around_it_changes(repository: Repository) -> None:
    bumped(repository, f"actions/checkout@{'a' * 40} # v7.1.0")
    repository.replace(PIPELINE, "image: python:3.12", f"image: python:3.12@{DIGEST}")
    done = repository.run("pins", "--import")
    assert done.output.splitlines() == [
        f"actions/checkout: {CHECKOUT.value} -> v7.1.0@{'a' * 40}",
        f"python:3.12: not pinned -> {DIGEST}",
        "next: mlcicd generate",
    ]
    assert repository.config == (
        f"{BOTH}tool:\n  pins:\n    actions/checkout: v7.1.0@{'a' * 40}\n    python:3.12: {DIGEST}\n"
    )
    assert repository.run("pins", "--check").exit_code == 0


def test_nothing_to_take_over(repository: Repository) -> None:
    repository.generated(BOTH)
    assert repository.run("pins", "--import").output == "nothing newer was found\n"
    assert repository.config == BOTH


def test_the_teams_pin_goes_when_ours_is_the_same_again(repository: Repository) -> None:
    repository.generated(f"{BOTH}tool: {{pins: {{actions/checkout: v6.0.0@{'b' * 40}}}}}\n")
    repository.replace(WORKFLOW, f"actions/checkout@{'b' * 40} # v6.0.0", OLD)
    assert "-> as mlcicd knows it" in repository.run("pins", "--import").output
    assert repository.config == BOTH


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (f"actions/checkout@{'a' * 40} # v6.0.2", "v6.0.2 is lower than v7.0.1"),
        (f"actions/checkout@{'a' * 40} # v4.3.1", "retired"),
        (f"actions/checkout@{'a' * 40} # v7.0.1", "another commit than the v7.0.1 that is known"),
        (f"actions/checkout@{'a' * 40}", "no version"),
        (f"actions/checkout@{'a' * 40} # main", "no version"),
    ],
)
def test_what_is_no_step_forward_is_refused(repository: Repository, new: str, words: str) -> None:
    error = refusal(bumped(repository, new))
    assert words in error.message
    assert error.message.startswith(f"{WORKFLOW}:")


def test_files_that_disagree_are_refused(repository: Repository) -> None:
    repository.generated(BOTH)
    text = (repository.root / WORKFLOW).read_text()
    assert text.count(OLD) > 1
    text = text.replace(OLD, f"actions/checkout@{'a' * 40} # v7.1.0", 1)
    (repository.root / WORKFLOW).write_text(text.replace(OLD, f"actions/checkout@{'b' * 40} # v7.2.0"))
    error = refusal(repository)
    assert isinstance(error, Refused)
    assert f"v7.2.0@{'b' * 40}" in error.detail


def test_a_newer_release_of_ours_is_a_note_and_no_pin(repository: Repository) -> None:
    repository.generated(BOTH)
    text = (repository.root / WORKFLOW).read_text()
    (repository.root / WORKFLOW).write_text(text.replace(f"{COMMIT} # v0.1.0", f"{'f' * 40} # v0.2.0"))
    done = repository.run("pins", "--import")
    assert "note: the files name mlcicd v0.2.0; install that release" in done.output
    assert repository.config == BOTH
    assert repository.run("pins", "--check").exit_code == 0


def test_an_image_that_is_named_with_its_digest_gets_the_new_one(repository: Repository) -> None:
    config = BOTH.replace("timeout: 2h", "runner: gpu") + f"runners: {{gpu: {{image: team/cuda:1@{DIGEST}}}}} # ours\n"
    repository.generated(config)
    other = DIGEST.replace("d", "e")
    repository.replace(PIPELINE, DIGEST, other)
    done = repository.run("pins", "--import")
    assert done.output.splitlines()[0] == f"team/cuda:1@{DIGEST} -> {other}"
    assert repository.config == config.replace(DIGEST, other)


PAIRS = [
    ("version: 1\ntrain: {}\n", "version: 1\ntrain: {}\ntool:\n  pins:\n    a/b: X\n"),
    ("version: 1\ntool:\ntrain: {}\n", "version: 1\ntool:\n  pins:\n    a/b: X\ntrain: {}\n"),
    ("version: 1\ntool: {source: 'x'}\n", "version: 1\ntool: {source: 'x', pins: {a/b: X}}\n"),
    (
        "tool:\n  pins: # c\n    c/d: Y # d\n  source: x\n",
        "tool:\n  pins: # c\n    c/d: Y # d\n    a/b: X\n  source: x\n",
    ),
    ("gates:\n- {metric: a}\n- {metric: b}\n", "gates:\n- {metric: a}\n- {metric: b}\ntool:\n  pins:\n    a/b: X\n"),
    ("gates:\n    - a\ntest:\n    c: 1\n", "gates:\n    - a\ntest:\n    c: 1\ntool:\n    pins:\n        a/b: X\n"),
]


D, E, F = ("sha256:" + digit * 64 for digit in "def")
TWO = f"""\
version: 1
platforms: [gitlab] # not ghcr.io/me/db:1@{D}
test:
  command: make
  services:
    one: {{image: "db:1@{D}", port: 1}} # was db:1@{D}
    two: {{image: ghcr.io/me/db:1@{D}, port: 2}}
train:
  services:
    one: {{image: db:1@{D}, port: 1}}
"""


def test_only_the_image_that_was_renewed_is_changed_where_it_is_a_value(repository: Repository) -> None:
    repository.generated(TWO)
    repository.replace(PIPELINE, f" db:1@{D}", f" db:1@{E}")
    assert repository.run("pins", "--import").output.splitlines() == [f"db:1@{D} -> {E}", "next: mlcicd generate"]
    assert repository.config == TWO.replace(f'"db:1@{D}"', f'"db:1@{E}"').replace(
        f"image: db:1@{D}", f"image: db:1@{E}"
    )


@pytest.mark.parametrize(("test", "train"), [(E, F), (D, E), (D, F), (D, D), (F, F)])
def test_of_two_digests_of_an_image_the_one_that_went_is_changed(repository: Repository, test: str, train: str) -> None:
    """When both are the same in the files it is one of ours, and nothing is new."""
    config = TWO.replace(f"image: db:1@{D}", f"image: db:1@{F}")
    repository.generated(config)
    text = (repository.root / PIPELINE).read_text("utf-8")
    text = text.replace(f" db:1@{D}", f" db:1@{test}+").replace(f" db:1@{F}", f" db:1@{train}").replace("+", "")
    (repository.root / PIPELINE).write_text(text, "utf-8")
    repository.run("pins", "--import")
    wanted = config.replace(f'"db:1@{D}"', f'"db:1@{E}"') if test == E else config
    assert repository.config == (wanted.replace(f"image: db:1@{F}", f"image: db:1@{E}") if train == E else wanted)


MIXED = f"""\
version: 1
platforms: [gitlab]
train:
  services:
    db: {{image: "python:3.12@{D}", port: 1}}
"""


@pytest.mark.parametrize("pin", ["", f"tool: {{pins: {{python:3.12: {F}}}}}\n"])
def test_a_pin_and_an_image_with_a_digest_of_the_same_name_are_told_apart(repository: Repository, pin: str) -> None:
    config = MIXED + pin
    repository.generated(config)
    assert repository.run("pins", "--check").exit_code == 0
    assert repository.run("pins", "--import").output == "nothing newer was found\n"
    repository.replace(PIPELINE, f"python:3.12@{D}", f"python:3.12@{E}")
    assert repository.run("pins", "--import").output.splitlines()[0] == f"python:3.12@{D} -> {E}"
    assert repository.config == config.replace(D, E)


def test_the_pin_is_the_one_that_went(repository: Repository) -> None:
    config = f"{MIXED}tool: {{pins: {{python:3.12: {F}}}}}\n"
    repository.generated(config)
    repository.replace(PIPELINE, F, E)
    assert repository.run("pins", "--import").output.splitlines()[0] == f"python:3.12: {F} -> {E}"
    assert repository.config == config.replace(F, E)


def test_two_new_digests_of_one_image_are_refused(repository: Repository) -> None:
    repository.generated(TWO)
    text = (repository.root / PIPELINE).read_text("utf-8")
    text = text.replace(f" db:1@{D}", f" db:1@{E}", 1).replace(f" db:1@{D}", f" db:1@{F}")
    (repository.root / PIPELINE).write_text(text, "utf-8")
    error = refusal(repository)
    assert isinstance(error, Refused)
    assert error.message.startswith("db:1: the files name it with several digests")
    assert E in error.detail
    assert F in error.detail


def test_a_comment_is_no_reference(repository: Repository) -> None:
    bumped(repository, f"{OLD}\n      # - uses: actions/checkout@{'e' * 40} # v99.0.0")
    assert repository.run("pins", "--import").output == "nothing newer was found\n"
    assert repository.run("pins", "--check").exit_code == 0
    assert repository.config == BOTH


def test_the_mark_and_the_rights_of_the_file_stay(repository: Repository) -> None:
    bumped(repository, f"actions/checkout@{'a' * 40} # v7.1.0")
    path = repository.root / "mlcicd.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    path.chmod(0o640)
    assert repository.run("pins", "--import").exit_code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbf# ours\nversion: 1\n")
    assert path.stat().st_mode & 0o777 == 0o640


PIN = "v1.2.3@" + "e" * 40
KEPT = [
    "train: {\n  command: make, # why\n  timeout: 6h\n}\n",
    "---\nversion: 1\ntrain: {} # c\n",
    "%YAML 1.2\n---\nversion: 1\n...\n",
    "version: 1\ntrain:\n    command: 'a\n\n      b'\n    # timeout: 2h\n\n# gates:\n#   - metric: x\n\n",
    "version: 1\ntrain:\n  command: >-\n    a\n    b",
    "version: 1\ntrain:\n  command: |\n    a\n\n\n",
    "version: 1\r\ntrain: {}\n",
    "version: 1\ntrain: {}\r\n",
    "version: 1\ntool: # ours\n  # none yet\n  pins: # here\n    # beside\n    c/d: Y # d\n    # end\n\n  # m\nx: {}\n",
    "version: 1\ntool: # ours\n  # none yet\n\n# the training\ntrain: {}\n",
    "version: 1\ntool:\n  pins: {\n    c/d: Y, # why\n  }\n",
    "version: 1\ntool: {pins: {}, source: x} # c\n",
    "{version: 1, train: {}} # c\n",
    "{version: 1, tool: , train: {}} # c\n",
    '{"version": 1, "tool": {"pins": {"c/d": "Y"}}}',
    "'version': 1\n\"tool\": {source: 'a # b'} # c\n",
    "  version: 1\n  train:\n     seeds: 3\n",
    "version: 1\ntool:\n  pins:\n    c/d: Y\n    a/b: X # why\n",
    "version: 1\ntool:\n  pins:\n    a/b: 'X' # why\n  # after\n",
    "version: 1\ntool: {pins: {a/b: >-\n}}\n".replace(">-\n", '"X" # why\n'),
    "version: 1\ntool:\n  pins:\n    a/b: >- # why\n      X\n",
]


@pytest.mark.parametrize("text", KEPT)
def test_every_other_character_stays(text: str) -> None:
    """What is put in is one piece, or takes the place of one value."""
    made = edit.changed(text, {"a/b": PIN})
    assert yamlio.load(made)["tool"]["pins"]["a/b"] == PIN
    if "X" in text:
        assert made == text.replace("X", PIN)
        return
    size = len(made) - len(text)
    at = next(at for at in range(len(text) + 1) if made[:at] + made[at + size :] == text)
    assert made[:at] == text[:at]
    assert made.endswith(text[at:])


@pytest.mark.parametrize("text", KEPT)
def test_a_pin_goes_without_a_comment_or_stays_as_ours(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcicd.pins.KNOWN", {"a/b": CHECKOUT})
    made = edit.changed(edit.changed(text, {"a/b": PIN}), {"a/b": ""})
    assert made.count("#") == text.count("#")
    assert "a/b" not in made or CHECKOUT.value in made


def test_a_pin_stays_as_ours_where_a_comment_below_it_would_become_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcicd.pins.KNOWN", {"a/b": CHECKOUT})
    text = "train:\n  command: |\n    make\ntool: {pins: {a/b: X}}\n    # deep\n"
    assert edit.changed(text, {"a/b": ""}) == text.replace("X", CHECKOUT.value)


def test_nothing_written_out_is_replaced() -> None:
    text = "version: 1\ntool: ~ # c\ntrain: {}\n"
    assert edit.changed(text, {"a/b": "X"}) == text.replace("~", "{pins: {a/b: X}}")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version: 1\ntool:\n  pins:\n    a/b: X\ntrain: {}\n", "version: 1\ntrain: {}\n"),
        ("version: 1\ntool:\n  pins:\n    a/b: X\n  source: x\n", "version: 1\ntool:\n  source: x\n"),
        ("version: 1\r\ntool: {pins: {a/b: X}}\r\n# c\r\n", "version: 1\r\n# c\r\n"),
        ("version: 1\ntool: {pins: {a/b: X}}", "version: 1\n"),
        ("version: 1\ntool: {pins: {a/b: X, c/d: Y}}\n", "version: 1\ntool: {pins: {c/d: Y}}\n"),
        ("{tool: {pins: {a/b: X}}, version: 1}", "{version: 1}"),
        ("{version: 1, tool: {pins: {a/b: X}}}", "{version: 1}"),
        ("version: 1\n", "version: 1\n"),
    ],
)
def test_a_pin_is_taken_out(before: str, after: str) -> None:
    assert edit.changed(before, {"a/b": ""}) == after


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\ntool: !!map {source: x}\n",
        "? version\n: 1\n? tool\n: source: x\n",
        "version: 1\ntrain:\n  command: |+\n    a\n\n\n\n",
        'version: 1\ntool: {pins: {a/b: "\\x58"}}\n',
    ],
)
def test_a_form_that_is_not_foreseen_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"tool\.pins\.a/b cannot be changed without changing something else"):
        edit.changed(text, {"a/b": PIN})


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x7f", "\t", "\r", "\ufeff", "é😀"])
@pytest.mark.parametrize("place", ['x: "a%sb"\n', "x: a # b%sc\n", "x: a # b%s# c\n", "x:%s a\n"])
def test_odd_characters_stay_or_are_refused(odd: str, place: str) -> None:
    text = f"version: 1\n{place % odd}y: 1\n"
    try:
        yamlio.load(text)
    except yamlio.Unreadable:
        return  # no configuration
    with contextlib.suppress(UsageError):
        assert edit.changed(text, {"a/b": PIN}) == f"{text}tool:\n  pins:\n    a/b: {PIN}\n"


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_the_file_keeps_its_form(before: str, after: str) -> None:
    assert edit.changed(before, {"a/b": "X"}) == after
    assert edit.changed(after, {"a/b": ""}).replace("tool: {}\n", "") in (before, before.replace("tool:\n", ""))


def test_line_ends_stay(repository: Repository) -> None:
    bumped(repository, f"actions/checkout@{'a' * 40} # v7.1.0")
    path = repository.root / "mlcicd.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    repository.run("pins", "--import")
    lines = path.read_bytes().split(b"\n")
    assert len(lines) > 7
    assert all(line.endswith(b"\r") for line in lines[:-1])


def test_a_file_that_may_not_be_written_stays(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    bumped(repository, f"actions/checkout@{'a' * 40} # v7.1.0")
    monkeypatch.setattr("pathlib.Path.replace", refuse)
    assert "No space left" in refusal(repository).message
    assert [path.name for path in repository.root.iterdir() if path.name.endswith(".tmp")] == []


def test_no_configuration(repository: Repository) -> None:
    assert isinstance(repository.run("pins").exception, UsageError)
