import pandas as pd
import pytest
from prepare import split


@pytest.fixture
def table() -> pd.DataFrame:
    diagnoses = ["malignant", "benign", "benign", "benign"] * 25
    return pd.DataFrame({"mean_radius": range(100), "diagnosis": diagnoses})


def test_every_sample_is_on_exactly_one_side(table):
    train, test = split(table, test_size=0.2, seed=1)
    assert sorted([*train["mean_radius"], *test["mean_radius"]]) == list(range(100))
    assert len(test) == 20


def test_both_sides_keep_the_proportion_of_diagnoses(table):
    for side in split(table, test_size=0.2, seed=1):
        assert (side["diagnosis"] == "malignant").mean() == pytest.approx(0.25)


def test_a_repeated_sample_cannot_leak_into_the_test_set(table):
    train, test = split(pd.concat([table, table]), test_size=0.2, seed=1)
    assert not set(train["mean_radius"]) & set(test["mean_radius"])


def test_the_seed_decides_the_split(table):
    first, again, other = (split(table, test_size=0.2, seed=seed)[1] for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)
