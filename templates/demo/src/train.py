"""Fit a random forest that tells malignant from benign."""

from pathlib import Path

import joblib
import pandas as pd
import yaml
from sklearn.ensemble import RandomForestClassifier


def main() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())["train"]
    table = pd.read_csv("data/prepared/train.csv")
    forest = RandomForestClassifier(
        n_estimators=params["n_estimators"], max_depth=params["max_depth"], random_state=params["seed"]
    )
    forest.fit(table.drop(columns="diagnosis"), table["diagnosis"] == "malignant")
    joblib.dump(forest, "model.joblib")


if __name__ == "__main__":
    main()
