from __future__ import annotations

import pytest

from mlcicd.errors import UsageError
from mlcicd.runtime.storage import tracked
from tests.unit.runtime import repository

MANY = """\
stages:
  each:
    foreach: [a, b]
    do: {cmd: x, outs: ["models/${item}.pkl"], metrics: ["out/${item}/metrics.json"]}
  deep:
    wdir: sub
    cmd: x
    outs: [deep.bin]
    plots: [curve.csv, "pictures/${name}.png"]
metrics: [summary.json]
plots:
  - loss: {x: step, y: {live/loss.tsv: [train, test]}}
  - acc.json: {x: step, y: acc}
"""
MANY_LOCK = """\
schema: '2.0'
stages:
  each@a:
    cmd: x
    outs: [{path: models/a.pkl, hash: md5, md5: aa}, {path: out/a/metrics.json, hash: md5, md5: ab}]
  each@b:
    cmd: x
    outs: [{path: models/b.pkl, hash: md5, md5: ba}, {path: out/b/metrics.json, hash: md5, md5: bb}]
  deep:
    cmd: x
    deps: [{path: ../models/a.pkl, hash: md5, md5: aa}]
    outs: [{path: deep.bin, md5: cc}, {path: pictures/one.png, hash: md5, md5: cd}]
"""


@pytest.fixture
def root(tmp_path):
    return repository.make(tmp_path)


def write(root, **texts):
    for name, text in texts.items():
        (root / name.replace("__", "/").replace("_", ".")).write_text(text)


def test_sources_and_stages_are_read_with_their_hashes(root):
    found = tracked.read(root)
    raw = tracked.Out(path="data/raw.csv", md5=repository.RAW, source="data/raw.csv.dvc", size=121385)
    assert found.sources == (raw,)
    assert list(found.stages) == ["prepare", "train", "evaluate"]
    assert found.stages["train"].deps == {"data/prepared/train.csv": repository.TRAIN}
    assert found.stages["train"].sizes == {"data/prepared/train.csv": 85200}
    prepared = found.stages["prepare"].outs[0]
    assert (prepared.path, prepared.is_folder) == ("data/prepared", True)


def test_paths_of_a_stage_are_relative_to_where_it_runs(root):
    write(root, dvc_yaml=MANY, dvc_lock=MANY_LOCK)
    deep = tracked.read(root).stages["deep"]
    assert list(deep.deps) == ["models/a.pkl"]
    assert [(out.path, out.legacy) for out in deep.outs] == [("sub/deep.bin", True), ("sub/pictures/one.png", False)]


def test_it_is_known_which_file_says_so(root):
    found = tracked.read(root)
    assert [out.file for out in found.outs][:2] == ["data/raw.csv.dvc", "dvc.lock"]
    assert tracked.Out(path="x", md5="", source="sub/dvc.yaml:fit").file == "sub/dvc.lock"


def test_what_is_never_pushed_is_known_from_dvc_yaml(root):
    write(
        root, dvc_yaml=MANY.replace('["models/${item}.pkl"]', "[x]").replace("[deep.bin]", "[deep.bin: {push: false}]")
    )
    write(root, dvc_lock=MANY_LOCK)
    assert {out.path: out.push for out in tracked.read(root).stages["deep"].outs} == {
        "sub/deep.bin": False,
        "sub/pictures/one.png": True,
    }
    (root / "data/raw.csv.dvc").write_text("outs:\n- {md5: aa, path: x, push: false}\n")
    assert not tracked.read(root).sources[0].push


@pytest.mark.parametrize("name", ["dvc.lock", "dvc.yaml", "data/raw.csv.dvc"])
def test_merge_markers_are_told_with_their_line(root, name):
    text = (root / name).read_text()
    first, rest = text.split("\n", 1)
    (root / name).write_text(f"{first}\n<<<<<<< HEAD\n{rest}=======\n{rest}>>>>>>> other\n")
    with pytest.raises(UsageError) as caught:
        tracked.read(root)
    assert caught.value.message.startswith(f"{name}:2: merge markers")
    assert caught.value.hint.startswith(f"resolve the merge in {name}, ")
    assert "checkout --" not in caught.value.hint


def test_results_are_what_dvc_yaml_declares_templates_resolved(root):
    assert tracked.results(root) == ("metrics.json", "plots/roc.csv", "plots/confusion.csv")
    write(root, dvc_yaml=MANY, dvc_lock=MANY_LOCK)
    assert tracked.results(root) == (
        "summary.json",
        "live/loss.tsv",
        "acc.json",
        "out/a/metrics.json",
        "out/b/metrics.json",
        "sub/curve.csv",
        "sub/pictures/one.png",
    )


def test_a_pipeline_in_a_folder_has_its_own_names(root):
    (root / "sub").mkdir()
    (root / "sub/dvc.yaml").write_text("stages: {fit: {cmd: x, outs: [m.pkl], metrics: [m.json]}}")
    (root / "sub/dvc.lock").write_text("stages: {fit: {outs: [{path: m.pkl, hash: md5, md5: aa}]}}")
    assert tracked.read(root).stages["sub/dvc.yaml:fit"].outs[0].path == "sub/m.pkl"
    assert "sub/m.json" in tracked.results(root)


@pytest.mark.parametrize(
    ("entry", "path", "md5"),
    [
        ("md5: aa\n  path: x", "data/x", "aa"),
        ("md5: aa.dir\n  hash: md5\n  path: d", "data/d", "aa.dir"),
        ("etag: zz\n  hash: etag\n  path: x", "data/x", ""),
        ("path: d\n  hash: md5\n  files: [{relpath: a, md5: aa, cloud: {}}]", "data/d", ""),
    ],
)
def test_what_has_no_md5_is_known_to_have_none(root, entry, path, md5):
    (root / "data/raw.csv.dvc").write_text(f"outs:\n- {entry}\n")
    (out,) = tracked.read(root).sources
    assert (out.path, out.md5) == (path, md5)


@pytest.mark.parametrize("path", ["s3://bucket/x", "/abs/x", "../../x"])
def test_outputs_elsewhere_are_left_alone(root, path):
    (root / "data/raw.csv.dvc").write_text(f"outs:\n- md5: aa\n  path: {path}\n")
    assert tracked.read(root).sources == ()


def test_a_broken_file_is_named_with_its_line(root):
    (root / "data/raw.csv.dvc").write_text("outs:\n- md5: [\n")
    with pytest.raises(UsageError, match=r"data/raw.csv.dvc:\d: cannot be read"):
        tracked.read(root)


def test_files_are_found_without_git_too(tmp_path):
    for name in ("data/a.dvc", ".dvc/tmp/b.dvc", ".venv/c.dvc"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("outs: []\n")
    assert tracked.files(tmp_path, "*.dvc") == ["data/a.dvc"]


def test_git_tells_what_it_holds_itself(root):
    assert "metrics.json" in tracked.committed(root, ["metrics.json", "model.pkl"])
    assert "model.pkl" not in tracked.committed(root, ["metrics.json", "model.pkl"])


@pytest.mark.parametrize(
    ("one", "other", "do"), [("a", "a", True), ("a/b", "a", True), ("a", "a/b", True), ("ab", "a", False)]
)
def test_paths_overlap_by_whole_names(one, other, do):
    assert tracked.overlap(one, other) is do


def test_stages_that_read_each_others_outputs_are_known():
    def stage(name, deps, *outs):
        made = tuple(tracked.Out(path=path, md5="aa", source=name) for path in outs)
        return tracked.Stage(name=name, deps=dict.fromkeys(deps, "aa"), outs=made)

    stages = [
        stage("split", ["data/raw.csv"], "data/parts"),
        stage("train", ["data/parts/train.csv", "src"], "models/a.pkl"),
        stage("all", ["models", "data/parts"], "out"),
        stage("other", ["data/part", "models/a.pkl.md"], "data/raw.csv.copy"),
    ]
    assert tracked.needs({one.name: one for one in stages}) == {
        "split": (),
        "train": ("split",),
        "all": ("train", "split"),
        "other": (),
    }


@pytest.mark.parametrize(
    ("body", "place"),
    [("{outs: [a]}", "stages.train.outs"), ("{deps: 5}", "stages.train.deps")],
)
def test_a_lock_that_dvc_did_not_write_is_named(tmp_path, body, place):
    (tmp_path / "dvc.yaml").write_text("stages: {train: {cmd: x}}\n")
    (tmp_path / "dvc.lock").write_text(f"stages: {{train: {body}, other: 3}}\n")
    with pytest.raises(UsageError, match=rf"^dvc\.lock: {place}: not what DVC writes there$"):
        tracked.read(tmp_path)
