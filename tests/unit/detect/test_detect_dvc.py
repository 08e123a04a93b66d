"""dvc.yaml in every form DVC accepts, and remotes."""

from __future__ import annotations

import pytest

from mlcicd.detect import dvc

FORMS = """
vars: [{folder: out}]
stages:
  plain: {cmd: x, metrics: [metrics.json], plots: [roc.csv], params: [lr, train.epochs]}
  mapped:
    cmd: x
    metrics: [{scores.json: {cache: false}}]
    params: [{conf/other.yaml: [a, b]}, lr]
  one: {cmd: x, metrics: one.json, plots: {img.png: {cache: false}}}
  moved: {cmd: x, wdir: ml, metrics: [m.json]}
  each: {foreach: [a, b], do: {cmd: x, metrics: ["${folder}/${item}.json"]}}
  grid: {matrix: {lr: [1, 2]}, cmd: x, metrics: [grid.json]}
metrics: [top.json, metrics.json]
params: [top.yaml]
plots: [{ROC: {x: fpr}}, lines.csv]
artifacts: {model: {path: model.pkl}}
"""


def test_every_form(make) -> None:
    found = dvc.look(make({"dvc.yaml": FORMS}), "dvc.yaml")
    assert found == dvc.Pipeline(
        file="dvc.yaml",
        stages=("plain", "mapped", "one", "moved", "each", "grid"),
        metrics=(
            "metrics.json",
            "scores.json",
            "one.json",
            "ml/m.json",
            "${folder}/${item}.json",
            "grid.json",
            "top.json",
        ),
        plots=("roc.csv", "img.png", "ROC", "lines.csv"),
        params=("params.yaml", "conf/other.yaml", "top.yaml"),
    )


def test_anchors_are_dvcs_business(make) -> None:
    folder = make({"dvc.yaml": "vars: [&a 1]\nstages:\n  a: &a {cmd: x, metrics: [m.json]}\n  b: *a\n"})
    found = dvc.look(folder, "dvc.yaml")
    assert found is not None
    assert (found.stages, found.metrics, folder.notices) == (("a", "b"), ("m.json",), [])


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("stages:\n  a: [", "dvc.yaml: not used: line"),
        ("stages: {a: {}, a: {}}", "dvc.yaml: not used: line 1: duplicate key"),
        ("- a\n", "dvc.yaml: not used: it holds no keys and values"),
        ("vars: [a]\n", "dvc.yaml: has no stages"),
        ("stages: [a]\n", "dvc.yaml: has no stages"),
    ],
)
def test_a_broken_pipeline_is_noted(make, text: str, notice: str) -> None:
    folder = make({"dvc.yaml": text})
    assert dvc.look(folder, "dvc.yaml") is None
    assert len(folder.notices) == 1
    assert folder.notices[0].startswith(notice)


@pytest.mark.parametrize(
    "stage",
    ["null", "[]", "text", "{metrics: 3}", "{metrics: [[a], 1, null]}", "{params: {1: 2}}", "{do: 1}", "{wdir: 1}"],
)
def test_nonsense_in_a_stage_is_tolerated(make, stage: str) -> None:
    found = dvc.look(make({"dvc.yaml": f"stages: {{a: {stage}, b: {{metrics: [m.json]}}}}"}), "dvc.yaml")
    assert found is not None
    assert "m.json" in found.metrics


def test_pipelines_below_count_only_when_there_is_none_at_the_top(make) -> None:
    folder = make({"ml/dvc.yaml": "", ".hidden/dvc.yaml": "", "venv/dvc.yaml": "", "a/b/c/d/dvc.yaml": ""})
    assert dvc.files(folder) == ["ml/dvc.yaml"]
    assert dvc.files(make({"dvc.yaml": ""})) == ["dvc.yaml"]


CONFIG = """[core]
    remote = storage   # the default
    autostage = true
['remote "storage"']
    url = {url}
"""


@pytest.mark.parametrize(
    ("url", "kind", "secrets"),
    [
        ("s3://bucket/path", "s3", 2),
        ("gs://bucket", "gs", 0),
        ("gcs://bucket", "gs", 0),
        ("azure://container", "azure", 1),
        ("https://host/data", "http", 0),
        ("ssh://user@host/data", "ssh", 0),
        ("/mnt/data", "local", 0),
        ("../remote", "local", 0),
        ("file:///mnt/data", "local", 0),
    ],
)
def test_kinds_of_remote(make, url: str, kind: str, secrets: int) -> None:
    found = dvc.remote(make({".dvc/config": CONFIG.format(url=url)}))
    assert found is not None
    assert (found.name, found.kind, found.default, len(found.secrets)) == ("storage", kind, True, secrets)


def test_a_public_bucket_needs_no_secret(make) -> None:
    found = dvc.remote(make({".dvc/config": CONFIG.format(url="s3://b") + "    allow_anonymous_login = true\n"}))
    assert found is not None
    assert found.secrets == ()


def test_a_remote_on_another_remote_has_its_kind(make) -> None:
    text = CONFIG.format(url="remote://base/sub") + "['remote \"base\"']\n    url = s3://bucket\n"
    found = dvc.remote(make({".dvc/config": text}))
    assert found is not None
    assert (found.name, found.kind) == ("storage", "s3")


@pytest.mark.parametrize(
    ("text", "name", "notice"),
    [
        ("", None, None),
        ("[core]\n    analytics = false\n", None, None),
        ("['remote \"one\"']\n    url = s3://b\n", "one", "names no default remote"),
        (
            "['remote \"one\"']\n    url = s3://b\n['remote \"two\"']\n    url = s3://c\n",
            None,
            "names no default remote",
        ),
        (
            "[core]\n    remote = gone\n['remote \"a\"']\n    url = x\n['remote \"b\"']\n    url = y\n",
            None,
            "not defined",
        ),
        ("remote = storage\n", None, "not used: File contains no section headers."),
        (CONFIG.format(url="s3://b") + "    secret_access_key = x\n", "storage", "holds secret_access_key"),
    ],
)
def test_remotes_that_need_a_person(make, text: str, name: str | None, notice: str | None) -> None:
    folder = make({".dvc/config": text})
    found = dvc.remote(folder)
    assert (found.name if found else None) == name
    assert len(folder.notices) == (1 if notice else 0)
    assert (notice or "") in "".join(folder.notices)


def test_tracked_data_without_any_remote_needs_a_person(make) -> None:
    folder = make({".dvc/config": "", "data/raw.csv.dvc": "outs: []\n"})
    assert dvc.remote(folder) is None
    (notice,) = folder.notices
    assert notice.startswith("data/raw.csv.dvc: kept with DVC, but no remote")
    assert "dvc remote add --default" in notice


def test_secrets_are_never_repeated(make) -> None:
    folder = make({".dvc/config": CONFIG.format(url="s3://b") + "    secret_access_key = hunter2\n"})
    assert "hunter2" not in repr(dvc.remote(folder)) + repr(folder.notices)


def test_the_local_configuration_is_not_read(make) -> None:
    assert dvc.remote(make({".dvc/config.local": CONFIG.format(url="s3://b")})) is None
