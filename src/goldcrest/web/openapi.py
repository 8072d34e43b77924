"""The table of routes as an OpenAPI document."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import getdoc
from itertools import groupby
from typing import Any

import msgspec

from goldcrest.errors import (
    BodyTooLarge,
    BodyTooSlow,
    InvalidRequest,
    MalformedRequest,
    Overloaded,
    ServingError,
    Unauthorized,
)
from goldcrest.names import PRIORITIES
from goldcrest.serving.urgency import LEAST_MS, MOST_MS, PRIORITY, TIMEOUT
from goldcrest.web.endpoint import Endpoint
from goldcrest.web.response import INTERNAL, OURS, Problems

_REFERENCE = "#/components/schemas/{name}"
_JSON = "application/json"
_RAW = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}
_OF_BODIES = (MalformedRequest, InvalidRequest, BodyTooLarge, BodyTooSlow, Overloaded)
"""What the door itself may find wrong with any body."""
_URGENCY: tuple[dict[str, Any], ...] = (
    {
        "name": PRIORITY,
        "in": "header",
        "description": "the class of the work; where the body or the key says less, that holds",
        "schema": {"type": "string", "enum": list(PRIORITIES)},
    },
    {
        "name": TIMEOUT,
        "in": "header",
        "description": "ms after which nobody wants the answer; the shortest limit holds",
        "schema": {"type": "number", "minimum": LEAST_MS, "maximum": MOST_MS},
    },
    {
        "name": "cache-control",
        "in": "header",
        "description": "no-cache, max-age=0: no answer kept from earlier; no-store: nor is this one kept",
        "schema": {"type": "string"},
    },
)
"""Headers of every call that predicts."""
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


def merged(
    document: Mapping[str, Any], endpoints: Sequence[Endpoint], *, is_guarded: bool = False
) -> dict[str, Any]:
    """Return the document with the endpoints' paths and schemas added to its own.

    Args:
        document: what the framework made of its own routes.
        endpoints: the table.
        is_guarded: whether callers must show a key.
    """
    kinds = list(_kinds(endpoints))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    schema_of = dict(zip(map(id, kinds), schemas, strict=True))
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for row in endpoints:
        operation = _operation(row, schema_of, is_guarded=is_guarded and not row.is_public)
        paths[_PARAMETER.sub(r"{\1}", row.path)][row.method.lower()] = operation
    own = document.get("components", {})
    own = {**own, "schemas": {**components, **own.get("schemas", {})}}
    if is_guarded:
        own["securitySchemes"] = _SCHEMES
    return {**document, "paths": {**paths, **document.get("paths", {})}, "components": own}


def _kinds(endpoints: Iterable[Endpoint]) -> Iterator[Any]:
    for endpoint in endpoints:
        yield endpoint.problem.reply
        for kind in (endpoint.request, endpoint.described, endpoint.reply):
            if kind not in (None, bytes):
                yield kind


def _operation(
    endpoint: Endpoint, schema_of: Mapping[int, Any], *, is_guarded: bool
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": getdoc(endpoint.call) or "",
        "operationId": _operation_id(endpoint),
        "responses": _responses(endpoint, schema_of, is_guarded=is_guarded),
    }
    parameters = [_parameter(name) for name in _PARAMETER.findall(endpoint.path)]
    if endpoint.can_be_urgent:
        parameters += _URGENCY
    if parameters:
        operation["parameters"] = parameters
    if endpoint.request:
        operation["requestBody"] = {"required": True, "content": _asked(endpoint, schema_of)}
    if is_guarded:
        operation["security"] = [{name: []} for name in _SCHEMES]
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    words = re.findall(r"\w+", _PARAMETER.sub(r"\1", endpoint.path))
    return "_".join([endpoint.method.lower(), *words])


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _asked(endpoint: Endpoint, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    kind = endpoint.described if endpoint.request is bytes else endpoint.request
    if kind is None:
        return _RAW
    content: dict[str, Any] = {_JSON: {"schema": schema_of[id(kind)]}}
    if endpoint.example:
        content[_JSON]["example"] = endpoint.example
    return {**content, **_RAW} if endpoint.is_binary_too else content


def _responses(
    endpoint: Endpoint, schema_of: Mapping[int, Any], *, is_guarded: bool
) -> dict[str, Any]:
    reply = schema_of[id(endpoint.reply)] if endpoint.reply else {"type": "string"}
    content = {endpoint.media_type: {"schema": reply}}
    if endpoint.is_binary_too:
        content |= _RAW
    responses = {"200": {"description": "The answer.", "content": content}}
    for status, when in endpoint.other_statuses.items():
        responses[str(status)] = {"description": when, "content": content}
    failure = {_JSON: {"schema": schema_of[id(endpoint.problem.reply)]}}
    errors = dict.fromkeys(endpoint.errors)
    if endpoint.request:
        errors |= dict.fromkeys(_OF_BODIES)
    if is_guarded:
        errors[Unauthorized] = None
    codes = {500: [INTERNAL]} | errors_by_status(errors, endpoint.problem)
    for status, names in sorted(codes.items()):
        responses[str(status)] = {"description": ", ".join(names), "content": failure}
    return responses


def errors_by_status(
    errors: Iterable[type[ServingError]], problems: Problems = OURS
) -> dict[int, list[str]]:
    """Group the codes of errors under the statuses they are sent with, ascending."""
    ordered = sorted(errors, key=problems.status_of)
    return {
        status: [error.code for error in group]
        for status, group in groupby(ordered, key=problems.status_of)
    }
