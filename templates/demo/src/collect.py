"""Write data/raw.csv: 569 breast-mass samples, 30 measurements each (Wisconsin Diagnostic Breast Cancer)."""

from pathlib import Path

from sklearn.datasets import load_breast_cancer


def main() -> None:
    dataset = load_breast_cancer(as_frame=True)
    table = dataset.data.rename(columns=lambda name: name.replace(" ", "_"))
    table["diagnosis"] = dataset.target.map(dict(enumerate(dataset.target_names)))
    Path("data").mkdir(exist_ok=True)
    table.to_csv("data/raw.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
