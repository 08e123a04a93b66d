"""`train`: run the training command, and record stages, time, memory, hardware, seeds and tracked runs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping

from mlcicd.config.fields import minutes
from mlcicd.config.model import Train
from mlcicd.errors import MlcicdError, UsageError
from mlcicd.runtime import ci, console, credentials, facts, gpu, process
from mlcicd.runtime.facts import TrainFacts
from mlcicd.runtime.project import Project
from mlcicd.runtime.storage import dvc, push, tracked
from mlcicd.runtime.training import complete, copies, params, repeat, run_cache, trained, usage
from mlcicd.runtime.training.copies import Copies
from mlcicd.runtime.training.progress import Screen, Stages
from mlcicd.runtime.training.repeat import Attempt
from mlcicd.runtime.training.trackers import Tracker
from mlcicd.runtime.training.trained import Training

Say = Callable[[str], None]

_ELSEWHERE = re.compile(r"dvc\.yaml|--all-pipelines|--cwd|\s-[A-Za-z]*[PR]\b|--recursive")


def run(project: Project, command: str | None, say: Say, *, smoke: bool | None = None) -> TrainFacts:
    """Train, and leave `.mlcicd/train.json` and copies of the results, also of a run that failed.

    Args:
        project: the project.
        command: shell text in place of `train.command`.
        say: shows one line.
        smoke: train with the parameters of `train.smoke`; None decides: on a pull or merge request that has some.

    Raises:
        Refused: when the command fails, or is ended at its time limit.
        UsageError: when dvc.yaml or a parameter is broken or missing.
        OutsideError: when the command needs dvc and there is none, or the cloud refuses the log-in.
    """
    with _alone():
        facts.forget("train")
        params.recover(say)
        try:
            return _run(project, command, say, smoke)
        except MlcicdError as error:
            if not (facts.FOLDER / "train.json").exists():
                command = command or (project.config.train or Train()).command
                facts.write(trained.refused(project, command, error), "train")
            raise


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep every other training of this repository out: two would share parameters, lock and metrics."""
    with (facts.make() / "train.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                "another `mlcicd train` is going on in this repository", hint="wait for it to end, or stop it"
            ) from None
        yield


def _run(project: Project, command: str | None, say: Say, smoke: bool | None) -> TrainFacts:
    with credentials.logged_in(project, project.environ(), say) as environ:
        training = _prepare(project, command, smoke, environ)
        with usage.metered(environ, training.gpus) as meter:
            _train(training, meter, say)
        return _finish(training, meter.used(), say)


def _prepare(project: Project, command: str | None, smoke: bool | None, environ: Mapping[str, str]) -> Training:
    """Find out everything that can be wrong before the time of training is spent."""
    settings = project.config.train or Train()
    command = command or settings.command
    if repeat.is_pipeline(command):
        _check_pipeline(project, command)
        dvc.find(project.root, environ)
    no_gpu = gpu.absent()
    overrides = _overrides(settings, smoke, no_gpu)
    return Training(
        project=project,
        settings=settings,
        command=command,
        environ=environ,
        overrides=overrides,
        no_gpu=no_gpu,
        seeds=(None,) if overrides else repeat.seeds(project.root, settings, command),
        deadline=time.monotonic() + 60 * minutes(settings.timeout),
        declared=tracked.results(project.root),  # a broken dvc.yaml is told before training, not after
        gpus=usage.gpus(environ),
        tracker=Tracker(began=time.time() - 0.1),  # a file's time is some milliseconds behind
    )


def _check_pipeline(project: Project, command: str) -> None:
    if (project.root / "dvc.yaml").is_file() or _ELSEWHERE.search(command):
        return
    raise UsageError(
        f"`{command.strip().splitlines()[0]}` needs a dvc.yaml, and there is none in {project.config.project.root}",
        hint="describe the pipeline in dvc.yaml, set project.root, or set train.command to the program that trains",
    )


def _overrides(settings: Train, smoke: bool | None, no_gpu: str) -> Mapping[str, params.Value]:
    """Return the parameters of a smoke training, when this is one: on a CPU in place of a GPU it is."""
    if smoke and settings.smoke is None:
        raise UsageError(
            "there is no smoke training: mlcicd.yaml has no train.smoke",
            hint="name the parameters that make it short: train: {smoke: {params: {train.epochs: 1}}}",
        )
    wanted = ci.detect(os.environ).proposal or bool(no_gpu) if smoke is None else smoke
    return settings.smoke.params if settings.smoke and wanted else {}


def _train(training: Training, meter: usage.Meter, say: Say) -> None:
    """Run the command, with each seed if there are several, until the time is up."""
    if training.no_gpu:
        say(f"training on the CPU, for there is no usable GPU: {training.no_gpu}")
    if training.smoke:
        say(f"smoke training, with {', '.join(training.smoke)}")
    if len(training.seeds) == 1:
        with params.overridden(training.project.root, training.overrides, say):
            training.attempts.append(_attempt(training, None, meter, say, last=True))
        return
    before = trained.before(training.project, training.settings)
    try:
        _repeat(training, meter, say)
    finally:
        _settle(training, before, say)


def _repeat(training: Training, meter: usage.Meter, say: Say) -> None:
    """Run the command with each seed, the committed one last, unless that cannot succeed any more."""
    *others, last = training.seeds
    for number, seed in enumerate(others, 1):
        if not repeat.fits(training.attempts, training.deadline - time.monotonic()):
            say(f"▸ train.timeout leaves time for {number} of {len(training.seeds)} seeds only")
            break
        say(f"▸ seed {seed}, {number} of {len(training.seeds)} …")
        training.attempts.append(_attempt(training, seed, meter, say, last=False))
        if training.attempts[-1].done.timed_out:
            return
        if repeat.is_hopeless(training.attempts, len(training.seeds)):
            say("▸ the other seeds are left out: training has failed already")
            return
    say(f"▸ seed {last}, the committed one …")
    training.attempts.append(_attempt(training, last, meter, say, last=True))


def _settle(training: Training, before: Copies, say: Say) -> None:
    """Leave nothing of another seed behind when the committed one, which comes last, did not come to a good end."""
    done = training.attempts[-1] if training.attempts else None
    if done and done.seed == training.seeds[-1] and done.done.exit == 0:
        return
    if changed := before.put_back():
        say(f"▸ put back as before the first seed: {', '.join(changed)} (`dvc checkout` brings the data of it back)")


def _attempt(training: Training, seed: int | None, meter: usage.Meter, say: Say, *, last: bool) -> Attempt:
    """Run the command once; the committed file of parameters already holds the seed of the last run."""
    root, settings, environ = training.project.root, training.settings, dict(training.environ)
    changed: dict[str, params.Value] = {}
    if seed is not None:
        environ[repeat.VARIABLE] = str(seed)
        changed = {settings.seed: seed} if settings.seed and not last else {}
    before, began = copies.take(root), time.time() - 0.1  # a file's time is some milliseconds behind
    with console.passed_on(environ) as out, params.overridden(root, changed, say):
        screen = Screen(out=out, line=say)
        stages = Stages(say=screen.say)

        def see(line: str) -> None:
            stages.see(line)
            training.tracker.see(line)

        done = process.run(
            process.shell(training.command),
            cwd=root,
            environ=environ,
            show=screen.show,
            see=see,
            started=meter.watch,
            timeout=max(training.deadline - time.monotonic(), 0.001),
        )
        meter.ended()
        stopped_in = stages.stopped() if done.exit else ""
        stages.end()
        screen.end()
    command = training.command
    done = complete.judged(done, stages, command=command, before=before, began=began, environ=environ, say=say)
    measured = repeat.measure(training.project, environ) if seed is not None and done.exit == 0 else {}
    return Attempt(
        seed=seed,
        done=done,
        stages=stages,
        stopped_in=stopped_in,
        metrics=measured,
        is_pipeline=repeat.is_pipeline(command),
    )


def _finish(training: Training, used: usage.Used, say: Say) -> TrainFacts:
    """Keep the results, write the facts, say how it went."""
    found = trained.record(training, used)
    facts.write(found, "train")
    stages = training.attempts[-1].stages
    for line in (*stages.table(), *run_cache.told(training.project.root, stages.seconds), trained.summary(found)):
        say(line)
    if found.hidden:
        say(f"▸ secrets were hidden in what goes on to other jobs: {', '.join(found.hidden)}")
    if found.exit:
        raise trained.failure(training, found)
    if found.smoke and not ci.detect(os.environ).sha:
        say("what lies here now is of the smoke training: `git checkout` brings dvc.lock and the metrics back")
    return _returned(training, found, say)


def _returned(training: Training, found: TrainFacts, say: Say) -> TrainFacts:
    """Push the data of the new lock, when it is to come back from CI; that of a smoke training or a fork never does."""
    here = ci.detect(os.environ)
    if training.settings.lock == "none" or found.smoke or not here.forge or here.fork:
        return found
    found = found.model_copy(update={"lock": push.results(training.project, training.environ, say)})
    facts.write(found, "train")
    return found
