"""What only the HTML page shows: charts as pictures, matrices, the pipeline, and the one script and style it allows."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from mlcicd import resources
from mlcicd.runtime.report import charts, confusion, graph
from mlcicd.runtime.report.model import Report
from mlcicd.runtime.report.numbers import size

Pictures = Mapping[tuple[str, str], bytes]


def parts(report: Report, pictures: Pictures) -> dict[str, Any]:
    """Return what the page's template shows beyond `view`.

    Args:
        report: the report.
        pictures: content of PNG pictures, by name and side.
    """
    stages = report.training.stages if report.training else ()
    return {
        "pictures": [picture for picture in map(charts.picture, report.curves) if picture],
        "bars": [(chart, charts.bars(chart)) for chart in report.bars],
        "confusions": [confusion.both(found) for found in report.confusions],
        "graph": graph.picture(stages),
        "graphs": graph,
        "images": images(report, pictures),
        "style": Markup(asset("style.css")),  # noqa: S704 - our own file, without any text from outside
        "script": Markup(asset("report.js")),  # noqa: S704
        "policy": Markup(policy()),  # noqa: S704
    }


def images(report: Report, pictures: Pictures = MappingProxyType({})) -> list[Mapping[str, Any]]:
    """Return the pictures, each by name, side and size, with its content as an address when that is there."""
    return [
        {
            "name": image.name,
            "side": charts.NAMES[image.side],
            "size": size(image.bytes),
            "address": _data(pictures.get((image.name, image.side))),
        }
        for image in report.images
    ]


@functools.cache
def asset(name: str) -> str:
    """Return the page's style or script."""
    return (resources.find("templates") / "report/html" / name).read_text("utf-8")


@functools.cache
def policy() -> str:
    """Return what the page may load: its own style and script, by their hashes, and pictures that it holds itself."""
    style, script = (_hash(asset(name)) for name in ("style.css", "report.js"))
    return (
        f"default-src 'none'; style-src '{style}'; script-src '{script}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data(content: bytes | None) -> Markup:
    """Return a picture as an address; the alphabet of base64 needs no escaping."""
    encoded = base64.b64encode(content).decode() if content else ""
    return Markup(f"data:image/png;base64,{encoded}" if encoded else "")  # noqa: S704
