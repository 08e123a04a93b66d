from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from mlcicd.errors import OutsideError, UsageError
from mlcicd.runtime import project
from mlcicd.runtime.storage import remotes

CONFIG = """\
[core]
    remote = storage
    analytics = false
['remote "storage"']
    url = s3://bucket/x
    endpointurl = "http://127.0.0.1:1"
['remote "server"']
    url = ssh://host
['remote "images"']
    url = remote://server/pictures
['remote "disk"']
    url = ../store
"""
# `uv pip install` of a stand-in: writes down how it was called, and makes what would then be there.
UV = """\
#!/bin/sh
echo "$*" >> "{log}"
[ -e "{fails}" ] && {{ echo "No solution for $MY_TOKEN" >&2; exit 1; }}
for last; do :; done
case "$1 $2" in
"venv "*) mkdir -p "$last/bin"; ln -sf "{python}" "$last/bin/python";;
"pip install") case "$*" in *"dvc>="*) printf '#!/bin/sh\\n' > "{own}/bin/dvc"; chmod +x "{own}/bin/dvc";; esac;;
esac
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    made = tmp_path / "project"
    (made / ".dvc").mkdir(parents=True)
    (made / ".dvc/config").write_text(CONFIG)
    (made / "mlcicd.yaml").write_text("version: 1\ntrain: {}\ndata: {}\n")
    monkeypatch.chdir(made)
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "person"))
    return made


@pytest.fixture
def uv(root, tmp_path, monkeypatch):
    """Put a stand-in for uv, and nothing else, on the PATH; return its log."""
    prefix = tmp_path / "tool"
    prefix.mkdir()
    monkeypatch.setattr(remotes, "own", lambda: prefix / "dvc")
    log = tmp_path / "uv.log"
    (tmp_path / "bin").mkdir()
    text = UV.format(log=log, fails=tmp_path / "fails", python=sys.executable, own=prefix / "dvc")
    program(tmp_path / "bin/uv", text)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return log


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def environment(root: Path, has: str = "") -> None:
    """Make the project's environment: a dvc, and a Python that has some of the plug-ins."""
    folder = root / ".venv/bin"
    folder.mkdir(parents=True)
    program(folder / "dvc", "#!/bin/sh\n")
    program(folder / "python", f'#!/bin/sh\ncase "$2" in *{has or "nothing"}*) exit 0;; esac; exit 1\n')


def setup() -> list[str]:
    said: list[str] = []
    project.setup(project.load(), said.append)
    return said[1:]


@pytest.mark.parametrize(
    ("name", "kind", "plugin"),
    [
        (None, "s3", "dvc-s3"),
        ("server", "ssh", "dvc-ssh"),
        ("images", "ssh", "dvc-ssh"),
        ("disk", "local", ""),
    ],
)
def test_the_kind_of_a_remote_is_known_from_its_address(root, name, kind, plugin):
    found = remotes.configured(root, name)
    assert (found.kind, found.plugin) == (kind, plugin)


@pytest.mark.parametrize(
    ("url", "plugin"),
    [
        ("gs://b", "dvc-gs"),
        ("gcs://b", "dvc-gs"),
        ("azure://c/p", "dvc-azure"),
        ("https://h/p", "dvc-http"),
        ("webdavs://h/p", "dvc-webdav"),
        ("hdfs://u@h/p", "dvc-hdfs"),
        ("webhdfs://u@h/p", "dvc-webhdfs"),
        ("oss://b/p", "dvc-oss"),
        ("gdrive://id/p", "dvc-gdrive"),
        ("/mnt/data", ""),
        ("remote://storage/below", "dvc-s3"),
        ("remote://one", ""),
    ],
)
def test_every_kind_has_its_plug_in(root, url, plugin):
    (root / ".dvc/config.local").write_text(f"[core]\nremote = one\n['remote \"one\"']\nurl = {url}\n")
    assert remotes.configured(root).plugin == plugin


def test_settings_of_the_machine_the_person_the_repository_and_here_are_laid_over_each_other(root, tmp_path):
    for folder, text in (("system", "[cache]\ntype = copy\n"), ("person", "[core]\nremote = disk\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config").write_text(text)
    found = remotes.settings(root)
    assert found["cache"]["type"] == "copy"
    assert found["core"]["remote"] == "storage"
    assert found["'remote \"storage\"'"]["endpointurl"] == "http://127.0.0.1:1"
    (root / ".dvc/config.local").write_text("[core]\nremote = disk\n")
    assert remotes.configured(root).name == "disk"


def test_a_project_in_a_folder_of_the_repository_has_its_remotes(root):
    (root / "ml").mkdir()
    assert remotes.configured(root / "ml").name == "storage"


def test_there_may_be_no_remote(root):
    assert remotes.configured(root, "nope") is None
    (root / ".dvc/config").write_text("")
    assert remotes.configured(root) is None


def test_a_broken_configuration_is_named(root):
    (root / ".dvc/config").write_text("url = x\n")
    with pytest.raises(UsageError, match=r"\.dvc/config: DVC cannot use it"):
        remotes.settings(root)


def test_setup_installs_the_plug_in_that_the_projects_dvc_lacks(root, uv):
    environment(root)
    (said,) = setup()
    assert uv.read_text() == f"pip install --python {root}/.venv/bin/python dvc-s3\n"
    assert said == (
        "remote 'storage' is of kind s3: dvc-s3 installed beside dvc; add it to the project's own requirements"
    )


def test_setup_with_nothing_to_do_is_quick_and_asks_nobody(root, uv):
    environment(root, has="dvc_s3")
    began = time.monotonic()
    assert setup() == []
    assert time.monotonic() - began < 0.2
    assert not uv.exists()


@pytest.mark.parametrize("data", ["", "data: {remote: disk}"])
def test_setup_needs_no_plug_in_without_data_or_for_a_folder(root, uv, data):
    environment(root)
    (root / "mlcicd.yaml").write_text(f"version: 1\ntrain: {{}}\n{data}\n")
    assert setup() == []
    assert not uv.exists()


def test_setup_installs_dvc_for_itself_when_the_project_has_none(root, uv, tmp_path):
    (said,) = setup()
    own = tmp_path / "tool/dvc"
    assert uv.read_text().splitlines() == [
        f"venv --quiet --allow-existing --python {sys.executable} {own}",
        f"pip install --python {own}/bin/python {remotes.DVC} dvc-s3",
    ]
    assert said == f"the project has no dvc: {remotes.DVC} and dvc-s3 installed for mlcicd alone"
    path = project.environ(root, os.environ)["PATH"].split(":")
    assert path[-1] == str(own / "bin")
    assert project.program("dvc", {"PATH": ":".join(path)}) == own / "bin/dvc"


def test_setup_that_cannot_install_says_why_without_secrets(root, uv, tmp_path, monkeypatch):
    environment(root)
    monkeypatch.setenv("MY_TOKEN", "very-secret-value")
    (tmp_path / "fails").touch()
    with pytest.raises(OutsideError) as caught:
        setup()
    assert caught.value.message == "dvc-s3 is not installed"
    assert caught.value.detail == "No solution for ***"
    assert "own requirements: 'dvc-s3'" in caught.value.hint


def test_a_place_that_cannot_be_written_is_named(root, uv, monkeypatch, tmp_path):
    monkeypatch.setattr(remotes, "own", lambda: tmp_path / "absent/dvc")
    with pytest.raises(OutsideError, match=r"the project has no dvc, and it cannot be installed in .*absent"):
        setup()
