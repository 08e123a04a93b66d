"""Time and memory of a large report in every form; run by hand.

    python tests/bench/report.py [--write]

10,000 metrics on both sides, 200 parameters that differ, 20 curves of 100,000 points: made into a report.json and
printed in every form, in a process of its own; the best of three counts, in processor time. What the numbers
themselves take in memory is there before, and is told apart. The ratio is to parsing and printing the same metrics as
JSON, once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/benchmarks.md"
TITLE = "## Report"
RUNS = 3
LARGE = """
import json, math, resource, sys, time
from mlcicd.config.judging import Gate
from mlcicd.runtime import gate
from mlcicd.runtime.base import Base
from mlcicd.runtime.ci import Ci
from mlcicd.runtime.metrics import Values
from mlcicd.runtime.plots import Curve
from mlcicd.runtime.report import build, document, junit, openmetrics, render
from mlcicd.runtime.report.build import Collected

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

names = [("metrics.json", f"slices.site_{n // 10}.metric_{n % 10}") for n in range(10_000)]
points = [(float(n), math.exp(-n / 30_000)) for n in range(100_000)]
sha = "b" * 40
found = Collected(
    base=Base(sha=sha),
    change=Values(numbers={key: 0.9 + n / 1e6 for n, key in enumerate(names)}),
    before=Values(numbers={key: 0.9 for key in names}),
    params={("params.yaml", f"group.name_{n}"): (str(n), str(n + 1)) for n in range(200)},
    plots=[
        Curve(title=f"loss {n}", x_label="step", y_label="loss", revisions={"workspace": list(points)})
        for n in range(20)
    ],
    gates=[gate.Applied(gate=Gate(metric=names[9_999][1], min=0.5), source="base")],
)
whole = "--all" in sys.argv
render.html(build.build(Collected(), Ci(), sha)); render.markdown(build.build(Collected(), Ci(), sha))  # templates read
start, before = time.process_time(), memory()
times = {}
def timed(name, make):
    began = time.process_time()
    made = make()
    times[name] = time.process_time() - began
    return made
report = timed("report.json", lambda: build.build(found, Ci(), sha))
sizes = {"report.json": len(timed("report.json, printed", lambda: document.dump(report)))}
complete = timed("all of it", lambda: build.whole(report, found))
sizes["comment"] = len(timed("comment", lambda: render.markdown(report)).encode())
sizes["summary"] = len(timed("summary", lambda: render.summary(complete)).encode())
sizes["page"] = len(timed("page", lambda: render.html(complete)).encode())
sizes["JUnit"] = len(timed("JUnit", lambda: junit.junit(report)).encode())
sizes["OpenMetrics"] = len(timed("OpenMetrics", lambda: openmetrics.openmetrics(complete)))
total, after = time.process_time() - start, memory()
raw = json.dumps({"m": {":".join(key): value for key, value in found.change.numbers.items()}})
began = time.process_time()
json.dumps(json.loads(raw), indent=1)
assert "numpy" not in sys.modules
print(json.dumps({"times": times, "sizes": sizes, "seconds": total, "memory": after, "added": after - before,
                  "json": time.process_time() - began}))
"""
START = "import sys; from mlcicd.cli import main; main(['report', '--from', sys.argv[1]])"


def main() -> None:
    """Measure, print the section, and write it to the documentation if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write the section {TITLE!r} of {PAGE.relative_to(ROOT)}")
    write = parser.parse_args().write
    found = min((json.loads(run(LARGE)) for _ in range(RUNS)), key=lambda one: one["seconds"])
    state = ROOT / "tests/unit/runtime/report/pass.json"
    start, bare = (min(seconds(code, str(state)) for _ in range(2 * RUNS)) for code in (START, "pass"))
    text = "\n".join(section(found, start, bare)) + "\n"
    print(text)
    if write:
        before, _, rest = PAGE.read_text("utf-8").partition(f"\n{TITLE}\n")
        after = rest[rest.index("\n## ") :] if "\n## " in rest else ""
        PAGE.write_text(f"{before.rstrip()}\n\n{text}{after}", encoding="utf-8")


def section(found: dict, start: float, bare: float) -> list[str]:
    """Return the lines of the page's section."""
    sizes, there, ratio = found["sizes"], found["memory"] - found["added"], found["seconds"] / found["json"]
    rows = [f"| {name} | {took * 1000:.0f} ms | {size(sizes.get(name))} |" for name, took in found["times"].items()]
    return [
        TITLE,
        "",
        "10,000 metrics on both sides, 200 parameters, 20 curves of 100,000 points, made into every form by",
        "`tests/bench/report.py`.",
        "",
        "| form | processor time | size |",
        "|---|---:|---:|",
        *rows,
        f"| **together** | **{found['seconds']:.2f} s** | |",
        "",
        f"That is {ratio:.0f} times what Python takes to read and print 10,000 numbers as JSON. Making it adds",
        f"{found['added']:.0f} MiB to the {there:.0f} MiB of the process that holds the points.",
        f"`mlcicd report --from` of a small report takes {start:.2f} s from start to end, a bare Python",
        f"{bare:.2f} s. NumPy is never imported (the benchmark asserts it).",
    ]


def size(count: int | None) -> str:
    """Return a size in words."""
    return f"{count / 1024:,.0f} KiB" if count else ""


def run(code: str, *arguments: str) -> str:
    """Run code in a process of its own, and return what it prints."""
    argv = [sys.executable, "-c", code, *arguments]
    return subprocess.run(argv, check=True, capture_output=True, text=True, env=dict(os.environ), cwd=ROOT).stdout


def seconds(code: str, *arguments: str) -> float:
    """Return how long that takes."""
    began = time.perf_counter()
    run(code, *arguments)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
