"""A report whose every text is hostile and whose every list is full."""

from __future__ import annotations

import math

from mlcicd.runtime.report import model
from mlcicd.runtime.report.model import MAX_TEXT, Report
from mlcicd.runtime.verdict import SliceVerdict, Verdict

MARKUP = "`|</details></code><script>alert(1)</script><img src=//h/x onerror=y>![x](//h/y) @org/team {{ 7*7 }} \u202e "


def report(text: str = MARKUP, *, size: int = 1) -> Report:
    """Return it; lists have `size` times their usual number of rows."""
    long = (text * MAX_TEXT)[:MAX_TEXT]
    metrics = [model.Metric(name=long, file=long, key=f"{n}", base=0.1, change=math.nan) for n in range(10 * size)]
    verdict = Verdict(
        metric=long, rule="min", bound=1, status="error", cause="missing", names=(long,) * 8, likely=long, reason=long
    )
    rows = (SliceVerdict(name=long, count=9, status="fail", value=0.1, low=-1, high=1),) * 9 * size
    of_slices = Verdict(
        metric=long, rule="min", bound=1, status="fail", column=long, slice=long, slices=rows[:40], value=0.1
    )
    line = model.Line(side="change", name=long, points=tuple((float(n), n / 3) for n in range(200)))
    row = model.Expectation(type=long, column=long, success=False, expected=long, observed=long)
    point = model.Checkpoint(name=long, success=False, passed=0, failed=9, expectations=(row,) * 4 * size)
    return Report(
        title=long,
        state="fail",
        sha="a" * 40,
        base_found=long,
        gates=(*(verdict,) * 5 * size, of_slices),
        self_test=model.SelfTest(closed=1, open=(long,)),
        outdated=(model.Outdated(job="train", sha="b" * 40, used=True),),
        base_machine=model.Machine(cpus=1, memory=1, gpus=(long,) * 2),
        metrics=tuple(metrics),
        unread=(model.Unread(side="base", file=long, key=long, reason=long),) * 2 * size,
        params=(model.Param(name=long, file=long, base=long, change=long),) * 2 * size,
        curves=(model.Curve(title=long, x_label=long, y_label=long, lines=(line,)),) * 3,
        bars=(model.Bars(title=long, label=long, value=long, bars=(model.Bar(name=long, base=1, change=-1),) * 9),),
        confusions=(
            model.Confusion(title=long, actual=long, predicted=long, classes=(long,) * 2, change=((1, 2), (3, 4))),
        ),
        images=(model.Image(name=long, side="change", bytes=9),),
        data=model.Fetched(files=1, bytes=1, verified=True),
        validation=model.Validation(success=False, seconds=1, checkpoints=(point,) * 2),
        tests=model.Tests(
            command=long, exit=1, seconds=1, passed=1, failed=9, skipped=0, failures=(long,) * 20, tail=(long,) * 20
        ),
        steps=(
            model.OwnStep(name=long, when="before", stage="train", exit=1, seconds=1, tail=(long,) * 20),
            model.OwnStep(name=long, exit=1, seconds=1, may_fail=True, tail=(long,) * 20),
        )
        * min(2 * size, 10),
        gpu=model.GpuCheck(
            need="required", driver=long, devices=(model.Gpu(name=long, memory=2**34),) * 2, framework=long
        ),
        training=model.Training(
            command=long,
            exit=1,
            seconds=1,
            no_gpu=long,
            cost=model.Cost(minutes=1, price=1),
            gpus=(long,) * 2,
            stages=(
                model.Stage(name=long, state="run"),
                model.Stage(name=f"{long[1:]}.", state="run", needs=(long,)),
                *(model.Stage(name=long, state="run"),) * 3 * size,
            ),
            tail=(long,) * 20,
        ),
        notices=tuple(model.Notice(kind="facts", names=(long,) * 20) for _ in range(20)),
    )
