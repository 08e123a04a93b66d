from __future__ import annotations

import pytest

from mlcicd.runtime.training import run_cache

PIPELINE = """\
stages:
  fit: {cmd: x, deps: [a], outs: [{m.pkl: {persist: true}}], metrics: [m.json: {cache: false}]}
  again: {cmd: x, deps: [a], always_changed: true, outs: [b]}
  fetch: {cmd: x, outs: [c]}
  good: {cmd: x, params: [seed], metrics: [m.json: {cache: false}]}
  each: {foreach: [1, 2], do: {cmd: x, outs: [d]}}
"""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ({"fit": 60}, "m.pkl has `persist: true`"),
        ({"again": 60}, "`always_changed: true`"),
        ({"fetch": 60, "fit": 20}, "neither deps nor params"),
        ({"each@1": 60}, "stage each@1 runs again"),
        ({"sub/dvc.yaml:each@1": 60}, "neither deps nor params"),
    ],
)
def test_what_the_run_cache_never_spares_is_told_once(tmp_path, seconds, said):
    (tmp_path / "sub").mkdir()
    for folder in (tmp_path, tmp_path / "sub"):
        (folder / "dvc.yaml").write_text(PIPELINE)
    (line,) = run_cache.told(tmp_path, seconds)
    assert said in line


@pytest.mark.parametrize("seconds", [{"good": 60}, {"fit": 1}, {"unknown": 60}, {"gone/dvc.yaml:fit": 60}, {}])
def test_nothing_is_told_of_other_stages(tmp_path, seconds):
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    assert run_cache.told(tmp_path, seconds) == []


def test_a_broken_pipeline_is_not_the_place_to_complain(tmp_path):
    (tmp_path / "dvc.yaml").write_text("stages: [")
    assert run_cache.told(tmp_path, {"fit": 60}) == []
