"""Estimates: what a price is found by, and how it is told."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from mlcicd.cli import cli
from mlcicd.config import prices
from mlcicd.config.load import parse
from mlcicd.config.prices import Price
from mlcicd.errors import UsageError
from mlcicd.runtime.facts import Cost
from mlcicd.runtime.training import cost

GITLAB = "saas-linux-medium-amd64-gpu-standard"


@pytest.mark.parametrize(
    ("price", "minutes", "told"),
    [
        (Price(minute=0.052), 6, "$0.31 (6 min at $3.12/h, estimate)"),
        (
            Price(minute=0.052, as_of="2026-11-21"),
            315,
            "$16.38 (5 h 15 min at $3.12/h, prices of 2026-11-21, estimate)",
        ),
        (Price(minute=100), 120, "$12,000.00 (2 h at $6,000.00/h, estimate)"),
        (Price(minute=0.0005), 0, "$0.00 (0 min at $0.03/h, estimate)"),
        (Price(minute=7, unit="compute minutes"), 6, "42 compute minutes (6 min at factor 7, estimate)"),
    ],
)
def test_an_estimate_says_how_it_is_made(price, minutes, told):
    assert prices.estimate(price, minutes) == told


def test_the_teams_own_price_goes_before_the_table():
    assert prices.find(3, [GITLAB]) == Price(minute=0.05)
    assert prices.find(None, ["self-hosted", GITLAB]) == prices.TABLE[GITLAB]
    assert prices.find("linux_4_core_gpu", ["my-runner"]) == prices.TABLE["linux_4_core_gpu"]
    assert prices.find("linux_4_core_gpu", [GITLAB]) == prices.TABLE[GITLAB]
    assert prices.find(None, ["gpu"]) is None


def test_the_table_is_dated_and_the_configuration_knows_its_names():
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", price.as_of) for price in prices.TABLE.values())
    assert parse("version: 1\ntrain: {runner: a}\nrunners: {a: {price: linux_4_core_gpu}}\n").runners["a"].price


@pytest.mark.parametrize("price", ["0", "-1", ".inf", ".nan", "linux_96_core", "[1]"])
def test_what_is_no_price_is_refused(price):
    with pytest.raises(UsageError):
        parse(f"version: 1\ntrain: {{runner: a}}\nrunners: {{a: {{price: {price}}}}}\n")


@pytest.mark.parametrize(
    ("runner", "line"),
    [
        ("{github: [big], price: 3.12}", "at most $16.38 (5 h 15 min at $3.12/h, estimate)"),
        ("{github: [big], price: linux_4_core_gpu}",
         "github: at most $16.38 (5 h 15 min at $3.12/h, prices of 2026-11-21, estimate)"),
        (f"{{github: [big], gitlab: [{GITLAB}]}}",
         "gitlab: at most 2,205 compute minutes (5 h 15 min at factor 7, prices of 2026-11-21, estimate)"),
        ("{github: [big]}", "no price known: runners.gpu.price"),
        ("{}", ""),
    ],
)  # fmt: skip
def test_the_plan_says_what_a_job_costs_at_most(tmp_path, runner, line):
    path = tmp_path / "mlcicd.yaml"
    path.write_text(f"version: 1\ntrain: {{runner: gpu, timeout: 5h}}\nrunners: {{gpu: {runner}}}\n")
    lines = CliRunner().invoke(cli, ["plan", "--config", str(path)]).output.splitlines()
    assert [text[14:] for text in lines if text.startswith("  costs")] == ([line] if line else [])


def test_training_costs_where_a_ci_system_ran_it(monkeypatch):
    config = parse(f"version: 1\ntrain: {{runner: a}}\nrunners: {{a: {{github: [x], gitlab: [{GITLAB}]}}}}\n")
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "MLCICD_SHA"):
        monkeypatch.delenv(name, raising=False)
    assert cost.of(config, "a", 301) is None
    monkeypatch.setenv("GITLAB_CI", "true")
    assert cost.of(config, "a", 301) == Cost(minutes=6, price=7, unit="compute minutes")
    monkeypatch.setenv("MLCICD_SHA", "1" * 40)  # the embedded engine, here
    assert cost.of(config, "a", 301) is None
    monkeypatch.delenv("MLCICD_SHA")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert cost.of(config, "a", 301) is None
