"""What `tool.source` may say: one build, and what is told of everything else."""

from __future__ import annotations

import pytest

from mlcicd.config.sources import unpinned

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "source",
    [
        "mlcicd==0.1.0",
        "mlcicd == 0.1.0rc1",
        "mlcicd===0.1.0+local",
        "mlcicd[gx,tables]==1!2.0",
        f"git+https://code.example.org/acme/mlcicd@{COMMIT}",
        f"git+ssh://git@code.example.org/acme/mlcicd.git@{COMMIT}",
        f"mlcicd @ git+https://code.example.org/acme/mlcicd@{COMMIT}",
        f"git+https://code.example.org/acme/tools@{COMMIT}#subdirectory=mlcicd",
        "https://files.example.org/mlcicd-0.1.0-py3-none-any.whl",
        "https://files.example.org/mlcicd.tar.gz#sha256=00ff",
        "./wheels/mlcicd-0.1.0-py3-none-any.whl",
        "mlcicd-0.1.0-py3-none-any.whl",
        "wheels/mlcicd",
        "/opt/mlcicd",
        "file:///opt/mlcicd.whl",
        ".",
    ],
)
def test_one_build(source: str) -> None:
    assert unpinned(source) == ""


@pytest.mark.parametrize(
    ("source", "form"),
    [
        ("mlcicd", "mlcicd==VERSION"),
        ("mlcicd>=0.1", "mlcicd==VERSION"),
        ("mlcicd~=0.1.0", "mlcicd==VERSION"),
        ("mlcicd==0.*", "mlcicd==VERSION"),
        ("mlcicd==", "mlcicd==VERSION"),
        ("mlcicd==0.1,>0", "mlcicd==VERSION"),
        ("mlcicd[gx]", "mlcicd==VERSION"),
        ("-e x", "mlcicd==VERSION"),
        ("git+https://code.example.org/acme/mlcicd", "git+URL@COMMIT"),
        ("git+https://code.example.org/acme/mlcicd@main", "git+URL@COMMIT"),
        ("git+https://code.example.org/acme/mlcicd@0123456", "git+URL@COMMIT"),
        (f"git+https://{COMMIT}@code.example.org/acme/mlcicd", "git+URL@COMMIT"),
        (f"git+https://code.example.org/acme/mlcicd#@{COMMIT}", "git+URL@COMMIT"),
        ("hg+https://code.example.org/acme/mlcicd@1", "git+URL@COMMIT"),
        ("https://code.example.org/acme/mlcicd/archive/main.zip", "the address of a wheel"),
    ],
)
def test_what_may_change_is_told_what_to_write(source: str, form: str) -> None:
    assert unpinned(source).startswith(form)
