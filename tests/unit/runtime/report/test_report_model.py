"""report.json: what is written can be read, and nothing else can."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcicd.errors import UsageError
from mlcicd.runtime.report import document, model
from tests.unit.runtime.report import hostile


def test_a_full_report_survives_the_journey() -> None:
    text = document.dump(hostile.report())
    assert document.dump(document.parse(text.encode(), "report.json")) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "not a JSON document"),
        (b"[]", "all of it: Input should be an object"),
        (b"{}", "state: Field required"),
        (b'{"state": "pass", "state": "fail"}', "the key 'state' is there twice"),
        (b'{"state": "pass", "run": NaN}', "NaN is not JSON"),
        (b'{"state": "pass", "run": "1"}', "run: Input should be a valid integer"),
        (b'{"state": "pass", "run": 1.5}', "run: Input should be a valid integer"),
        (b'{"state": "pass", "extra": 1}', "extra: Extra inputs are not permitted"),
        (b'{"state": "pass", "version": 2}', "version: Input should be 1"),
        (b'{"state": "pass", "key": "a b -->"}', "key: String should match"),
        (b'{"state": "pass", "sha": "abc"}', "sha: String should match"),
        (b'{"state": "pass", "link_run": "javascript:alert(1)"}', "link_run: String should match"),
        (b'{"state": "pass", "link_run": "https://h/x) [y](z"}', "link_run: String should match"),
        (b'{"state": "pass", "title": "' + b"x" * 501 + b'"}', "title: String should have at most 500 characters"),
        (
            b'{"state": "pass", "missing": ["test"' + b', "test"' * 9 + b"]}",
            "missing: Tuple should have at most 5 items",
        ),
        (b'{"state": "pass", "title": "\xff"}', "not a JSON document"),
        (b'{"state": "fail"}', "state: says fail, and the facts say pass"),
        (b'{"state": "inconclusive"}', "state: says inconclusive, and the facts say pass"),
        (b'{"state": "pass", "missing": ["test"]}', "state: says pass, and the facts say error"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"state": "pass", "a\\n::error::b": 1}', "a ::error::b: Extra inputs"),
    ],
)
def test_anything_else_is_refused_in_one_line(raw: bytes, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        document.parse(raw, "report.json")
    assert caught.value.message.startswith("report.json: ")
    assert expected in caught.value.message
    assert "\n" not in caught.value.message


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"state": "pass", "title": "x" * model.MAX_BYTES}))
    with pytest.raises(UsageError, match="larger than 262,144 bytes"):
        document.load(path)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        document.load(tmp_path / "gone.json")
