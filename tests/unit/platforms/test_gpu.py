"""A container that a job brings along sees the machine's GPUs only when it is started with them."""

from __future__ import annotations

import pytest
import yaml

from mlcicd.config.load import parse
from mlcicd.plan.build import build
from mlcicd.platforms import PLATFORMS
from mlcicd.release import Release

WORKFLOW = ".github/workflows/mlcicd.yml"
CONFIG = "version: 1\ntrain: {{runner: gpu, container: 'cuda:12'}}\nrunners: {{gpu: {{github: [gpu], gpu: {}}}}}\n"


# Docker does not start a container with GPUs where there are none, so a machine that may have none cannot ask.
@pytest.mark.parametrize(("gpu", "options"), [("required", "--gpus all"), ("preferred", None), ("none", None)])
def test_a_container_is_given_the_gpus(gpu: str, options: str | None) -> None:
    files = PLATFORMS["github"].files(build(parse(CONFIG.format(gpu))), Release(version="0.1.0", commit="1" * 40))
    container = yaml.safe_load(files[WORKFLOW])["jobs"]["train"]["container"]
    assert container.get("options") == options
