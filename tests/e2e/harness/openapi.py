"""The part of an OpenAPI description that requests are checked against."""

from __future__ import annotations

from typing import Any


def cut(description: dict[str, Any]) -> dict[str, Any]:
    """Return `{path: {METHOD: {"body": schema or None, "query": [names]}}}` of an OpenAPI description."""
    operations: dict[str, Any] = {}
    for path, methods in description["paths"].items():
        operations[path] = {}
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            parameters = [_inlined(one, description) for one in operation.get("parameters", [])]
            operations[path][method.upper()] = {
                "body": None if body is None else _inlined(body, description),
                "query": [one["name"] for one in parameters if one["in"] == "query"],
            }
    return operations


def _inlined(node: Any, description: dict[str, Any]) -> Any:
    """Replace references by what they name, and OpenAPI's `nullable` by JSON Schema's word for it."""
    if isinstance(node, list):
        return [_inlined(one, description) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = description
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return _inlined(target, description)
    plain = {key: _inlined(value, description) for key, value in node.items() if key not in ("example", "examples")}
    return {"anyOf": [plain, {"type": "null"}]} if plain.pop("nullable", False) is True else plain
