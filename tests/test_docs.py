"""Derived pages are current, and every example in the documentation works."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import click
import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from mlcicd import resources
from mlcicd.cli import VERBS, cli
from mlcicd.config.load import parse
from mlcicd.config.schema import json_schema
from mlcicd.plan.model import Save
from mlcicd.runtime.validation import suite

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("docs_build", ROOT / "docs/build.py")
assert SPEC
assert SPEC.loader
build = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(build)

PAGES = build.pages()
ACTIONS = sorted(resources.find("actions").glob("*/action.yml"))
EXAMPLES = [
    (path.name, block)
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for block in re.findall(r"```yaml\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
    if "version: 1" in block
]


@pytest.mark.parametrize("path", sorted(PAGES))
def test_derived_page_is_current(path: str) -> None:
    assert (ROOT / path).read_text("utf-8") == PAGES[path], "run `uv run python docs/build.py`"


@pytest.mark.parametrize(("where", "block"), EXAMPLES)
def test_configuration_in_the_documentation_loads(where: str, block: str) -> None:
    parse(block, where)


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("case", sorted((ROOT / "tests/golden").iterdir()), ids=lambda path: path.name)
def test_the_schema_accepts_what_the_loader_accepts(case: Path) -> None:
    jsonschema.validate(yaml.safe_load((case / "mlcicd.yaml").read_text("utf-8")), json.loads(json_schema()))


def test_the_schema_refuses_an_unknown_key() -> None:
    with pytest.raises(jsonschema.ValidationError, match="insall"):
        jsonschema.validate({"version": 1, "project": {"insall": "x"}}, json.loads(json_schema()))


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.parent.name)
def test_an_actions_inputs_are_the_options_of_its_command(path: Path) -> None:
    action = yaml.safe_load(path.read_text("utf-8"))
    verb = {"check": "generate"}.get(path.parent.name, path.parent.name)
    inputs = action["inputs"]
    assert all(facts["description"].endswith(".") for facts in inputs.values())
    if verb not in VERBS:
        return
    command = cli.get_command(None, verb)  # type: ignore[arg-type]
    assert command
    options = {option.opts[0].removeprefix("--"): option for option in command.params if option.name}
    assert inputs.keys() - {"token", "source", "project"} <= options.keys()
    environment = action["runs"]["steps"][-1]["env"]
    for name in inputs.keys() - {"token", "source", "project"}:
        assert environment[str(options[name].envvar)] == f"${{{{ inputs.{name} }}}}"  # type: ignore[attr-defined]
        default = inputs[name].get("default", "")
        if default and name != "config":
            assert str(options[name].default) == default


def test_what_a_workflow_leaves_out_is_what_the_action_does_by_default() -> None:
    inputs = yaml.safe_load((resources.find("actions") / "save/action.yml").read_text("utf-8"))["inputs"]
    plain = Save(artifact="x")
    assert (inputs["path"]["default"],) == plain.paths
    assert int(inputs["days"]["default"]) == plain.days


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_a_help_text(verb: str) -> None:
    command = cli.get_command(None, verb)  # type: ignore[arg-type]
    assert command
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_usage_errors_exit_2() -> None:
    assert CliRunner().invoke(cli, ["generate", "--nonsense"]).exit_code == 2


SUITES = re.findall(r"```yaml\n(expectations:.*?)```", (ROOT / "docs/validation.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", SUITES)
def test_suites_in_the_documentation_are_read(block: str, tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(block, encoding="utf-8")
    assert len(suite.read(path, path.name).rules) == 3
