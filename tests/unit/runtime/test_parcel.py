"""One file out of an archive that anybody may have made: every attack is refused in words, and at once."""

from __future__ import annotations

import io
import json
import random
import time
import zipfile
from collections.abc import Callable

import pytest

from mlcicd.errors import UsageError
from mlcicd.runtime import parcel
from mlcicd.runtime.report import document
from mlcicd.runtime.report.model import MAX_BYTES

GOOD = json.dumps({"state": "pass", "sha": "a" * 40}).encode()
SECONDS = 0.05


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def opened(raw: bytes) -> bytes:
    return parcel.member(raw, "report.json", MAX_BYTES, "artifact")


def link() -> bytes:
    info = zipfile.ZipInfo("report.json")
    info.external_attr = 0o120777 << 16
    return packed((info, b"/etc/passwd"))


def lying() -> bytes:
    """A member of 64 MiB that is said to be small."""
    raw = packed(("report.json", bytes(64 * 1024 * 1024)))
    size = (64 * 1024 * 1024).to_bytes(4, "little")
    return raw.replace(size, (1000).to_bytes(4, "little"))


def encrypted() -> bytes:
    raw = bytearray(packed(("report.json", GOOD)))
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def lying_count() -> bytes:
    """Five thousand members, said to be one: the list of them is read by its size."""
    raw = bytearray(packed(*[(f"{index}.json", b"") for index in range(5000)]))
    raw[-14:-10] = (1).to_bytes(2, "little") * 2
    return bytes(raw)


ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "another folder": (lambda: packed(("../report.json", GOOD)), "0 files called report.json"),
    "an absolute path": (lambda: packed(("/report.json", GOOD)), "0 files called report.json"),
    "a name cut by a zero byte": (
        lambda: packed(("report.jsonXevil", GOOD)).replace(b"report.jsonX", b"report.json\0"),
        "0 files called report.json",
    ),
    "a bomb": (lambda: packed(("report.json", bytes(64 * 1024 * 1024))), "larger than 262,144 bytes"),
    "a bomb that lies": (lying, "damaged"),
    "a link": (link, "a link"),
    "encrypted": (encrypted, "encrypted"),
    "an unusual method": (lambda: packed(("report.json", GOOD), method=zipfile.ZIP_LZMA), "unusual way"),
    "5,000 members": (lambda: packed(*[(f"{index}.json", b"") for index in range(5000)]), "more than 8 files"),
    "5,000 members said to be one": (lying_count, "more than 8 files"),
    "nine members": (lambda: packed(*[(f"{index}.json", b"") for index in range(9)]), "more than 8 files"),
    "larger than its cap": (lambda: random.Random(1).randbytes(3 * 1024 * 1024), "larger than 2,097,152 bytes"),
    "not a zip": (lambda: b"<html>" * 100, "not a ZIP archive"),
    "nothing": (lambda: b"", "not a ZIP archive"),
    "cut": (lambda: packed(("report.json", GOOD))[:-30], "not a ZIP archive"),
    "a tail": (lambda: packed(("report.json", GOOD)) + b"tail", "something is appended"),
}
DAMAGED_STORED = packed(("report.json", GOOD), method=zipfile.ZIP_STORED).replace(b"pass", b"fail")

DOCUMENTS: dict[str, tuple[bytes, str]] = {
    "100,000 deep": (b'{"title":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "a key twice": (b'{"state": "pass", "state": "fail"}', "there twice"),
    "not a number": (b'{"state": "pass", "metrics": [{"base": NaN}]}', "NaN is not JSON"),
    "not UTF-8": (b'{"state": "\xff"}', "not a JSON document"),
    "something unknown": (b'{"state": "pass", "html": "<b>"}', "html"),
    "a list": (b"[]", "all of it"),
    "a link elsewhere": (b'{"state": "pass", "link_run": "javascript:alert(1)"}', "link_run"),
    "too many metrics": (
        json.dumps(
            {"state": "pass", "metrics": [{"name": str(n), "file": "", "key": ""} for n in range(2000)]}
        ).encode(),
        "metrics",
    ),
}


def refused(act: Callable[[], object]) -> tuple[str, float]:
    """Return what is said, and the seconds until then, at best: the machine may have other things to do."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        with pytest.raises(UsageError) as caught:
            act()
        seconds.append(time.perf_counter() - start)
    return caught.value.message, min(seconds)


def test_what_the_action_uploads_is_read() -> None:
    others = [(name, b"x") for name in ("report.md", "report.html", "junit.xml", "metrics.txt")]
    assert opened(packed(("report.json", GOOD), *others)) == GOOD


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_archive_is_refused_in_words_and_at_once(attack: str) -> None:
    make, expected = ATTACKS[attack]
    raw = make()
    message, seconds = refused(lambda: opened(raw))
    assert expected in message
    assert message.startswith("artifact: not accepted: ")
    assert seconds < SECONDS


def test_a_wrong_checksum_is_refused() -> None:
    message, _ = refused(lambda: opened(DAMAGED_STORED))
    assert "damaged" in message


@pytest.mark.parametrize("attack", DOCUMENTS)
def test_a_document_is_refused_in_words_and_at_once(attack: str) -> None:
    raw, expected = DOCUMENTS[attack]
    message, seconds = refused(lambda: document.parse(opened(packed(("report.json", raw))), "artifact"))
    assert expected in message
    assert seconds < SECONDS


def test_no_byte_that_is_changed_gives_anything_but_a_refusal() -> None:
    raw, dice = packed(("report.json", GOOD), ("report.md", b"x")), random.Random(1)
    read = 0
    for _ in range(3000):
        broken = bytearray(raw)
        for _ in range(dice.randint(1, 3)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        try:
            read += opened(bytes(broken)) == GOOD
        except UsageError:
            continue
    assert 0 < read < 3000
