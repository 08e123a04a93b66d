from __future__ import annotations

import pytest

from mlcicd.runtime import curves

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
CONFUSION = {"data": {"values": []}, "spec": {"layer": [{"mark": "rect"}]}}
BARS = {**LINEAR, "layer": [], "mark": {"type": "bar"}}


def extract(*contents):
    return curves.extract({"plots/x.csv": [{"type": "vega", "content": content} for content in contents]})


def test_a_linear_plot_is_one_curve_with_a_line_for_each_revision():
    (curve,) = extract(LINEAR)
    assert (curve.title, curve.x_label, curve.y_label) == ("ROC", "false positives", "tpr")
    assert curve.lines == {"workspace": [(0.0, 0.0), (1.0, 0.5)], "abc": [(0.5, 1.0)]}


def test_several_columns_are_several_curves():
    train, test = extract(SIMPLE)
    assert (train.title, train.x_label, train.y_label) == ("Loss: loss.tsv::train", "step", "value")
    assert train.lines == {"workspace": [(0.0, 1.0)], "abc": [(0.0, 3.0)]}
    assert test.lines == {"workspace": [(0.0, 2.0)]}


@pytest.mark.parametrize("content", [CONFUSION, BARS, None, "text", {}])
def test_other_plots_are_left_out(content):
    assert extract(content) == []


@pytest.mark.parametrize("value", ["nan", "inf", "", "words", None, []])
def test_a_point_without_numbers_is_left_out(value):
    spec = {**LINEAR, "data": {"values": [*POINTS, {"fpr": value, "tpr": "1", "rev": "abc"}]}}
    assert extract(spec)[0].lines["abc"] == [(0.5, 1.0)]


def test_without_a_title_the_name_stands():
    assert extract({**LINEAR, "title": None})[0].title == "plots/x.csv"
