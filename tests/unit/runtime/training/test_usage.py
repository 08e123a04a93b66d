from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from mlcicd.runtime import process
from mlcicd.runtime.training import usage

MIB = 1024**2
HOLD = "import time; held = bytearray({size}); held[::4096] = b'x' * len(held[::4096]); time.sleep({seconds})"


@pytest.fixture(autouse=True)
def often(monkeypatch, request):
    """Look often enough to see what lasts half a second."""
    if "a_hundredth" not in request.node.name:
        monkeypatch.setattr(usage, "FIRST", 0.05)
        monkeypatch.setattr(usage, "PERIOD", 0.05)
        monkeypatch.setattr(usage, "GPU_PERIOD", 0.05)
        monkeypatch.setattr(usage, "SHARE", 2)


def measure(argv, tmp_path, environ=None, timeout=None, gpus=usage.Gpus()):  # noqa: B008 - it never changes
    environ = environ or dict(os.environ)
    with usage.metered(environ, gpus) as meter:
        done = process.run(
            argv, cwd=tmp_path, environ=environ, started=meter.watch, timeout=timeout, show=lambda _: None
        )
        meter.ended()
    return done, meter.used()


def smi(folder: Path, apps: str, used: int) -> dict[str, str]:
    """Put a stand-in for nvidia-smi on PATH; `used` is in MiB."""
    program = folder / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\n"
        'test "$2" = --format=csv,noheader,nounits || exit 2\n'
        'case "$1" in\n'
        f"--query-compute-apps=pid,used_gpu_memory) {apps};;\n"
        f"--query-gpu=memory.used) echo {used}; echo '[N/A]';;\n"
        f"--query-gpu=name,memory.used) echo 'NVIDIA H200, {used}';;\n"
        "*) exit 2;; esac\n"
    )
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_memory_is_that_of_all_processes_together(tmp_path):
    one = HOLD.format(size=40 * MIB, seconds=0.6)
    program = (
        "import subprocess, sys\n"
        f"for child in [subprocess.Popen([sys.executable, '-c', {one!r}]) for _ in range(3)]: child.wait()"
    )
    _, used = measure([sys.executable, "-c", program], tmp_path)
    assert used.memory > 115 * MIB
    assert used.memory < 250 * MIB


def test_pages_that_processes_share_count_once(tmp_path):
    program = (
        "import os, time\nheld = b'x' * (80 * 1024**2)\n"
        "for _ in range(3):\n    if not os.fork(): time.sleep(0.5); os._exit(0)\nfor _ in range(3): os.wait()"
    )
    _, used = measure([sys.executable, "-c", program], tmp_path)
    assert 80 * MIB < used.memory < 160 * MIB


def test_a_short_peak_of_one_process_is_never_missed(tmp_path):
    _, used = measure([sys.executable, "-c", HOLD.format(size=400 * MIB, seconds=0)], tmp_path)
    # Of all that it held; a system that is short of memory may have moved some pages away before the last were there.
    assert used.memory > 350 * MIB


def test_processor_time_counts_what_children_and_grandchildren_did(tmp_path):
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    _, used = measure(["bash", "-c", f'"{sys.executable}" -c "{busy}"; true'], tmp_path)
    assert 0.3 <= used.cpu_seconds < 2


def test_processor_time_of_a_killed_program_is_known_too(tmp_path):
    # bash ends first; what it started is then nobody's child, and in nobody's account.
    done, used = measure(["bash", "-c", f'"{sys.executable}" -c "while True: pass" & wait'], tmp_path, timeout=1)
    assert done.timed_out
    assert used.cpu_seconds > 0.1


def test_what_left_the_session_is_still_counted(tmp_path):
    _, used = measure(["setsid", "--wait", sys.executable, "-c", HOLD.format(size=60 * MIB, seconds=0.4)], tmp_path)
    assert used.memory > 60 * MIB


def test_memory_of_the_gpu_is_that_of_our_processes(tmp_path):
    pid = f"$(cat {tmp_path}/pid)"
    environ = smi(tmp_path, f'echo "1, 9999"; echo "{pid}, 300"; echo "{pid}, 200"; echo "{pid}, [N/A]"', 20_000)
    found = usage.gpus(environ)
    assert found == usage.Gpus(names=("NVIDIA H200",), memory=20_000 * MIB)
    _, used = measure(["bash", "-c", "echo $$ > pid; sleep 0.5"], tmp_path, environ, gpus=found)
    assert used.gpu_memory == 500 * MIB


def test_where_the_driver_names_no_process_what_is_added_counts(tmp_path):
    environ = smi(tmp_path, "echo '4242424, 300'", 700)
    _, used = measure(["sleep", "0.3"], tmp_path, environ, gpus=usage.Gpus(names=("NVIDIA H200",), memory=100 * MIB))
    assert used.gpu_memory == 600 * MIB


@pytest.mark.parametrize("text", ["#!/bin/sh\necho no driver\nexit 9\n", "no program at all"])
def test_a_broken_nvidia_smi_is_no_gpu(tmp_path, text):
    environ = smi(tmp_path, "", 0)
    (tmp_path / "nvidia-smi").write_text(text)
    assert usage.gpus(environ) == usage.Gpus()


def test_looking_costs_less_than_a_hundredth(tmp_path):
    began = time.process_time()
    done, _ = measure(["sleep", "1.5"], tmp_path)
    assert time.process_time() - began < 0.05 * done.seconds


def test_what_runs_before_and_between_is_not_counted(tmp_path):
    busy = [sys.executable, "-c", "import time; x = b'x' * 150_000_000\nwhile time.process_time() < 0.3: pass"]
    with usage.metered(os.environ, usage.Gpus()) as meter:
        for _ in range(2):
            process.ask(busy, cwd=tmp_path, environ=os.environ)
            process.run(["sleep", "0.1"], cwd=tmp_path, environ=os.environ, started=meter.watch)
            meter.ended()
    assert meter.used().cpu_seconds < 0.2
    assert meter.used().memory < 100 * MIB
