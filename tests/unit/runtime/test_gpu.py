"""The look at the GPU before training: each thing that can be missing, and what is said of it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlcicd.cli import cli, main
from mlcicd.errors import MlcicdError, OutsideError, Refused
from mlcicd.runtime import facts, gpu, nvidia, project, train
from mlcicd.runtime import gpu_framework as framework
from mlcicd.runtime.facts import Gpu, GpuFacts
from tests.unit.runtime import gpus, repository

MIB = 1024**2
RUNNER = "train: {{command: 'true', runner: big}}\nrunners: {{big: {{gpu: {}}}}}\n"
SMOKE = "train: {command: 'cp params.yaml seen.yaml', runner: big, smoke: {params: {epochs: 1}}}\n"
GIB = 1024**3


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A repository whose programs are the stand-ins of a test, and no framework but theirs."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "MLCICD_SHA", "MLCICD_EVENT", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "repository"
    root.mkdir()
    repository.git(root, "init", "-q")
    repository.git(root, "commit", "-q", "--allow-empty", "-m", "first")
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return root


@pytest.fixture
def machine(tmp_path):
    """Where programs of the machine are."""
    return tmp_path


def look(settings="required", need=None, config=""):
    Path("mlcicd.yaml").write_text("version: 1\n" + (config or RUNNER.format(settings)))
    said: list[str] = []
    return gpu.run(project.load(Path("mlcicd.yaml"), "train"), need, said.append), said


def refused(settings="required"):
    with pytest.raises(MlcicdError) as caught:
        look(settings)
    found = facts.read(GpuFacts, "gpu")
    assert found
    assert found.problem == caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_usable_gpu(machine, here):
    gpus.smi(machine, gpus.T4)
    gpus.torch(here)
    found, said = look("required, gpu-memory: 14GB")
    assert found.model_copy(update={"seconds": 0}) == GpuFacts(
        need="required",
        driver="570.124.06",
        devices=(Gpu(name="Tesla T4", memory=15360 * MIB, free=14928 * MIB),),
        framework="torch 2.9.0+cu126",
    )
    assert said[0] == "Tesla T4: 15.0 GiB, 14.6 GiB free, driver 570.124.06"
    assert said[1].startswith("torch 2.9.0+cu126 computes on it as on the CPU")
    assert gpu.absent() == ""


def test_without_a_framework_the_drivers_word_counts(machine):
    gpus.smi(machine, gpus.T4)
    found, said = look()
    assert (found.problem, found.framework) == ("", "")
    assert "no framework is installed that could be asked" in said[-1]


def test_a_framework_that_computes_needs_no_nvidia_smi(here):
    gpus.torch(here, devices=(("AMD Instinct MI300X", 190 * GIB, 191 * GIB),))
    found, said = look("required, gpu-memory: 16GB")
    assert found.devices == (Gpu(name="AMD Instinct MI300X", memory=191 * GIB, free=190 * GIB),)
    assert said[0] == "AMD Instinct MI300X: 191.0 GiB, 190.0 GiB free"


@pytest.mark.parametrize(
    ("build", "kind", "message", "hint"),
    [
        ({"version": "2.9.0+cpu", "cuda": None}, Refused, "torch 2.9.0+cpu in the project's environment is a build for",
         "a version with +cpu"),
        ({"init": "raise RuntimeError('The NVIDIA driver on your system is too old (found version 11040).')"}, Refused,
         "driver is too old for the CUDA that torch 2.9.0+cu126 was built with", "update the driver"),
        ({"init": "raise RuntimeError('CUDA error: no kernel image is available for execution on the device')"},
         Refused, "was not built for this type of GPU", "whose CUDA knows"),
        ({"init": "raise RuntimeError('CUDA-capable device(s) is/are busy or unavailable')"}, OutsideError,
         "another process has it for itself", "nvidia-smi -c DEFAULT"),
        ({"init": "raise ValueError('odd\\nlines')"}, OutsideError, "torch 2.9.0+cu126 cannot use it (ValueError: odd)",
         "the driver's CUDA"),
        ({"devices": ()}, OutsideError, "the driver shows a GPU, and torch 2.9.0+cu126 cannot use it", "driver's CUDA"),
        ({"broken": 0}, OutsideError, "GPU 0 (Tesla T4) multiplies wrongly", "ECC"),
        ({"broken": 0, "wrong": "float('nan')"}, OutsideError, "multiplies wrongly", "ECC"),
        ({"init": "import os; os._exit(139)"}, OutsideError, "ended with exit status 139", "in the project's env"),
    ],
)  # fmt: skip
def test_what_a_framework_lacks(machine, here, build, kind, message, hint):
    gpus.smi(machine, gpus.T4)
    gpus.torch(here, **build)
    error = refused()
    assert type(error) is kind
    assert message in error.message
    assert hint in error.hint


def test_a_framework_without_its_libraries(machine, here):
    gpus.smi(machine, gpus.T4)
    (here / "torch.py").write_text("raise ImportError('libcudart.so.12: cannot open shared object file: No such')")
    assert refused().message == "torch does not find the libraries of CUDA"


def test_a_folder_with_the_name_of_a_framework_is_none(machine, here):
    gpus.smi(machine, gpus.T4)
    (here / "torch").mkdir()
    assert look()[0].framework == ""


def test_a_framework_that_crashes_while_it_answers(machine, here):
    gpus.smi(machine, gpus.T4)
    gpus.torch(here, init="import sys; open(sys.argv[1], 'w').write('{'); print('secret?'); sys.exit(9)")
    assert "ended with exit status 9: secret?" in refused().message


def test_the_driver_is_named_before_the_framework(machine, here):
    gpus.smi(machine, gpus.MISMATCH, exit=18)
    gpus.torch(here, init="raise RuntimeError('Found no NVIDIA driver on your system.')")
    assert "the NVIDIA driver was replaced while it ran" in refused().message


def test_no_gpu_at_all(machine, here):
    gpus.torch(here, version="2.9.0+cpu", cuda=None)
    assert "there is no nvidia-smi" in refused().message


def test_a_framework_that_hangs_is_given_up(machine, here, monkeypatch):
    monkeypatch.setattr(framework, "TIMEOUT", 0.5)
    gpus.smi(machine, gpus.T4)
    gpus.torch(here, init="import time; time.sleep(60)")
    assert "gave no answer within" in refused().message


def test_a_variable_that_hides_the_gpu_is_named(machine, here):
    gpus.smi(machine, gpus.T4)
    gpus.torch(here, devices=())
    config = RUNNER.format("required").replace("runner: big", "runner: big, env: {CUDA_VISIBLE_DEVICES: '-1'}")
    with pytest.raises(Refused, match="CUDA_VISIBLE_DEVICES is set and names no GPU"):
        look(config=config)


def test_too_few(machine, here):
    gpus.smi(machine, gpus.T4, gpus.T4)
    gpus.torch(here)  # sees one of the two
    error = refused("required, gpu-count: 2")
    assert error.message == "runners.big.gpu-count asks for 2 GPUs, and there is 1"


def test_memory_that_another_process_holds(machine, here):
    gpus.smi(machine, "Tesla T4, 570.1, 15360, 2048, [N/A]", apps="4242, /usr/bin/python3, 13000")
    gpus.torch(here)
    error = refused("required, gpu-memory: 12GB")
    assert error.message == "runners.big.gpu-memory asks for 12GB, and Tesla T4 has 2.0 GiB of 15.0 GiB free"
    assert error.detail == "  holds memory: python3, process 4242, 13,000 MiB"
    assert error.hint.startswith("end what holds its memory")
    assert isinstance(error, Refused)


def test_memory_that_nobody_seen_holds(machine):
    gpus.smi(machine, "Tesla T4, 570.1, 15360, 2048, [N/A]")
    assert "a container does not show it" in refused("required, gpu-memory: 12GB").hint


def test_memory_that_runs_out_in_the_check(machine, here):
    gpus.smi(machine, gpus.T4, apps="7, train, 15000")
    gpus.torch(here, init="raise RuntimeError('CUDA out of memory. Tried to allocate 2 MiB')")
    error = refused()
    assert error.message == "the GPU has no memory left"
    assert "train, process 7" in error.detail


def test_of_a_gpu_cut_into_parts_the_part_counts(machine, here):
    gpus.smi(machine, "NVIDIA H200, 570.1, 143771, 143155, Enabled")
    gpus.torch(here, devices=(("NVIDIA H200 MIG 1g.18gb", 16 * GIB, 18 * GIB),))
    assert "MIG 1g.18gb has 16.0 GiB of 18.0 GiB free" in refused("required, gpu-memory: 40GB").message


def test_memory_that_the_driver_does_not_tell_is_enough(machine):
    gpus.smi(machine, "NVIDIA GB10, 580.1, [N/A], [N/A], [N/A]")
    found, said = look("required, gpu-memory: 40GB")
    assert not found.problem
    assert said[0] == "NVIDIA GB10: ?, ? free, driver 580.1"


def test_another_framework_is_asked_when_the_first_sees_no_gpu(machine, here):
    gpus.smi(machine, gpus.T4)
    gpus.torch(here, version="2.9.0+cpu", cuda=None)
    (here / "numpy.py").write_text(gpus.NUMPY)
    (here / "cupy.py").write_text(gpus.CUPY)
    found, _ = look()
    assert (found.problem, found.framework) == ("", "cupy 13.6.0")
    (here / "cupy.py").write_text(gpus.CUPY.replace("return 1", "return 1 - 1"))
    assert "torch 2.9.0+cpu" in refused().message


def test_what_is_not_required_stops_nobody(machine, here):
    gpus.smi(machine, gpus.MISMATCH, exit=18)
    found, said = look("preferred")
    assert "do not fit" in found.problem
    assert said[-2].startswith("next: restart the machine")
    assert said[-1] == "training will run on the CPU"
    assert gpu.absent() == found.problem
    found, said = look("required", need="none")
    assert "no usable GPU" in said[0]
    assert gpu.absent() == ""


def test_an_earlier_look_does_not_count(machine, here):
    look("preferred")
    assert gpu.absent()
    repository.git(here, "commit", "-q", "--allow-empty", "-m", "second")
    assert gpu.absent() == ""
    facts.forget("gpu")
    assert gpu.absent() == ""


def test_without_a_gpu_training_is_a_smoke_training(here):
    Path("params.yaml").write_text("epochs: 10\n")
    look(config=SMOKE + "runners: {big: {gpu: preferred}}\n")
    said: list[str] = []
    found = train.run(project.load(), None, said.append)
    assert found.smoke == ("epochs=1",)
    assert "there is no nvidia-smi" in found.no_gpu
    assert said[0].startswith("training on the CPU, for there is no usable GPU: there is no nvidia-smi")
    assert Path("seen.yaml").read_text() == "epochs: 1\n"
    assert train.run(project.load(), None, said.append, smoke=False).smoke == ()


def test_without_smoke_parameters_it_trains_in_full_and_says_so():
    look("preferred")
    found = train.run(project.load(), None, lambda line: None)
    assert found.smoke == ()
    assert "there is no nvidia-smi" in found.no_gpu


def test_with_a_gpu_training_is_as_ever(machine):
    gpus.smi(machine, gpus.T4)
    look("preferred")
    assert train.run(project.load(), None, lambda line: None).no_gpu == ""


@pytest.mark.parametrize(
    ("lines", "exit", "status", "message"),
    [
        ((), 0, 1, "error: the NVIDIA driver runs, and sees no GPU"),
        ((gpus.MISMATCH,), 18, 3, "error: the NVIDIA driver was replaced"),
        ((gpus.T4,), 0, 0, "Tesla T4: 15.0 GiB"),
    ],
)
def test_the_exit_status_tells_what_is_missing_from_what_fails(machine, lines, exit, status, message):
    gpus.smi(machine, *lines, exit=exit)
    Path("mlcicd.yaml").write_text("version: 1\n" + RUNNER.format("required"))
    done = CliRunner().invoke(cli, ["gpu"])
    assert (status == 0) == (done.exception is None)
    if done.exception:
        assert done.exception.exit_code == status
        assert message == f"error: {done.exception.message}"[: len(message)]
    else:
        assert message in done.output


def test_the_time_for_nvidia_smi_is_bounded():
    assert nvidia.TIMEOUT + framework.TIMEOUT < 120


PAGE = (Path(__file__).parents[3] / "docs/gpu.md").read_text("utf-8")


def test_the_message_in_the_documentation_is_the_one_that_is_printed(capsys):
    Path("mlcicd.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    with pytest.raises(SystemExit) as caught:
        main(["gpu"])
    assert caught.value.code == 1
    assert f"$ mlcicd gpu\n{capsys.readouterr().err}" in PAGE


def test_the_estimate_in_the_documentation_is_the_one_that_is_printed(capsys):
    Path("mlcicd.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    with pytest.raises(SystemExit):
        main(["plan"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  costs")]
    assert f"```\n{line}\n```" in PAGE
