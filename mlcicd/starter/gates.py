"""Which gates a repository's own metrics suggest: a direction from the name, a margin from the value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from mlcicd.detect.files import Seen
from mlcicd.detect.metrics import Metric

Better = Literal["higher", "lower"]
MAX_GATES = 3

# All are matched against the words of a name joined by hyphens.
_HIGHER = re.compile(
    r"""\b(accuracy|acc|auc|auroc|auprc|ap|map|f1|f2|fbeta|precision|prec|recall|sensitivity|specificity|tpr|tnr
    |true-positive|true-negative|mcc|matthews|corrcoef|kappa|r2|explained-variance|likelihood|iou|miou|jaccard|dice
    |psnr|ssim|ndcg|mrr|bleu|rouge|meteor|ari|nmi|silhouette)\b""",
    re.VERBOSE,
)
_LOWER = re.compile(
    r"""\b(loss|logloss|hinge|deviance|error|err|rmse|mse|mae|mape|smape|rmsle|msle|nll|perplexity|ppl|wer|cer|fid
    |brier|ece|fpr|fnr|false-positive|false-negative)\b""",
    re.VERBOSE,
)
# Measured anew on each machine, so the room has to be large, and anything else is the better gate.
_COST = re.compile(r"\b(latency|time|seconds|duration|runtime|ms|memory)\b")
_TRAINING = re.compile(r"\b(train|training|fit)\b")
# Turns the meaning round, as in `neg_mean_squared_error`.
_NEGATED = re.compile(r"(?<!false-)(?<!true-)\b(neg|negative)\b")
# Says something about a metric, and is none.
_ABOUT = re.compile(r"\b(std|stdev|var|(?<!explained-)variance|ci|n|count|support|threshold|epochs?|steps?|size)\b")


def suggest(metrics: Sequence[Metric]) -> list[Seen[dict[str, object]]]:
    """Return at most three gates as they stand in the file; none that always passes.

    Those on held-out data come first, training's own metrics stand in for them, and costs for both.
    """
    groups: tuple[list[Metric], ...] = ([], [], [])
    for metric in metrics:
        words = _words(metric.key)
        groups[2 if _COST.search(words) else 1 if _TRAINING.search(words) else 0].append(metric)
    for group in groups:
        ranked = sorted(group, key=lambda metric: (better(metric.key) != "higher", metric.key.count(".")))
        if found := [gate for metric in ranked if (gate := _gate(metric))]:
            return found[:MAX_GATES]
    return []


def better(key: str) -> Better | None:
    """Tell from a metric's key path which direction is good; None when it does not say, or says both."""
    words = _words(key)
    higher, lower = bool(_HIGHER.search(words)), bool(_LOWER.search(words) or _COST.search(words))
    if not higher and not lower:
        # "score" is a good thing, but says less than any other word.
        higher = "score" in words.split("-")
    if _ABOUT.search(words) or higher == lower:
        return None
    return "higher" if higher is not bool(_NEGATED.search(words)) else "lower"


def margin(metric: Metric, direction: Better) -> float:
    """Return how far a metric may go the wrong way; 0 when no such limit would mean anything.

    A share (0 to 1) may fall by 0.01, or by a tenth when it is small; anything else may move by 5 % of its value,
    a cost by 20 %. One significant digit, so that the file reads well.
    """
    share = 0.2 if _COST.search(_words(metric.key)) else 0.05
    room = abs(metric.value) * share
    if direction == "higher" and 0 <= metric.value <= 1:
        room = min(0.01, metric.value / 10)
    rounded = float(f"{room:.1g}")
    # Beyond these bounds numbers print with an exponent, which YAML 1.1 and 1.2 read differently.
    return rounded if 1e-4 <= rounded < 1e15 else 0.0


def _gate(metric: Metric) -> Seen[dict[str, object]] | None:
    direction = better(metric.key)
    room = margin(metric, direction) if direction else 0.0
    if not direction or not room:
        return None
    bound: float | int = int(room) if room.is_integer() else room
    key = "max-drop" if direction == "higher" else "max-rise"
    source = f"{metric.value:.4g} in {metric.file}; {direction} is better"
    return Seen(value={"metric": metric.name, key: bound}, source=source)


def _words(key: str) -> str:
    """Return a key path as lower-case words: `test.rocAUC_macro` becomes test-roc-auc-macro."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z][A-Za-z0-9])", " ", key)
    return "-".join(re.findall(r"[a-z0-9]+", apart.lower()))
