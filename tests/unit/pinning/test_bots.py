"""Pull requests as Dependabot and Renovate make them: the check is green, and the bump is taken over."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mlcicd import release
from mlcicd.cli import cli
from mlcicd.errors import Refused
from mlcicd.pins import CACHE, CHECKOUT

GOLDEN = Path(__file__).parents[2] / "golden"
OURS, NEXT = "0123456789abcdef0123456789abcdef01234567", "f" * 40
NEW = "a" * 40
DIGEST = "sha256:" + "d" * 64
WORKFLOW, PIPELINE = ".github/workflows/mlcicd.yml", ".gitlab/mlcicd.yml"


def run(root: Path, *words: str, commit: str = OURS) -> Result:
    done = CliRunner().invoke(cli, [*words, "--root", str(root)], env={"MLCICD_COMMIT": commit})
    assert done.exit_code == 0, (done.exception, getattr(done.exception, "detail", ""))
    return done


def generated(root: Path, case: str) -> Path:
    root.mkdir(exist_ok=True)
    shutil.copy(GOLDEN / case / "mlcicd.yaml", root)
    run(root, "generate")
    return root


def bump(path: Path, old: str, new: str) -> None:
    """Edit as both bots do: every place, commit and comment, and nothing else."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def checkout(root: Path) -> None:
    bump(root / WORKFLOW, f"{CHECKOUT.uses} # {CHECKOUT.version}", f"actions/checkout@{NEW} # v7.3.0")


def image(root: Path) -> None:
    """As Renovate's `docker:pinDigests` does: the tag stays, the digest is put behind it."""
    text = (root / PIPELINE).read_text("utf-8")
    made, count = re.subn(r"(image: python:3\.\d+)(?=\s)", rf"\1@{DIGEST}", text)
    assert count
    (root / PIPELINE).write_text(made, "utf-8")


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", ["minimal", "full", "vendored"])
def test_dependabots_bump_of_an_action(case: str, tmp_path: Path) -> None:
    root = generated(tmp_path / "repository", case)
    checkout(root)
    before = tree(root)
    assert "actions/checkout 7.0.1 → 7.3.0; `mlcicd pins --import`" in run(root, "generate", "--check").output
    assert tree(root) == before
    run(root, "pins", "--import")
    run(root, "generate")
    assert f"actions/checkout@{NEW} # v7.3.0" in (root / WORKFLOW).read_text("utf-8")
    assert "newer in the files" not in run(root, "generate", "--check").output
    run(root, "pins", "--check")
    # A second folder, made from the configuration alone, has the same bytes.
    (fresh := tmp_path / "fresh").mkdir()
    shutil.copy(root / "mlcicd.yaml", fresh)
    run(fresh, "generate")
    assert tree(fresh) == tree(root)


def test_renovates_digest_of_an_image(tmp_path: Path) -> None:
    root = generated(tmp_path, "full")
    image(root)
    assert "python:3.12 its tag →" in run(root, "generate", "--check").output
    run(root, "pins", "--import")
    run(root, "generate")
    assert f"image: python:3.12@{DIGEST}\n" in (root / PIPELINE).read_text("utf-8")
    bump(root / PIPELINE, DIGEST, DIGEST.replace("d", "e"))
    run(root, "generate", "--check")
    run(root, "pins", "--import")
    run(root, "generate")
    assert DIGEST.replace("d", "e") in (root / "mlcicd.yaml").read_text("utf-8")
    run(root, "generate", "--check")


def test_a_bump_that_nobody_imports_outlives_the_next_generation(tmp_path: Path) -> None:
    root = generated(tmp_path, "full")
    checkout(root)
    image(root)
    bump(root / "mlcicd.yaml", "timeout: ", "# a comment\n  timeout: ")
    run(root, "generate")
    text = (root / WORKFLOW).read_text("utf-8")
    assert f"actions/checkout@{NEW} # v7.3.0" in text
    assert CHECKOUT.commit not in text
    assert f"python:3.12@{DIGEST}" in (root / PIPELINE).read_text("utf-8")
    run(root, "generate", "--check")


def test_a_bump_inside_vendored_actions(tmp_path: Path) -> None:
    root = generated(tmp_path, "vendored")
    bump(root / ".github/mlcicd/cache/action.yml", f"@{CACHE.commit} # {CACHE.version}", f"@{NEW} # v5.1.0")
    run(root, "generate", "--check")
    run(root, "pins", "--import")
    assert f"actions/cache: v5.1.0@{NEW}" in (root / "mlcicd.yaml").read_text("utf-8")
    run(root, "generate")
    run(root, "generate", "--check")


def test_a_bump_of_our_own_actions_is_checked_by_the_release_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = generated(tmp_path, "full")
    bump(root / WORKFLOW, f"@{OURS} # v0.1.0", f"@{NEXT} # v0.2.0")
    run(root, "generate", "--check")
    assert "mlcicd v0.2.0; install that release" in run(root, "pins", "--import").output
    # The job of the bumped workflow runs the release that it names, which makes exactly this.
    monkeypatch.setattr(release, "__version__", "0.2.0")
    assert "newer in the files" not in run(root, "generate", "--check", "--platform", "github", commit=NEXT).output


def test_renovates_bump_of_mlcicd_is_checked_by_the_release_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path
    (root / "mlcicd.yaml").write_text("version: 1\nplatforms: [gitlab]\ntrain: {}\n", "utf-8")
    run(root, "generate")
    bump(root / PIPELINE, "MLCICD_SOURCE: mlcicd==0.1.0", "MLCICD_SOURCE: mlcicd==0.2.0")
    assert "the files name mlcicd 0.2.0" in run(root, "generate", "--check").output
    assert "mlcicd v0.2.0; install that release" in run(root, "pins", "--import").output
    monkeypatch.setattr(release, "__version__", "0.2.0")
    assert "the files name" not in run(root, "generate", "--check").output
    bump(root / PIPELINE, "mlcicd==0.2.0", "mlcicd==0.1.9")
    done = CliRunner().invoke(cli, ["generate", "--check", "--root", str(root)], env={"MLCICD_COMMIT": OURS})
    assert isinstance(done.exception, Refused)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"{CHECKOUT.uses} # {CHECKOUT.version}", f"actions/checkout@{NEW} # v6.0.0"),
        (f"{CHECKOUT.uses} # {CHECKOUT.version}", f"actions/checkout@{NEW}"),
        (f"{CHECKOUT.uses} # {CHECKOUT.version}", "actions/checkout@v7"),
        (f"{CHECKOUT.uses} # {CHECKOUT.version}", f"evil/checkout@{NEW} # v9.0.0"),
    ],
)
def test_what_no_bot_would_do_is_refused(tmp_path: Path, old: str, new: str) -> None:
    root = generated(tmp_path, "minimal")
    bump(root / WORKFLOW, old, new)
    done = CliRunner().invoke(cli, ["generate", "--check", "--root", str(root)], env={"MLCICD_COMMIT": OURS})
    assert isinstance(done.exception, Refused)
