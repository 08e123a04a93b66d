"""Measure the model on the test set: metrics.json, and the tables behind two plots."""

import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn import metrics


def main() -> None:
    table = pd.read_csv("data/prepared/test.csv")
    malignant = table["diagnosis"] == "malignant"
    score = joblib.load("model.joblib").predict_proba(table.drop(columns="diagnosis"))[:, 1]

    found = {
        "accuracy": metrics.accuracy_score(malignant, score > 0.5),
        "recall": metrics.recall_score(malignant, score > 0.5),
        "auc": metrics.roc_auc_score(malignant, score),
        "log_loss": metrics.log_loss(malignant, score),
    }
    rounded = {name: round(value, 4) for name, value in found.items()}
    Path("metrics.json").write_text(json.dumps(rounded, indent=2) + "\n")

    fpr, tpr, _ = metrics.roc_curve(malignant, score)
    save("roc", fpr=fpr, tpr=tpr)
    thresholds = np.linspace(0.05, 0.95, 19)
    save("recall", threshold=thresholds, recall=[(score[malignant] > threshold).mean() for threshold in thresholds])


def save(name: str, **columns) -> None:
    Path("plots").mkdir(exist_ok=True)
    pd.DataFrame(columns).round(4).to_csv(f"plots/{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
