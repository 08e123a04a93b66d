"""Split the measurements into a training and a test set."""

from pathlib import Path

import pandas as pd
import yaml
from sklearn.model_selection import train_test_split

OUTPUT = Path("data/prepared")


def split(table: pd.DataFrame, test_size: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the training and the test rows; both have the diagnoses in the proportion of `table`.

    A repeated row is kept once, so that no sample stands on both sides.
    """
    table = table.dropna().drop_duplicates()
    train, test = train_test_split(table, test_size=test_size, random_state=seed, stratify=table["diagnosis"])
    return train, test


def main() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())["prepare"]
    train, test = split(pd.read_csv("data/raw.csv"), params["test_size"], params["seed"])
    OUTPUT.mkdir(parents=True, exist_ok=True)
    train.to_csv(OUTPUT / "train.csv", index=False, lineterminator="\n")
    test.to_csv(OUTPUT / "test.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
