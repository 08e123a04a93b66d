"""Every linter of pipelines that runs offline; each function returns findings as strings, and none means clean.

A linter that reads nothing also finds nothing, so each one must show that it read every file.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from ruamel.yaml import YAML

from tests.e2e.harness import gitlab
from tests.e2e.harness.act import older
from tests.e2e.harness.tools import Tools, add_rsync, shellcheck

# Every policy that actionlint has. The labels are those of our golden cases, which no linter can know.
POLICIES = """\
self-hosted-runner: {labels: [gpu, ubuntu-gpu-t4]}
policy:
  cache-call-unrestricted: true
  cache-operation: true
  cache-write-untrusted: true
  require-commit-hash: true
  require-job-timeout: true
  require-permissions: {scope: job}
"""


def lint_github(
    files: Path | Iterable[Path], tools: Tools, *, persona: str = "auditor", allow: Collection[str] = ()
) -> list[str]:
    """Lint workflows.

    Args:
        files: a folder of them, or the files.
        tools: from `tools.prepare`.
        persona: zizmor's; the auditor tells everything it knows.
        allow: idents of zizmor's audits that may find something.
    """
    paths = _files(files)
    return [
        *_schema("github-workflows", paths, tools),
        *_lines("jactionlint", ["--format=oneline", "--no-color", "--no-hints", *paths], tools),
        *_actionlint(paths, tools),
        *_zizmor(paths, tools, persona, allow),
        *_languageservice(paths, tools),
        *[finding for path in paths for finding in _act(path, tools)],
    ]


def lint_action(
    files: Path | Iterable[Path], tools: Tools, *, persona: str = "auditor", allow: Collection[str] = ()
) -> list[str]:
    """Lint action.yml files; arguments as in `lint_github`, of a folder every action.yml below it."""
    paths = _files(files, "action.yml")
    return [
        *_schema("github-actions", paths, tools),
        *_lines("jactionlint", ["--format=oneline", "--no-color", "--no-hints", *paths], tools),
        *_zizmor(paths, tools, persona, allow),
        *_languageservice(paths, tools),
        *[finding for path in paths for finding in _scripts(path)],
    ]


def lint_updates(file: Path, tools: Tools) -> list[str]:
    """Lint the configuration of Dependabot or Renovate; of the first zizmor judges the pauses too."""
    if file.suffix == ".json":
        return _schema("renovate", [str(file)], tools)
    return [*_schema("dependabot", [str(file)], tools), *_zizmor([str(file)], tools, "auditor", ())]


def lint_gitlab(file: Path, tools: Tools) -> list[str]:
    """Lint one GitLab pipeline, with the files it includes beside it.

    Cycles of `needs` are found by neither program.
    """
    add_rsync(tools)
    with tempfile.TemporaryDirectory() as scratch:
        documents = re.split(r"^---[^\S\n]*\n", file.read_text("utf-8"), flags=re.MULTILINE)
        # A header with `spec:` is a document of its own, which the schema does not know.
        plain = Path(scratch) / "pipeline.yml"
        plain.write_text(documents[-1], encoding="utf-8")
        transform = ["--data-transform", "gitlab-ci"]
        found = [one.replace(str(plain), str(file)) for one in _schema("gitlab-ci", [str(plain)], tools, transform)]
        done = gitlab.preview(file, tools=tools, folder=Path(scratch) / "preview")
        jobs = re.findall(r"^\S+ +\S.*$", done.output.partition("name ")[2], re.MULTILINE)
        if done.code:
            lines = [line for line in done.output.splitlines() if line.strip() and "git config" not in line]
            found.append(f"gitlab-ci-local: {file}: {' | '.join(lines[-8:])}")
        elif not jobs:
            found.append(f"gitlab-ci-local: {file}: lists no job")
    return found


def _files(files: Path | Iterable[Path], pattern: str = "*.y*ml") -> list[str]:
    if isinstance(files, Path):
        files = sorted(files.rglob(pattern)) if files.is_dir() else [files]
    paths = [str(path) for path in files if path.exists()]
    assert paths, "nothing to lint"
    return paths


def _run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)


def _lines(program: str, arguments: list[str], tools: Tools) -> list[str]:
    """Run a linter that prints one finding a line, and fails when it found one."""
    done = _run([tools.program(program), *arguments])
    found = [f"{program}: {line}" for line in done.stdout.splitlines() if line.strip()]
    if done.returncode and not found:
        found.append(f"{program}: ended with {done.returncode}: {done.stderr.strip()}")
    return found


def _actionlint(paths: list[str], tools: Tools) -> list[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as config:
        config.write(POLICIES)
        config.flush()
        options = [f"-config-file={config.name}", f"-shellcheck={shellcheck()}", "-pyflakes=", "-oneline", "-no-color"]
        return _lines("actionlint", [*options, *paths], tools)


def _scripts(path: str) -> list[str]:
    """Read the scripts of a composite action, which actionlint does not."""
    steps = YAML(typ="safe", pure=True).load(Path(path).read_text("utf-8"))["runs"]["steps"]
    found = []
    for step in steps:
        argv = [shellcheck(), "--shell=bash", "--format=gcc", "-"]
        if "run" in step:
            done = subprocess.run(argv, input=step["run"], capture_output=True, text=True, check=False, timeout=60)
            found += [f"shellcheck: {path}: {step.get('name', 'a step')}: {line}" for line in done.stdout.splitlines()]
    return found


def _schema(schema: str, paths: list[str], tools: Tools, options: Iterable[str] = ()) -> list[str]:
    argv = [tools.program("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", "--output-format", "json"]
    done = _run([*argv, *options, *paths])
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return [f"check-jsonschema: {(done.stdout + done.stderr).strip()}"]
    broken = [f"{one['filename']}: {one['message']}" for one in answer.get("parse_errors", [])]
    wrong = [f"{one['filename']}: {one['path']}: {one['message']}" for one in answer.get("errors", [])]
    if done.returncode and not broken + wrong:
        wrong = [str(answer)]
    return [f"check-jsonschema: {finding}" for finding in broken + wrong]


def ignored(path: Path, tools: Tools) -> set[str]:
    """Return the idents of zizmor's audits that comments in the file silence."""
    options = ["--offline", "--no-progress", "--strict-collection", "--no-config", "--persona=auditor"]
    done = _run([tools.program("zizmor"), *options, "--no-exit-codes", "--no-ignores", "--format=json-v1", str(path)])
    return {one["ident"] for one in json.loads(done.stdout)}


def _zizmor(paths: list[str], tools: Tools, persona: str, allow: Collection[str]) -> list[str]:
    options = ["--offline", "--no-progress", "--strict-collection", "--no-config", "--color=never"]
    done = _run([tools.program("zizmor"), *options, f"--persona={persona}", "--format=json-v1", *paths])
    audited = {path for path in paths if re.search(rf"completed {re.escape(path)}$", done.stderr, re.MULTILINE)}
    if len(audited) < len(set(paths)):
        return [f"zizmor: did not audit {sorted(set(paths) - audited)}: {done.stderr.strip()}"]
    findings = [one for one in json.loads(done.stdout) if not one["ignored"] and one["ident"] not in allow]
    return [f"zizmor: {_place(one['locations'])}: {one['ident']}: {one['desc']}" for one in findings]


def _place(locations: list[dict[str, dict[str, dict[str, dict[str, int]]]]]) -> str:
    primary = next((one for one in locations if one["symbolic"]["kind"] == "Primary"), locations[0])
    path = primary["symbolic"]["key"]["Local"]["verbatim_path"]
    return f"{path}:{primary['concrete']['location']['start_point']['row'] + 1}"


def _languageservice(paths: list[str], tools: Tools) -> list[str]:
    done = _run([str(tools.node), str(tools.cache / "languageservice.mjs"), *paths])
    # A key of September 2026, which the newest release of it does not know; the schema and actionlint do.
    lines = [line for line in done.stdout.splitlines() if not line.endswith("Unexpected value 'cache-mode'")]
    found = [f"languageservice: {line}" for line in lines]
    unread = [path for path in paths if f"validated {path}\n" not in done.stderr]
    return found + [f"languageservice: did not read {path}: {done.stderr.strip()}" for path in unread]


def _act(path: str, tools: Tools) -> list[str]:
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / Path(path).name
        copy.write_text(older(Path(path).read_text("utf-8")), encoding="utf-8")
        done = _run([tools.program("act"), "--validate", "--strict", "-W", str(copy)])
    lines = [line for line in done.stderr.splitlines() if "docker connection" not in line]
    return [f"act: {path}: {' | '.join(lines)}"] if done.returncode else []
