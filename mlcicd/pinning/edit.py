"""`tool.pins` and images of mlcicd.yaml, changed with everything around them left as it is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlcicd import pins
from mlcicd.config.load import parse
from mlcicd.errors import OutsideError, UsageError
from mlcicd.pinning import splice
from mlcicd.pinning.images import Renewed

_MARK = "\ufeff"


def write(config: Path, values: Mapping[str, str], images: Iterable[Renewed]) -> None:
    """Set these pins in the file, or nothing at all.

    Args:
        config: mlcicd.yaml.
        values: of `tool.pins` by name; an empty one removes it.
        images: that are named elsewhere in the file, with other digests.

    Raises:
        UsageError: when the result would be no valid configuration, or something else would change with it.
        OutsideError: when the disk refuses.
    """
    text = config.read_bytes().decode("utf-8")
    made = text.removeprefix(_MARK)
    try:
        for one in images:
            made = splice.put(made, one.image.path, f"{one.image.name}@{one.digest}")
        made = changed(made, values)
    except UsageError as error:
        raise UsageError(f"{config}: {error.message}", hint=error.hint) from None
    parse(made, str(config))
    _replace(config.resolve(), (_MARK if text.startswith(_MARK) else "") + made)  # a link stays one


def changed(text: str, values: Mapping[str, str]) -> str:
    """Return the configuration's text with these pins, and every other character as it was.

    Raises:
        UsageError: when something else would change with them.
    """
    for name, value in values.items():
        path = ("tool", "pins", name)
        without = None if value else splice.remove(text, path)
        # Beside a comment it is set to ours: what people wrote there is theirs to remove.
        text = without if without is not None else splice.put(text, path, value or pins.KNOWN[name].value)
    return text


def _replace(config: Path, text: str) -> None:
    scratch = config.with_name(f".{config.name}.{os.getpid()}.tmp")
    try:
        scratch.write_bytes(text.encode())
        scratch.chmod(config.stat().st_mode & 0o7777)
        scratch.replace(config)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise OutsideError(
            f"{config}: cannot be written: {error.strerror}", hint="make sure that this user may write there"
        ) from None
