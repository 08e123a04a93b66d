"""`train`: run the training command, and record stages, time, memory and hardware."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mlcicd.config.model import Train
from mlcicd.errors import Refused, UsageError
from mlcicd.runtime import dvc, facts, handover, process, tracked
from mlcicd.runtime.facts import Hardware, Stage, TrainFacts
from mlcicd.runtime.project import Project, program

State = Literal["run", "cached", "unchanged", "failed"]
_PIPELINE = re.compile(r"^\s*dvc\s+(repro|exp\s+run)\b", re.MULTILINE)
_ELSEWHERE = re.compile(r"dvc\.yaml|--all-pipelines|--cwd|\s-[A-Za-z]*[PR]\b|--recursive")
# Lines of `dvc repro` and `dvc exp run`; the stage is the first group.
_LINES: tuple[tuple[re.Pattern[str], State], ...] = (
    (re.compile(r"Running stage '(.+)':$"), "run"),
    (re.compile(r"Stage '(.+)' is cached - skipping run"), "cached"),
    (re.compile(r"Stage '(.+)' didn't change, skipping$"), "unchanged"),
)
_FAILED = re.compile(r"ERROR: failed to reproduce(?: stages:)? ('[^']+'(?:(?:, | and |, and )'[^']+')*)")


@dataclass
class Stages:
    """The stages that DVC's output tells of, in order; a later word on a stage replaces the earlier."""

    states: dict[str, State] = field(default_factory=dict)

    def see(self, line: str) -> None:
        """Take one line of output."""
        for pattern, state in _LINES:
            if found := pattern.match(line):
                self.states[found[1]] = state
        if found := _FAILED.match(line):
            self.states |= dict.fromkeys(re.findall(r"'([^']+)'", found[1]), "failed")

    def facts(self) -> tuple[Stage, ...]:
        """Return them as facts."""
        return tuple(Stage(name=name, state=state) for name, state in self.states.items())


def run(project: Project, command: str | None, say: Callable[[str], None]) -> TrainFacts:
    """Train, and leave `.mlcicd/train.json` and copies of the results, also of a run that failed.

    Args:
        project: the project.
        command: shell text in place of `train.command`.
        say: shows one line.

    Raises:
        Refused: when the command fails.
        UsageError: when dvc.yaml is broken, or the command needs one and there is none.
        OutsideError: when the command needs dvc and there is none.
    """
    facts.forget("train")
    command = command or (project.config.train or Train()).command
    environ = project.environ()
    if _PIPELINE.search(command):
        _check_pipeline(project, command)
        dvc.find(project.root, environ)
    declared = tracked.results(project.root)  # a broken dvc.yaml is told before training, not after
    stages = Stages()
    done = process.run(process.shell(command), cwd=project.root, environ=environ, see=stages.see)
    kept = handover.keep(_results(project, declared), project.root)
    found = TrainFacts(
        command=command,
        exit=done.exit,
        seconds=round(done.seconds, 3),
        peak_memory=_peak_memory(),
        hardware=_hardware(environ, project),
        stages=stages.facts(),
        outputs=tuple(kept),
        tail=process.scrub(done.tail, environ, project.secrets) if done.exit else (),
    )
    facts.write(found, "train")
    say(_summary(found))
    if done.exit:
        failed = [stage.name for stage in found.stages if stage.state == "failed"]
        where = f" in stage {', '.join(failed)}" if failed else ""
        raise Refused(f"training failed{where} with exit status {done.exit}", hint=process.advice(done.exit))
    return found


def _check_pipeline(project: Project, command: str) -> None:
    if (project.root / "dvc.yaml").is_file() or _ELSEWHERE.search(command):
        return
    raise UsageError(
        f"`{command.strip().splitlines()[0]}` needs a dvc.yaml, and there is none in {project.config.project.root}",
        hint="describe the pipeline in dvc.yaml, set project.root, or set train.command to the program that trains",
    )


def _results(project: Project, declared: Sequence[str]) -> list[str]:
    """Return what the report needs: metrics and plots, by DVC or by name, and what `dvc.lock` says of this run."""
    # A training that broke dvc.yaml still has the results that were declared before.
    with contextlib.suppress(UsageError):
        declared = tracked.results(project.root)
    report = project.config.report
    return [*report.metrics, *report.params, *declared, *tracked.files(project.root, "*dvc.lock")]


def _peak_memory() -> int:
    """Return the most memory that one process below this one has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def _hardware(environ: dict[str, str], project: Project) -> Hardware:
    return Hardware(
        cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        gpus=_gpus(environ, project),
    )


def _gpus(environ: dict[str, str], project: Project) -> tuple[str, ...]:
    if program("nvidia-smi", environ) is None:
        return ()
    answer = process.ask(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], cwd=project.root, environ=environ)
    return tuple(line.strip() for line in answer.out.splitlines() if line.strip()) if answer.exit == 0 else ()


def _summary(found: TrainFacts) -> str:
    states = [stage.state for stage in found.stages]
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    word = "trained" if found.exit == 0 else "training failed"
    peak = f"peak {found.peak_memory / 1024**2:,.0f} MiB"
    return f"{word} in {found.seconds:.1f} s, {peak}" + (f"; stages: {counted}" if counted else "")
