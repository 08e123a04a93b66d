"""What nvidia-smi tells, and what it means when it tells nothing."""

from __future__ import annotations

import os

import pytest

from mlcicd.errors import MlcicdError, OutsideError, Refused
from mlcicd.runtime import nvidia
from tests.unit.runtime import gpus

MIB = 1024**2


@pytest.fixture
def environ(tmp_path):
    return {**os.environ, "PATH": f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin"}


def test_every_device_and_what_the_driver_does_not_tell(tmp_path, environ):
    odd = "NVIDIA GB10, 580.1, [N/A], [Insufficient Permissions], Enabled"
    asked = gpus.smi(tmp_path, gpus.T4, gpus.H200, odd)
    assert nvidia.devices(environ) == (
        nvidia.Device(name="Tesla T4", driver="570.124.06", memory=15360 * MIB, free=14928 * MIB),
        nvidia.Device(name="NVIDIA H200", driver="570.124.06", memory=143771 * MIB, free=143155 * MIB),
        nvidia.Device(name="NVIDIA GB10", driver="580.1", memory=-1, free=-1, sliced=True),
    )
    assert asked.read_text() == f"{gpus.QUERY} --format=csv,noheader,nounits\n"


@pytest.mark.parametrize(
    ("printed", "exit", "kind", "message", "hint"),
    [
        (gpus.MISMATCH, 18, OutsideError, "while it ran: library 570.144 and kernel module do not fit", "restart"),
        ("Failed to initialize NVML: Driver/library version mismatch", 18, OutsideError, "library and", "restart"),
        (gpus.COMMUNICATE, 9, OutsideError, "a driver is installed, but it does not run", "modprobe nvidia"),
        ("No devices were found", 6, Refused, "runs, and sees no GPU", "--gpus all"),
        ("No devices were found", 0, Refused, "runs, and sees no GPU", "--gpus all"),
        ("", 0, Refused, "runs, and sees no GPU", "--gpus all"),
        ("Failed to initialize NVML: Unknown Error", 255, OutsideError, "not answer: Unknown Error", "container"),
        ("Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.", 15, OutsideError, "lost", "card"),
        ('Field "mig.mode.current" is not a valid field to query.', 2, OutsideError, "exit status 2: Field", "run"),
        ("\x00\x1bwhat", 0, OutsideError, "an answer that cannot be read", "run nvidia-smi"),
        ("Tesla T4, 570", 0, OutsideError, "an answer that cannot be read: Tesla T4, 570", "run nvidia-smi"),
        ("", 1, OutsideError, "exit status 1: it printed nothing", "run nvidia-smi"),
    ],
)
def test_what_no_answer_means(tmp_path, environ, printed, exit, kind, message, hint):
    gpus.smi(tmp_path, printed.replace("\x00", ""), exit=exit)
    with pytest.raises(MlcicdError) as caught:
        nvidia.devices(environ)
    assert type(caught.value) is kind
    assert message.replace("a driver", "an NVIDIA driver") in caught.value.message
    assert hint in caught.value.hint


def test_no_program(environ):
    with pytest.raises(Refused, match="there is no nvidia-smi") as caught:
        nvidia.devices(environ)
    assert "container toolkit" in caught.value.hint


def test_one_that_hangs_is_given_up(tmp_path, environ, monkeypatch):
    monkeypatch.setattr(nvidia, "TIMEOUT", 0.2)
    gpus.smi(tmp_path, do="exec sleep 30")
    with pytest.raises(OutsideError, match="no answer within"):
        nvidia.devices(environ)


def test_one_that_cannot_be_started(tmp_path, environ):
    (tmp_path / "nvidia-smi").write_text("#!/no/such/interpreter\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    with pytest.raises(OutsideError, match="cannot be started"):
        nvidia.devices(environ)


def test_who_holds_memory(tmp_path, environ):
    apps = "4242, /usr/bin/python3.12, 12000\n7, tool,with,commas, [N/A]\nNo running processes found"
    asked = gpus.smi(tmp_path, apps=apps)
    assert nvidia.holders(environ) == ("python3.12, process 4242, 12,000 MiB", "tool,with,commas, process 7")
    assert asked.read_text().startswith(gpus.APPS)
    (tmp_path / "nvidia-smi").unlink()
    assert nvidia.holders(environ) == ()
