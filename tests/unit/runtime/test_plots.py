from __future__ import annotations

from pathlib import Path

import pytest

from mlcicd.runtime import plots

# Shortened from what DVC 3.67.1 prints for its templates.
X = {"field": "fpr", "type": "quantitative", "title": "false positives"}
Y = {"field": "tpr", "type": "quantitative", "title": "tpr", "scale": {"zero": False}}
POINTS = [
    {"fpr": "0.0", "tpr": "0.0", "rev": "workspace"},
    {"fpr": "1.0", "tpr": "0.5", "rev": "workspace"},
    {"fpr": "0.5", "tpr": "1.0", "rev": "abc"},
]
LINEAR = {
    "data": {"values": POINTS},
    "title": {"text": "ROC", "anchor": "middle"},
    "encoding": {"x": X, "color": {"field": "rev"}, "strokeDash": {}},
    "layer": [
        {"layer": [{"mark": "line"}, {"mark": "point"}], "encoding": {"y": Y}, "transform": [{"loess": "tpr"}]},
        {"mark": {"type": "line", "opacity": 0.2}, "encoding": {"x": X, "y": Y}},
    ],
}
SIMPLE = {
    "title": {"text": "Loss"},
    "data": {
        "values": [
            {"step": "0", "value": "1", "rev": "workspace", "filename::field": "loss.tsv::train"},
            {"step": 0, "value": 2, "rev": "workspace", "filename::field": "loss.tsv::test"},
            {"step": "0", "value": "3", "rev": "abc", "filename::field": "loss.tsv::train"},
        ]
    },
    "mark": {"type": "line", "tooltip": {"content": "data"}},
    "encoding": {
        "x": {"field": "step", "type": "quantitative", "title": ""},
        "y": {"field": "value", "type": "quantitative"},
        "strokeDash": {"field": "filename::field"},
    },
}
EMPTY = {"data": {"values": []}, "spec": {"layer": [{"mark": "rect"}]}}
BARS = {**LINEAR, "layer": [], "mark": {"type": "bar"}}


def extract(*contents):
    return plots.extract({"plots/x.csv": [{"type": "vega", "content": content} for content in contents]})


def test_a_linear_plot_is_one_curve_with_a_line_for_each_revision():
    (curve,) = extract(LINEAR)
    assert (curve.title, curve.x_label, curve.y_label) == ("ROC", "false positives", "tpr")
    assert curve.revisions == {"workspace": [(0.0, 0.0), (1.0, 0.5)], "abc": [(0.5, 1.0)]}


def test_several_columns_are_several_curves():
    train, test = extract(SIMPLE)
    assert (train.title, train.x_label, train.y_label) == ("Loss: loss.tsv::train", "step", "value")
    assert train.revisions == {"workspace": [(0.0, 1.0)], "abc": [(0.0, 3.0)]}
    assert test.revisions == {"workspace": [(0.0, 2.0)]}


@pytest.mark.parametrize("content", [EMPTY, BARS, None, "text", {}])
def test_other_plots_are_left_out(content):
    assert [type(plot) for plot in extract(content)] == [plots.NotShown]


@pytest.mark.parametrize("value", ["nan", "inf", "", "words", None, []])
def test_a_point_without_numbers_is_left_out(value):
    spec = {**LINEAR, "data": {"values": [*POINTS, {"fpr": value, "tpr": "1", "rev": "abc"}]}}
    assert extract(spec)[0].revisions["abc"] == [(0.5, 1.0)]


def test_without_a_title_the_name_stands():
    assert extract({**LINEAR, "title": None})[0].title == "plots/x.csv"


# Shortened from what DVC 3.67.1 prints for its other templates.
CLASSES = [
    {"actual": actual, "predicted": predicted, "rev": rev}
    for rev, pairs in {"workspace": ["aa", "ab", "bb"], "abc": ["aa", "ba"]}.items()
    for actual, predicted in pairs
]
MATRIX = {
    "data": {"values": CLASSES},
    "title": {"text": "Classes"},
    "facet": {"column": {"field": "rev", "sort": []}, "row": {}},
    "spec": {
        "encoding": {"x": {"field": "actual", "type": "nominal", "title": "truth"}, "y": {"field": "predicted"}},
        "layer": [
            {"mark": "rect", "encoding": {"color": {"field": "xy_count", "type": "quantitative"}}},
            {"mark": "text", "encoding": {"text": {"field": "xy_count"}}},
        ],
    },
}
WEIGHTS = [
    {"feature": "a", "weight": "0.5", "rev": "workspace"},
    {"feature": "b", "weight": "nan", "rev": "workspace"},
    {"feature": "a", "weight": "0.25", "rev": "abc"},
]
HORIZONTAL = {
    "data": {"values": WEIGHTS},
    "mark": {"type": "bar"},
    "encoding": {
        "x": {"field": "weight", "type": "quantitative", "title": "weight"},
        "y": {"field": "feature", "type": "nominal", "title": "feature", "sort": "-x"},
        "yOffset": {"field": "rev"},
        "column": {},
    },
}


def test_a_confusion_matrix_counts_pairs_by_revision():
    (found,) = extract(MATRIX)
    assert isinstance(found, plots.Confusion)
    assert (found.title, found.actual, found.predicted) == ("Classes", "truth", "predicted")
    assert found.revisions == {
        "workspace": {("a", "a"): 1, ("a", "b"): 1, ("b", "b"): 1},
        "abc": {("a", "a"): 1, ("b", "a"): 1},
    }


def test_a_confusion_matrix_drawn_the_other_way_round_keeps_the_actual_classes_as_rows():
    turned = {"x": {"field": "predicted"}, "y": {"field": "actual"}}
    (found,) = extract({**MATRIX, "spec": {**MATRIX["spec"], "encoding": turned}})
    assert (found.actual, found.predicted) == ("actual", "predicted")
    assert found.revisions["abc"] == {("a", "a"): 1, ("b", "a"): 1}


def test_one_confusion_matrix_for_each_file():
    rows = [{**row, "filename": name} for name in ("one.csv", "two.csv") for row in CLASSES]
    facet = {"column": {"field": "rev"}, "row": {"field": "filename"}}
    found = extract({**MATRIX, "data": {"values": rows}, "facet": facet})
    assert [one.title for one in found] == ["Classes: one.csv", "Classes: two.csv"]


def test_bars_lie_or_stand():
    (lying,) = extract(HORIZONTAL)
    assert isinstance(lying, plots.Bars)
    assert (lying.label, lying.value) == ("feature", "weight")
    assert lying.revisions == {"workspace": {"a": 0.5}, "abc": {"a": 0.25}}
    encoding = HORIZONTAL["encoding"]
    (standing,) = extract({**HORIZONTAL, "encoding": {**encoding, "x": encoding["y"], "y": encoding["x"]}})
    assert standing.revisions == lying.revisions


def test_loose_points_are_no_line():
    (found,) = extract({"data": {"values": POINTS}, "mark": {"type": "point"}, "encoding": {"x": X, "y": Y}})
    assert found.scatter
    assert found.revisions["workspace"] == [(0.0, 0.0), (1.0, 0.5)]


def test_a_picture_is_one_plot_with_a_file_for_each_revision():
    entries = [
        {"type": "image", "revisions": ["workspace"], "url": "/t/workspace_a.png"},
        {"type": "image", "revisions": ["abc"], "url": "/t/abc_a.png"},
        {"type": "image", "revisions": ["abc"], "url": "/t/abc_a.exe"},
    ]
    (found,) = plots.extract({"a.png": entries})
    assert found == plots.Image(
        title="a.png", revisions={"workspace": Path("/t/workspace_a.png"), "abc": Path("/t/abc_a.png")}
    )


def test_only_one_revision_of_every_kind():
    found = plots.only(extract(LINEAR, MATRIX, HORIZONTAL), "abc")
    assert [list(plot.revisions) for plot in found] == [["abc"]] * 3
    assert plots.only(found, "workspace") == []


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "it has no values"),
        ([{"type": "vega", "content": EMPTY}], "it has no values"),
        ([{"content": {**LINEAR, "layer": [], "mark": "arc"}}], "its template draws arc; line, point, bar, rect"),
        ([{"content": {**LINEAR, "layer": [], "hconcat": [{"mark": {"type": "boxplot"}}]}}], "draws boxplot"),
        ([{"content": {**LINEAR, "layer": [], "encoding": {}, "mark": "point"}}], "its values are not numbers"),
        ([{"content": {**LINEAR, "layer": [], "encoding": {}, "mark": "bar"}}], "its axes are of another kind"),
        ([{"type": "image", "url": "plots/x.pdf", "revisions": ["workspace"]}], "no picture of a known kind (.pdf)"),
    ],
)
def test_a_plot_that_cannot_be_shown_says_why(entries, reason):
    (left,) = plots.extract({"plots/x": entries})
    assert isinstance(left, plots.NotShown)
    assert reason in left.reason
    assert plots.only([left], "workspace") == [left]
