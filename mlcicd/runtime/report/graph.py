"""The pipeline's stages as a graph: mermaid for the comment, coordinates for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlcicd.runtime.markdown import Words, label
from mlcicd.runtime.report.model import Stage

MAX_NODES = 30
NODE_WIDTH, NODE_HEIGHT, ACROSS, DOWN, EDGE = 170, 46, 50, 14, 2


@dataclass(frozen=True, kw_only=True)
class Node:
    """A stage and its place, in pixels."""

    x: int
    y: int
    name: str
    state: Words


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A pipeline's picture, in pixels; `edges` are paths."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    edges: tuple[Words, ...]


def mermaid(stages: Sequence[Stage]) -> Words:
    """Return a flowchart, or "" when there is nothing to connect or too much to read."""
    edges = _edges(stages)
    if not edges or len(stages) > MAX_NODES:
        return Words("")
    lines = [f'  n{index}["{label(stage.name)} · {stage.state}"]' for index, stage in enumerate(stages)]
    lines += [f"  n{before} --> n{after}" for before, after in edges]
    return Words("\n".join(["flowchart LR", *lines]))


def picture(stages: Sequence[Stage]) -> Graph | None:
    """Return where each stage stands: right of all that it needs; None when there is nothing to connect."""
    edges = _edges(stages)
    if not edges or len(stages) > MAX_NODES:
        return None
    columns = _columns(len(stages), edges)
    heights = [columns[:index].count(column) for index, column in enumerate(columns)]
    places = [
        (EDGE + column * (NODE_WIDTH + ACROSS), EDGE + row * (NODE_HEIGHT + DOWN))
        for column, row in zip(columns, heights, strict=True)
    ]
    return Graph(
        width=max(x for x, _ in places) + NODE_WIDTH + EDGE,
        height=max(y for _, y in places) + NODE_HEIGHT + EDGE,
        nodes=tuple(
            Node(x=x, y=y, name=stage.name, state=Words(stage.state))
            for stage, (x, y) in zip(stages, places, strict=True)
        ),
        edges=tuple(_path(places[before], places[after]) for before, after in edges),
    )


def _edges(stages: Sequence[Stage]) -> list[tuple[int, int]]:
    """Return pairs (what is needed, what needs it) of places in the list, those left out that a longer way implies."""
    place = {stage.name: index for index, stage in reversed(list(enumerate(stages)))}
    needs = [{place[name] for name in stage.needs if name in place} - {index} for index, stage in enumerate(stages)]
    reached = [set(direct) for direct in needs]
    for _ in stages:
        for found in reached:
            found |= {far for near in found.copy() for far in reached[near]}
    return [
        (before, after)
        for after, direct in enumerate(needs)
        for before in sorted(direct)
        if not any(before in reached[other] for other in direct - {before})
    ]


def _columns(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return each stage's column; the rounds end also where a report claims a circle."""
    columns = [0] * count
    for _ in range(count):
        for before, after in edges:
            columns[after] = min(max(columns[after], columns[before] + 1), count - 1)
    return columns


def _path(start: tuple[int, int], end: tuple[int, int]) -> Words:
    x, y = start[0] + NODE_WIDTH, start[1] + NODE_HEIGHT // 2
    to, down = end[0], end[1] + NODE_HEIGHT // 2
    bend = (x + to) // 2
    return Words(f"M{x} {y}C{bend} {y} {bend} {down} {to - 2} {down}m-7 -4l7 4l-7 4")
