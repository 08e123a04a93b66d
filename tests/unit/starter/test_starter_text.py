"""What init writes for whole repositories: it loads, it says where values came from, and nothing breaks out of it."""

from __future__ import annotations

import dataclasses
import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcicd import detect, yamlio
from mlcicd.config.load import parse
from mlcicd.detect import Found, Seen, dvc
from mlcicd.detect.git import Repository
from mlcicd.detect.metrics import Metric
from mlcicd.detect.tables import Tables
from mlcicd.errors import UsageError
from mlcicd.starter import text

CONFIG = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = {}\n"
PIPELINE = "stages:\n  prepare: {cmd: x}\n  train: {cmd: x, metrics: [metrics.json: {cache: false}]}\n"

DIGITS = {
    "dvc.yaml": PIPELINE,
    ".dvc/config": CONFIG.format("s3://acme/digits"),
    "metrics.json": '{"accuracy": 0.9561, "log_loss": 0.1342, "rows": 114}',
    "gx/checkpoints/raw.json": '{"name": "raw"}',
    "requirements.txt": "scikit-learn\n",
    "requirements-dev.txt": "pytest\n",
    ".python-version": "3.11.4\n",
    "tests/test_train.py": "",
    ".gitlab-ci.yml": "",
}
DIGITS_YAML = """\
version: 1
platforms: [gitlab]  # .gitlab-ci.yml

project:
  python: "3.11"        # .python-version: 3.11.4
  # requirements.txt, requirements-dev.txt
  install: "uv venv --allow-existing && uv pip install -r requirements.txt -r requirements-dev.txt"
  default-branch: main  # assumed

data:
  remote: storage  # DVC's default (s3), .dvc/config
  # usual for s3
  credentials: {secrets: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}
  # credentials: {aws: {role: ARN, region: REGION}}  # nothing stored; `mlcicd plan --trust` says what to allow

validate:
  checkpoints: [raw]  # gx/checkpoints

test:
  command: pytest -q  # tests/

train:
  command: dvc repro --pull --allow-missing  # dvc.yaml: prepare, train
  # runner: gpu  # a name under `runners`, such as runners: {gpu: {github: [self-hosted, gpu], gitlab: [gpu]}}
  # lock: propose  # after training in CI, push its data and propose the new dvc.lock and metrics

gates:
  - {metric: accuracy, max-drop: 0.01}   # 0.9561 in metrics.json; higher is better
  - {metric: log_loss, max-rise: 0.007}  # 0.1342 in metrics.json; lower is better
"""

REPOSITORIES = {
    "empty": {},
    "digits": DIGITS,
    "scripts": {"train.py": "", "metrics.json": '{"val": {"f1": 0.5}}', "pyproject.toml": "[project]\n"},
    "unknown metric": {"dvc.yaml": PIPELINE, "metrics.json": '{"wobble": 3}'},
    "local remote": {"dvc.yaml": PIPELINE, ".dvc/config": CONFIG.format("../store")},
    "tables": {
        "dvc.yaml": "stages:\n  prepare: {cmd: x, outs: [data/train.csv, data/test.csv, data/train.txt]}\n",
        "data/raw.csv.dvc": "",
        "expectations/raw.yaml": "expectations: []\n",
    },
    "no remote": {"dvc.yaml": PIPELINE, ".dvc/config": ""},
    "subfolder": {"ml/dvc.yaml": PIPELINE, "ml/.dvc/config": CONFIG.format("azure://b"), "ml/requirements.txt": ""},
    "part of a whole": {"ml/dvc.yaml": PIPELINE, ".dvc/config": CONFIG.format("azure://b"), "uv.lock": ""},
    "two pipelines": {"a/dvc.yaml": PIPELINE, "b/dvc.yaml": PIPELINE, ".dvc/config": CONFIG.format("ssh://h/p")},
    "two projects": {"a/dvc.yaml": PIPELINE, "b/dvc.yaml": PIPELINE},
    "all broken": {
        "dvc.yaml": "stages: [",
        ".dvc/config": "nonsense",
        "pyproject.toml": "= 3",
        "gx/checkpoints/a.json": "{",
        "metrics.json": "[",
        "setup.cfg": "nonsense",
        "environment.yml": "\t",
    },
    "hostile names": {
        "dvc.yaml": json.dumps({"stages": {"a\n# b\nversion: 2": {"cmd": "x", "metrics": ["metrics.json"]}}}),
        "metrics.json": json.dumps({"acc\nversion: 2": 0.5, "${{ secrets.X }} acc": 0.5, "loss  # x": 0.5}),
        "gx/checkpoints/a.json": json.dumps({"name": "a: b  # c"}),
        "gx/checkpoints/b.json": json.dumps({"name": "line\nbreak"}),
        ".dvc/config": "[core]\nremote = ${{ x }}\n['remote \"${{ x }}\"']\nurl = s3://b\n",
        ".python-version": "3.12.1  # x",
    },
}


@pytest.mark.parametrize("name", REPOSITORIES)
def test_every_starter_loads_and_is_short(make, name: str) -> None:
    found = detect.look(make(REPOSITORIES[name]))
    made = text.whole(found)
    parse(made)
    assert len(made.splitlines()) <= 60
    assert made.startswith("# yaml-language-server: $schema=https://")
    assert not [line for line in made.splitlines() if line != line.rstrip()]
    assert yaml.safe_load(made) == json.loads(json.dumps(yamlio.load(made)))  # YAML 1.1 and 1.2 agree
    # A second run finds nothing that the first one did not write.
    assert text.missing(found, made, "mlcicd.yaml") == text.Addition(text="", sections=())


def test_the_whole_file(make) -> None:
    made = text.whole(detect.look(make(DIGITS)))
    assert made.split("\n", 2)[2] == DIGITS_YAML


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("empty", "  command: pytest -q  # an example: nothing to run was seen here"),
        ("empty", "# gates: [{metric: NAME, min: 0.9}]  # not seen: metrics"),
        ("scripts", "  command: python train.py  # train.py"),
        ("scripts", "  metrics: [metrics.json]  # seen here"),
        ("scripts", "  - {metric: val.f1, max-drop: 0.01}  # 0.5 in metrics.json; higher is better"),
        (
            "unknown metric",
            "# gates: [{metric: NAME, min: 0.9}]  # not clear what is good for wobble: min, max, max-drop or max-rise",
        ),
        ("local remote", "  # This remote is a path on one machine: CI's machines will not have it."),
        ("no remote", "  command: dvc repro  # dvc.yaml: prepare, train"),
        ("no remote", "# gates: [{metric: NAME, min: 0.9}]  # no value is here yet in metrics.json"),
        ("subfolder", "  root: ml              # ml/dvc.yaml"),
        ("subfolder", "  credentials: {secrets: [AZURE_STORAGE_CONNECTION_STRING]}  # usual for azure"),
        ("part of a whole", "  command: dvc repro --pull --allow-missing ml/dvc.yaml  # ml/dvc.yaml: prepare, train"),
        ("two pipelines", "  # The runner needs an SSH key that this remote accepts."),
        (
            "two pipelines",
            "  command: dvc repro --pull --allow-missing --all-pipelines  # a/dvc.yaml, b/dvc.yaml: prepare, train",
        ),
        ("tables", "    - {train: data/train.csv, test: data/test.csv}"),
        ("tables", "    - {data: data/raw.csv, suite: expectations/raw.yaml}"),
        ("hostile names", '  checkpoints: ["a: b  # c"]  # gx/checkpoints'),
        ("hostile names", "# - the checkpoint line break"),
        ("hostile names", "# - the DVC remote ${{ x }}"),
        ("hostile names", "# - the metric acc version: 2"),
    ],
)
def test_lines_that_tell(make, name: str, line: str) -> None:
    assert line in text.whole(detect.look(make(REPOSITORIES[name]))).splitlines()


def test_examples_are_valid_when_uncommented(make) -> None:
    made = text.whole(detect.look(make({})))
    examples = [line[2:] for line in made.splitlines() if line.startswith("# ") and "not seen:" in line]
    assert len(examples) == 4
    config = parse("version: 1\n" + "\n".join(examples))
    assert config.data
    assert config.validate_
    assert config.train
    assert config.gates


def test_broken_files_are_noted_and_the_rest_is_used(make) -> None:
    found = detect.look(make(REPOSITORIES["all broken"] | {"tests/test_a.py": "import pytest"}))
    noted = {notice.split(":")[0] for notice in found.notices}
    assert noted >= {
        "dvc.yaml",
        ".dvc/config",
        "pyproject.toml",
        "gx/checkpoints/a.json",
        "setup.cfg",
        "environment.yml",
    }
    assert found.test is not None


ODD = st.text(max_size=30) | st.sampled_from(
    [
        "",
        "\n",
        "# x",
        "  # y",
        "a: b",
        "- a",
        "{a",
        "'",
        '"',
        "\u2028",
        "\x85",
        "\ud800",
        "yes",
        "0x1f",
        "${{ x }}",
        "a\r\nb: c",
        "\ufeff",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    stages=st.lists(ODD, min_size=1, max_size=3).map(tuple),
    files=st.lists(ODD, min_size=1, max_size=2).map(tuple),
    checkpoints=st.lists(ODD, max_size=3, unique=True).map(tuple),
    branch=ODD,
    remote=ODD,
    root=ODD,
    source=ODD,
    metric=ODD,
)
def test_nothing_breaks_out(
    stages: tuple[str, ...],
    files: tuple[str, ...],
    checkpoints: tuple[str, ...],
    branch: str,
    remote: str,
    root: str,
    source: str,
    metric: str,
) -> None:
    pipelines = [dvc.Pipeline(file=file, stages=stages, metrics=files, plots=(), params=()) for file in files]
    found = Found(
        repository=Repository(
            top=None,
            platforms=Seen(value=("github",), source=source),
            branch=Seen(value=branch, source=source),
        ),
        root=Seen(value=root, source=source),
        python=Seen(value="3.12", source=source),
        install=Seen(value="uv sync --frozen", source=source),
        pipelines=tuple(pipelines),
        tracked=True,
        remote=dvc.Remote(name=remote, kind="s3", default=True, secrets=("A",)),
        checkpoints=Seen(value=checkpoints, source=source),
        tables=Tables(splits=((files[0], files[-1]),), suites=((files[-1], files[0]),)),
        test=Seen(value="pytest -q", source=source),
        train=None,
        metric_files=files,
        metrics=(Metric(name=f"{metric} accuracy", key=f"{metric} accuracy", value=0.5, file=source),),
        existing=(),
        notices=(),
    )
    made = text.whole(found)
    made.encode()
    config = parse(made)
    assert config.platforms == ("github",)
    assert config.project.install == "uv sync --frozen"
    assert config.test
    assert config.test.command == "pytest -q"
    assert config.project.default_branch in (branch, "main")
    assert config.project.root in (root, ".")
    assert config.data is None or config.data.remote == remote
    assert config.validate_ is None or set(config.validate_.checkpoints) <= set(checkpoints)
    assert [gate.metric for gate in config.gates] in ([], [f"{metric} accuracy"])
    assert yaml.safe_load(made)["version"] == 1


EXISTING = {
    "plain": "version: 1\ntest: {command: make test}\n",
    "no line end": "version: 1\ntest: {command: make test}",
    "comments everywhere": "# mine\nversion: 1   # one\n\n\ntest:\n    command:   'make   test'  # odd\n\n# the end\n",
    "other line ends": "version: 1\r\ntest:\r\n  command: make test\r\n",
    "a document start": "---\nversion: 1\ntest: {command: make test}\n",
    "everything indented": "  version: 1\n  test: {command: make test}\n",
    "literal at the end": "version: 1\ntest:\n  command: |\n    make\n    test\n",
    "quoted keys": "'version': 1\n\"test\": {command: make test}\n",
    "list without indent": "version: 1\nplatforms:\n- github\ntest: {command: x}\ngates:\n- {metric: a, min: 1}\n",
}


@pytest.mark.parametrize("name", EXISTING)
def test_an_existing_file_keeps_every_byte(make, name: str) -> None:
    old = EXISTING[name]
    found = detect.look(make(DIGITS))
    addition = text.missing(found, old, "mlcicd.yaml")
    new = old + addition.text
    before, after = parse(old).model_dump(exclude_unset=True), parse(new).model_dump(exclude_unset=True)
    assert addition.sections[:3] == ("project", "data", "validate")
    assert {key: after[key] for key in before} == before
    assert after["train"] == {"command": "dvc repro --pull --allow-missing"}
    assert ("\r\n" in old) == ("\r\n" in addition.text)
    assert text.missing(found, new, "mlcicd.yaml").text == ""


@pytest.mark.parametrize(
    "old",
    [
        "{version: 1, test: {command: make}}\n",
        "version: 1\ntest: {command: make}\n...\n",
        "version: 1\ntest:\n  command: |+\n    make\n\n",
    ],
)
def test_a_file_that_cannot_be_added_to_is_refused_with_the_text(make, old: str) -> None:
    with pytest.raises(UsageError, match="can be added, but not at the end") as refused:
        text.missing(detect.look(make(DIGITS)), old, "mlcicd.yaml")
    assert "\ngates:\n  - {metric: accuracy" in refused.value.detail


def test_an_invalid_file_gets_the_error_of_generate(make) -> None:
    found = detect.look(make(DIGITS))
    with pytest.raises(UsageError) as from_init:
        text.missing(found, "version: 1\ntrian: {}\n", "mlcicd.yaml")
    with pytest.raises(UsageError) as from_load:
        parse("version: 1\ntrian: {}\n")
    assert from_init.value.args == from_load.value.args
    assert from_init.value.detail == from_load.value.detail


LINES = st.sampled_from(["# note", "", "    # deep note", "#", "# test:", "\t"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.lists(LINES, max_size=3),
    middle=st.lists(LINES, max_size=3),
    tail=st.lists(LINES, max_size=3),
    newline=st.sampled_from(["\n", "\r\n"]),
    closed=st.booleans(),
)
def test_any_comments_survive(head: list[str], middle: list[str], tail: list[str], newline: str, closed: bool) -> None:
    old = newline.join([*head, "version: 1", *middle, "test: {command: make}", *tail]) + newline * closed
    found = dataclasses.replace(_digits(), notices=())
    try:
        parse(old)
    except UsageError:
        return
    new = old + text.missing(found, old, "mlcicd.yaml").text
    assert yamlio.load(new)["test"] == {"command": "make"}
    assert parse(new).train


def _digits() -> Found:
    return Found(
        repository=Repository(
            top=None, platforms=Seen(value=("github",), source="a"), branch=Seen(value="main", source="a")
        ),
        root=Seen(value=".", source=""),
        python=None,
        install=None,
        pipelines=(dvc.Pipeline(file="dvc.yaml", stages=("a",), metrics=(), plots=(), params=()),),
        tracked=False,
        remote=None,
        checkpoints=None,
        tables=Tables(),
        test=None,
        train=None,
        metric_files=(),
        metrics=(),
        existing=(),
        notices=(),
    )


def test_notes_of_long_lines_go_above() -> None:
    long = "  install: " + "x" * 60
    assert text.tidy(f"a: 1  # one\nbcd: 2  # two\n{long}  # three\n\ne: 3  # \n") == (
        f"a: 1    # one\nbcd: 2  # two\n  # three\n{long}\n\ne: 3\n"
    )
