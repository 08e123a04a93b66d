"""How long `mlcicd lint` takes for 100 workflow files of 150 lines, run by hand.

    python tests/bench/lint.py [--write]

Each figure is a whole process with its imports. Beside it stands a bare parse of the same files with the same parser.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/benchmarks.md"
TITLE = "## Lint"
FILES = 100
ROUNDS = 5
STEP = """\
      - name: Step {step}
        uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - name: Train {step}
        env: {{DATA: "data/{file}", SEED: "{step}"}}
        run: |
          uv sync --frozen
          python train.py --data "$DATA" --seed "$SEED" --name run-{file}-{step}
          echo "${{{{ github.head_ref }}}} {file}.{step}"
"""
HEAD = """\
name: Train {file}
on:
  pull_request:
  push: {{branches: [main]}}
permissions: {{}}
jobs:
  train:
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    steps:
"""
PARSE = """
import sys, pathlib
from mlcicd.yamltree import compose
for path in pathlib.Path(sys.argv[1]).iterdir():
    compose(path.read_text())
"""


def write(folder: Path) -> Path:
    """Write the files; each begins differently, so that nothing is found twice."""
    workflows = folder / ".github/workflows"
    workflows.mkdir(parents=True)
    for file in range(FILES):
        steps = "".join(STEP.format(file=file, step=step) for step in range(14))
        (workflows / f"train-{file}.yml").write_text(HEAD.format(file=file) + steps)
    return workflows


def seconds(argv: list[str], codes: tuple[int, ...]) -> float:
    """Return the median time of a command."""

    def once() -> float:
        begin = time.perf_counter()
        done = subprocess.run(argv, capture_output=True, check=False)
        assert done.returncode in codes, done.stderr.decode()
        return time.perf_counter() - begin

    return statistics.median(once() for _ in range(ROUNDS))


def main() -> None:
    """Measure, print the section, and write it to the documentation if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write the section {TITLE!r} of {PAGE.relative_to(ROOT)}")
    wanted = parser.parse_args().write
    with tempfile.TemporaryDirectory() as scratch:
        text = "\n".join(section(write(Path(scratch)))) + "\n"
    print(text)
    if wanted:
        before, _, rest = PAGE.read_text("utf-8").partition(f"\n{TITLE}\n")
        after = rest[rest.index("\n## ") :] if "\n## " in rest else ""
        PAGE.write_text(f"{before.rstrip()}\n\n{text}{after}", encoding="utf-8")


def section(folder: Path) -> list[str]:
    """Return the lines of the page's section."""
    lint = [sys.executable, "-m", "mlcicd", "lint"]
    parse = seconds([sys.executable, "-c", PARSE, str(folder)], (0,))
    times = {
        "a bare parse with the same parser": parse,
        "`mlcicd lint --explain M0`, which reads no file": seconds([*lint, "--explain", "M0"], (0,)),
        "`mlcicd lint --only-own`": seconds([*lint, "--only-own", str(folder)], (0, 1)),
        "`mlcicd lint` with zizmor and actionlint": seconds([*lint, str(folder)], (0, 1)),
    }
    lines = len(next(folder.iterdir()).read_text("utf-8").splitlines())
    return [
        TITLE,
        "",
        f"{FILES} workflows of {lines} lines, by `tests/bench/lint.py`; whole processes, the median of {ROUNDS}.",
        "",
        "| | seconds | to the bare parse |",
        "|---|---:|---:|",
        *[f"| {name} | {taken:.2f} | {taken / parse:.1f} |" for name, taken in times.items()],
    ]


if __name__ == "__main__":
    main()
