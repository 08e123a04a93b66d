"""Gates guessed from the names and values of metrics."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcicd.detect.metrics import Metric
from mlcicd.runtime import direction
from mlcicd.starter import gates

HIGHER = """accuracy test.roc_auc rocAUC testF1 f1_macro F1 r2 r2_score explained_variance neg_mean_squared_error
    recall@10 top5_acc true_positive_rate val.mAP IoU mIoU log_likelihood score eval/score neg_log_loss"""
LOWER = """loss val_loss log_loss test.rmse MAE meanSquaredError error_rate wer perplexity brier_score latency_ms
    false_positive_rate false_negative_rate neg_log_likelihood train_seconds"""
UNKNOWN = "rows n_samples accuracy_std loss_variance threshold precision_error epochs classes lossy mapped x"


def metric(name: str, value: float) -> Metric:
    return Metric(name=name, key=name, value=value, file="metrics.json")


@pytest.mark.parametrize("name", HIGHER.split())
def test_higher_is_better(name: str) -> None:
    assert direction.better(name) == "higher"


@pytest.mark.parametrize("name", LOWER.split())
def test_lower_is_better(name: str) -> None:
    assert direction.better(name) == "lower"


@pytest.mark.parametrize("name", UNKNOWN.split())
def test_direction_is_unknown(name: str) -> None:
    assert direction.better(name) is None


@pytest.mark.parametrize(
    ("name", "value", "gate"),
    [
        ("accuracy", 0.9561, {"metric": "accuracy", "max-drop": 0.01}),
        ("accuracy", 1.0, {"metric": "accuracy", "max-drop": 0.01}),
        ("accuracy", 95.6, {"metric": "accuracy", "max-drop": 5}),
        ("recall", 0.05, {"metric": "recall", "max-drop": 0.005}),
        ("r2", -0.4, {"metric": "r2", "max-drop": 0.02}),
        ("neg_mse", -42.0, {"metric": "neg_mse", "max-drop": 2}),
        ("loss", 0.3127, {"metric": "loss", "max-rise": 0.02}),
        ("rmse", 1234.5, {"metric": "rmse", "max-rise": 60}),
        ("latency_ms", 25.0, {"metric": "latency_ms", "max-rise": 5}),
        ("accuracy", 0.0, None),  # it cannot fall: the gate would always pass
        ("loss", 0.0, None),
        ("loss", 1e-9, None),
        ("loss", 1e18, None),
        ("rows", 114.0, None),
    ],
)
def test_gate_of_one_metric(name: str, value: float, gate: dict[str, object] | None) -> None:
    assert [seen.value for seen in gates.suggest([metric(name, value)])] == ([gate] if gate else [])


def test_held_out_scores_come_first_and_three_are_enough() -> None:
    names = ["train.accuracy", "seconds", "test.loss", "deep.test.auc", "test.f1", "rows", "accuracy"]
    found = gates.suggest([metric(name, 0.5) for name in names])
    assert [seen.value["metric"] for seen in found] == ["accuracy", "test.f1", "deep.test.auc"]


def test_training_metrics_and_costs_only_stand_in() -> None:
    found = gates.suggest([metric("seconds", 10), metric("train.accuracy", 0.5)])
    assert [seen.value["metric"] for seen in found] == ["train.accuracy"]


@given(st.sampled_from(["accuracy", "loss", "latency"]), st.floats(allow_nan=False, allow_infinity=False))
def test_no_gate_always_passes(name: str, value: float) -> None:
    for seen in gates.suggest([metric(name, value)]):
        (room,) = (seen.value[key] for key in ("max-drop", "max-rise") if key in seen.value)
        assert isinstance(room, int | float)
        assert 0 < room < math.inf
        assert "e" not in repr(room)
        # What cannot be negative has to be able to fall by more than the gate allows.
        assert name != "accuracy" or value < 0 or room < value
