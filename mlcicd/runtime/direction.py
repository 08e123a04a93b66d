"""Which way of a metric is good, told by its name; nothing in a repository says it."""

from __future__ import annotations

import re
from typing import Literal

Better = Literal["higher", "lower"]

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
COST = re.compile(r"\b(latency|time|seconds|duration|runtime|ms|memory)\b")
TRAINING = re.compile(r"\b(train|training|fit)\b")
# Turns the meaning round, as in `neg_mean_squared_error`.
_NEGATED = re.compile(r"(?<!false-)(?<!true-)\b(neg|negative)\b")
# Says something about a metric, and is none.
_ABOUT = re.compile(r"\b(std|stdev|var|(?<!explained-)variance|ci|n|count|support|threshold|epochs?|steps?|size)\b")

# A share of something: never above 1.
_SHARE = re.compile(
    r"""\b(accuracy|acc|auc|auroc|auprc|ap|map|f1|f2|fbeta|precision|prec|recall|sensitivity|specificity|tpr|tnr|fpr|fnr
    |iou|miou|jaccard|dice|ndcg|mrr|brier|ece|(error|success|failure|positive|negative|hit|click|win)-rate)\b""",
    re.VERBOSE,
)
# An error in the unit of what is predicted, which may be a share: `heart_rate_mae`.
_DISTANCE = re.compile(r"\b(loss|logloss|hinge|deviance|rmse|mse|mae|mape|smape|rmsle|msle|nll|perplexity|ppl)\b")


def better(key: str) -> Better | None:
    """Tell from a metric's key path which direction is good; None when it does not say, or says both."""
    name = words(key)
    higher, lower = bool(_HIGHER.search(name)), bool(_LOWER.search(name) or COST.search(name))
    if not higher and not lower:
        # "score" is a good thing, but says less than any other word.
        higher = "score" in name.split("-")
    if _ABOUT.search(name) or higher == lower:
        return None
    return "higher" if higher is not bool(_NEGATED.search(name)) else "lower"


def is_share(key: str) -> bool:
    """Tell whether a metric's name says that it lies between 0 and 1 (or 100, where it is written in percent)."""
    name = words(key)
    return bool(_SHARE.search(name)) and not (_DISTANCE.search(name) or COST.search(name))


def is_cost(key: str) -> bool:
    """Tell whether a metric's name says that it is about the machine as much as about the model: a time, a memory."""
    return bool(COST.search(words(key)))


def words(key: str) -> str:
    """Return a key path as lower-case words: `test.rocAUC_macro` becomes test-roc-auc-macro."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z][A-Za-z0-9])", " ", key)
    return "-".join(re.findall(r"[a-z0-9]+", apart.lower()))
