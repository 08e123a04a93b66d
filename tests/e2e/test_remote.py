"""`data` with the real DVC against an S3 server on loopback: what is pulled, and what is said when that fails."""

from __future__ import annotations

import hashlib
import http.server
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from mlcicd.errors import MlcicdError, OutsideError, Refused, UsageError
from mlcicd.runtime import data, facts, project
from mlcicd.runtime.storage import remotes, transfer
from tests.e2e.harness.environment import clean
from tests.e2e.harness.s3 import S3

pytestmark = pytest.mark.e2e

RAW, IMAGE = 300_000, 50_000  # bytes
CALLER = dict(os.environ)
PREPARE = """\
from pathlib import Path
raw = Path("data/raw.bin").read_bytes()
prepared = Path("data/prepared")
prepared.mkdir(exist_ok=True)
(prepared / "train.bin").write_bytes(raw[:200_000])
(prepared / "test.bin").write_bytes(raw[200_000:])
"""
TRAIN = """\
from pathlib import Path
Path("model.bin").write_bytes(Path("data/prepared/train.bin").read_bytes()[:80_000] + Path("rate").read_bytes())
"""
EVALUATE = """\
from pathlib import Path
both = Path("model.bin").read_bytes() + Path("data/prepared/test.bin").read_bytes()
Path("metrics.json").write_text('{"length": %d}' % len(both))
"""
PIPELINE = """\
stages:
  prepare: {cmd: python src/prepare.py, deps: [data/raw.bin, src/prepare.py], outs: [data/prepared]}
  train: {cmd: python src/train.py, deps: [data/prepared/train.bin, src/train.py, rate], outs: [model.bin]}
  evaluate:
    cmd: python src/evaluate.py
    deps: [model.bin, data/prepared/test.bin, src/evaluate.py]
    metrics: [metrics.json: {cache: false}]
"""
FILES = {
    "src/prepare.py": PREPARE,
    "src/train.py": TRAIN,
    "src/evaluate.py": EVALUATE,
    "dvc.yaml": PIPELINE,
    "rate": "1\n",
    "mlcicd.yaml": "version: 1\ndata: {}\ntrain: {}\n",
}
Shell = Callable[..., str]


@pytest.fixture(scope="session")
def store() -> Iterator[S3]:
    with S3() as started:
        yield started


@pytest.fixture
def s3(store: S3) -> Iterator[S3]:
    """The server with all objects, no faults, and nothing counted."""
    store.faults.clear()
    store.forget()
    yield store
    store.faults.clear()


def variables(environment: Path, home: Path) -> dict[str, str]:
    keys = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    # boto tries again by itself too: once is enough to see ours.
    quiet = {"AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true", "DVC_NO_ANALYTICS": "1", "CI": "true"}
    return {"PATH": f"{environment}/bin:/usr/bin:/bin", "HOME": str(home)} | keys | quiet


def run(folder: Path, environ: dict[str, str], command: str) -> str:
    argv = ["bash", "-ec", command]
    done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def pushed(store: S3, environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose data is in the bucket, and not in a cache."""
    folder = tmp_path_factory.mktemp("pushed")
    environ = variables(environment, folder)
    root = folder / "repo"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "data/images").mkdir(parents=True)
    (root / "data/raw.bin").write_bytes(random.Random(0).randbytes(RAW))
    for number in range(4):
        (root / f"data/images/{number}.bin").write_bytes(random.Random(number + 1).randbytes(IMAGE))
    run(root, environ, "git init -q -b main; git config user.name Ada; git config user.email ada@example.com")
    run(root, environ, "dvc init -q; dvc remote add -q -d storage s3://bucket/dvc")
    run(root, environ, f"dvc remote modify storage endpointurl {store.url}")
    run(root, environ, "dvc add -q data/raw.bin data/images; dvc repro -q; dvc push -q --run-cache")
    run(root, environ, "git add -A; git commit -qm 'First data'; rm -rf .dvc/cache")
    return root


@pytest.fixture
def clone(pushed: Path, environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone without any data, in which this process stands; waiting between attempts is left out."""
    root = tmp_path / "clone"
    environ = variables(environment, tmp_path)
    run(tmp_path, environ, f"git clone -q file://{pushed} {root}; cd {root}; git config user.name Bob; "
        "git config user.email bob@example.com")  # fmt: skip
    for name in [name for name in os.environ if name.startswith(("AWS_", "DVC_"))]:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(transfer, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def shell(clone: Path) -> Shell:
    return partial(run, clone, dict(os.environ))


def fetch(purpose: data.Purpose = "validate", remote: str | None = None) -> facts.DataFacts:
    return data.fetch(project.load(), purpose, remote, print)


def refusal(error: type[MlcicdError], call: Callable[[], object] = fetch) -> MlcicdError:
    with pytest.raises(error) as caught:
        call()
    return caught.value


def prove(remote: str | None = None) -> None:
    data.prove(project.load(), remote, print)


def key(path: Path) -> str:
    """Return where an object with a file's content is in the bucket."""
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    return f"files/md5/{digest[:2]}/{digest[2:]}"


@pytest.fixture
def raw(pushed: Path) -> str:
    return key(pushed / "data/raw.bin")


@pytest.fixture
def image(pushed: Path) -> str:
    return key(pushed / "data/images/1.bin")


# Bytes pulled are bytes read.


def trains(shell: Shell, s3: S3) -> tuple[int, str]:
    """Fetch and train; return the bytes of data that were downloaded, and what DVC said."""
    fetch("train")
    said = shell("dvc repro --pull --allow-missing")
    return s3.data, said


def test_nothing_changed_pulls_nothing(clone, shell, s3):
    assert trains(shell, s3)[0] == 0


@pytest.mark.parametrize(
    ("change", "read"),
    [
        # The last stage reads the model and the test file, never the rest.
        ("echo '# changed' >> src/evaluate.py", 80_002 + 100_000),
        # The middle one reads the training file, the last one the test file and what was just made.
        ("echo 2 > rate", 200_000 + 100_000),
        ("echo '# changed' >> src/prepare.py", RAW),
    ],
)
def test_what_is_pulled_is_what_is_read(clone, shell, s3, change, read):
    shell(change)
    pulled, said = trains(shell, s3)
    assert "Running stage" in said
    assert read <= pulled <= 1.05 * read


def test_one_file_of_a_folder_is_pulled_alone(clone, shell, s3):
    text = (clone / "dvc.yaml").read_text()
    (clone / "dvc.yaml").write_text(text + "  look: {cmd: cat data/images/2.bin > seen, deps: [data/images/2.bin], "
                                    "outs: [seen]}\n")  # fmt: skip
    pulled, said = trains(shell, s3)
    assert "Running stage 'look'" in said
    assert pulled == IMAGE


def test_a_run_that_is_in_the_run_cache_pulls_what_is_hashed_and_restored(clone, shell, s3):
    """DVC hashes what a stage reads before it looks into the run cache, so it must have that; nothing else comes."""
    shell("sed -i 's/80_000/70_000/' src/train.py; dvc repro -q --pull --allow-missing train")
    shell("dvc push -q --run-cache")
    shell("rm -rf .dvc/cache data/prepared model.bin; git checkout -q dvc.lock")
    s3.forget()
    pulled, said = trains(shell, s3)
    assert "Stage 'train' is cached" in said
    assert pulled <= 1.05 * (200_000 + 70_002 + 100_000)


# Each fault has words.


def test_all_comes_verified(clone, s3):
    found = fetch()
    assert (found.files, found.bytes, found.verified, found.retries) == (5, RAW + 4 * IMAGE, True, 0)
    assert s3.data == found.bytes


def test_missing_credentials(clone, s3, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    error = refusal(OutsideError)
    assert "remote 'storage' refused: Unable to locate credentials" in error.message
    assert "data.credentials.secrets" in error.hint


@pytest.mark.parametrize("call", [fetch, prove])
@pytest.mark.parametrize(
    ("kind", "message", "hint"),
    [
        ("denied", "remote 'storage' refused: ", "the right to list"),
        ("expired", "remote 'storage' refused: the token has expired", "get a new one"),
        ("no-bucket", "remote 'storage': The specified bucket does not exist", "make the bucket"),
    ],
)
def test_a_refusal_is_final(clone, s3, call, kind, message, hint):
    s3.inject(kind)
    error = refusal(OutsideError, call)
    assert message in error.message
    assert hint in error.hint
    assert error.exit_code == 3
    left = facts.read(facts.DataFacts, "data")
    assert left is None if call is prove else left.retries == 0


def test_a_missing_object_is_named_with_who_changed_the_lock(clone, s3, image):
    s3.inject("absent", image)
    error = refusal(OutsideError)
    assert error.message == "data/images/1.bin: not in remote 'storage'"
    assert "data/images.dvc" in error.detail.splitlines()[0]
    assert "by Ada: First data" in error.detail.splitlines()[0]
    assert "dvc push" in error.hint


@pytest.mark.parametrize(("kind", "times"), [("slow-down", 2), ("reset", 7)])  # of a reset, DVC bears five by itself
def test_what_may_pass_is_tried_again(clone, s3, raw, kind, times):
    s3.inject(kind, raw, times=times)
    found = fetch()
    assert found.verified
    assert 1 <= found.retries < transfer.ATTEMPTS


def test_a_remote_that_stays_busy_is_given_up(clone, s3):
    s3.inject("slow-down")
    error = refusal(OutsideError)
    assert "remote 'storage' is too busy" in error.message
    assert facts.read(facts.DataFacts, "data").retries == transfer.ATTEMPTS - 1


def test_a_hang_is_ended_and_tried_again(clone, s3, raw, monkeypatch):
    monkeypatch.setattr(transfer, "STALL", 3.0)
    s3.inject("hang", raw, times=1)
    found = fetch()
    assert found.verified
    assert found.retries == 1


@pytest.mark.parametrize("kind", ["cut", "garbled"])
def test_what_was_spoilt_on_the_way_comes_again(clone, s3, raw, kind):
    s3.inject(kind, raw, times=1)
    assert fetch().verified
    assert (clone / "data/raw.bin").stat().st_size == RAW


def test_an_object_that_is_corrupt_in_the_remote_is_named(clone, s3, raw):
    s3.inject("corrupt", raw)
    error = refusal(OutsideError)
    assert error.message.startswith("data/raw.bin: corrupt")
    assert raw in error.hint


@pytest.mark.parametrize("spoilt", ["raw", "image", "list"])
def test_a_corrupt_object_in_the_cache_is_repaired(clone, s3, pushed, raw, image, shell, spoilt):
    """As a CI cache may bring it: DVC trusts what is write-protected."""
    shell("dvc fetch -q")
    listed = next(path for path in (clone / ".dvc/cache").rglob("*.dir") if b"1.bin" in path.read_bytes())
    place = {"raw": clone / ".dvc/cache" / raw, "image": clone / ".dvc/cache" / image, "list": listed}[spoilt]
    place.chmod(0o644)
    place.write_bytes(b"[]" if spoilt == "list" else b"garbage")
    place.chmod(0o444)
    s3.forget()
    found = fetch()
    path = {"raw": "data/raw.bin", "image": "data/images/1.bin", "list": "data/images"}[spoilt]
    assert found.repaired == (path,)
    assert (found.files, found.bytes) == (5, RAW + 4 * IMAGE)
    assert (clone / "data/images/1.bin").read_bytes() == (pushed / "data/images/1.bin").read_bytes()
    assert s3.data == {"raw": RAW, "image": IMAGE, "list": 0}[spoilt]


# The lock and its data.


def test_a_lock_with_its_data_is_proved_without_downloading_it(clone, s3):
    prove()
    assert s3.data == 0


def test_a_lock_without_its_data_is_refused(clone, s3, shell):
    shell("echo 2 > rate; dvc repro -q --pull --allow-missing; git commit -qam 'Higher rate'; rm -rf .dvc/cache")
    error = refusal(Refused, prove)
    assert error.exit_code == 1
    assert error.message.startswith("model.bin: not in remote 'storage'")
    assert "stage train" in error.detail
    assert "by Bob: Higher rate" in error.detail


def test_the_author_of_a_lock_without_data_is_named_from_a_shallow_clone_too(clone, s3, image, tmp_path, monkeypatch):
    s3.inject("absent", image)
    assert "last changed in" in refusal(Refused, prove).detail
    run(tmp_path, dict(os.environ), f"git clone -q --depth 1 file://{clone} shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert "by Ada (this clone has no older history)" in refusal(Refused, prove).detail


def test_a_missing_list_of_a_folder_is_told(clone, s3):
    s3.inject("absent", ".dir")
    error = refusal(Refused, prove)
    assert "data/images/ (its list of files): data/images.dvc" in error.detail
    assert "data/prepared/ (its list of files): stage prepare" in error.detail


def test_what_is_never_pushed_is_not_expected(clone, s3, pushed, shell):
    shell("sed -i 's/outs: .model.bin./outs: [{model.bin: {push: false}}]/' dvc.yaml")
    s3.inject("absent", key(pushed / "model.bin"))
    prove()
    (clone / "mlcicd.yaml").write_text("version: 1\ndata: {pull: all}\ntrain: {}\n")
    assert fetch().files == 7


# Other kinds of remotes.


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(clone: Path, shell: Shell, tmp_path: Path) -> Iterator[Path]:
    """A folder with all objects, behind a plain HTTP server that can only be read from."""
    folder = tmp_path / "store"
    shell(
        f"dvc pull -q; dvc remote add -q disk {folder}; dvc push -q -r disk; rm -rf .dvc/cache data/raw.bin data/images"
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        shell(f"dvc remote add -q web http://127.0.0.1:{server.server_port}")
        yield folder
        server.shutdown()


def test_a_folder_and_http_are_remotes_too(clone, served, image, shell):
    for remote in ("disk", "web"):
        shutil.rmtree(clone / ".dvc/cache", ignore_errors=True)
        (clone / "data/raw.bin").unlink(missing_ok=True)
        prove(remote)
        assert fetch(remote=remote).verified
    (served / image).unlink()
    for remote in ("disk", "web"):
        shutil.rmtree(clone / ".dvc/cache", ignore_errors=True)
        assert (
            f"data/images/1.bin: not in remote '{remote}'" in refusal(Refused, lambda name=remote: prove(name)).message
        )
    shutil.rmtree(served)
    assert (
        f"remote 'disk' is the folder {served}, which does not exist"
        in refusal(OutsideError, lambda: prove("disk")).message
    )


SFTP = """
import asyncio, asyncssh, sys
class Server(asyncssh.SSHServer):
    def begin_auth(self, username): return True
    def password_auth_supported(self): return True
    def validate_password(self, username, password): return password == "right"
async def main():
    keys = [asyncssh.generate_private_key("ssh-ed25519")]
    server = await asyncssh.create_server(Server, "127.0.0.1", 0, server_host_keys=keys, sftp_factory=True)
    print(server.get_port(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
asyncio.run(main())
"""


def test_ssh_is_a_remote_too(clone, served, shell, environment):
    argv = [f"{environment}/bin/python", "-c", SFTP]  # it ends with its standard input
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        port = int(server.stdout.readline())
        shell(f"dvc remote add -q far ssh://ada@127.0.0.1:{port}{served}; git commit -qam 'Far'")
        shell("dvc remote modify --local -q far password right")
        prove("far")
        assert fetch(remote="far").verified
        shell("dvc remote modify --local -q far password wrong; rm -rf .dvc/cache data/raw.bin")
        assert (
            "remote 'far' cannot be reached, or refuses" in refusal(OutsideError, lambda: fetch(remote="far")).message
        )
        server.stdin.close()


# Bad input.


def test_a_circle_is_told_by_who_pulls(clone, s3, shell):
    shell("sed -i 's/deps: .data.raw.bin,/deps: [model.bin, data\\/raw.bin,/' dvc.yaml")
    error = refusal(UsageError)
    assert "dvc.yaml: its stages form a circle" in error.message
    assert "prepare" in error.message


def test_changes_that_are_not_saved_are_not_overwritten(clone, s3):
    fetch()
    (clone / "data/raw.bin").chmod(0o644)
    (clone / "data/raw.bin").write_bytes(b"mine")
    error = refusal(UsageError)
    assert error.message.startswith("data/raw.bin: has changes that are not saved")
    assert (clone / "data/raw.bin").read_bytes() == b"mine"


# The plug-in of the remote.


def test_setup_provides_dvc_and_the_plug_in(clone, s3, programs, tmp_path, monkeypatch):
    """For real: a project without dvc gets one of mlcicd's own, and one that lacks the plug-in gets that."""
    own = tmp_path / "own"
    monkeypatch.setattr(remotes, "own", lambda: own)
    for name, value in clean(CALLER, tmp_path / "home", f"{programs[0]}:/usr/bin:/bin").items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    project.setup(project.load(), said.append)
    assert "the project has no dvc" in said[-1]
    prove()
    run(tmp_path, dict(os.environ), f"uv pip uninstall --quiet --python {own}/bin/python dvc-s3")
    assert "remote 'storage' needs the package dvc-s3" in refusal(OutsideError, prove).message
    project.setup(project.load(), said.append)
    assert "remote 'storage' is of kind s3: dvc-s3 installed beside dvc" in said[-1]
    prove()
