"""The table of routes as an OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import getdoc
from itertools import groupby
from typing import Any

import msgspec

from goldcrest.errors import ServingError
from goldcrest.web.endpoint import Endpoint
from goldcrest.web.response import ErrorReply, status_of

_REFERENCE = "#/components/schemas/{name}"
_JSON = "application/json"


def merged(document: Mapping[str, Any], endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the document with the endpoints' paths and schemas added to its own."""
    kinds = _kinds(endpoints)
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    schema_of = dict(zip(map(id, kinds), schemas, strict=True))
    paths = {
        endpoint.path: {endpoint.method.lower(): _operation(endpoint, schema_of)}
        for endpoint in endpoints
    }
    own = document.get("components", {})
    return {
        **document,
        "paths": {**paths, **document.get("paths", {})},
        "components": {**own, "schemas": {**components, **own.get("schemas", {})}},
    }


def _kinds(endpoints: Iterable[Endpoint]) -> list[Any]:
    kinds: list[Any] = [ErrorReply]
    for endpoint in endpoints:
        kinds += [kind for kind in (endpoint.request, endpoint.reply) if kind is not None]
    return kinds


def _operation(endpoint: Endpoint, schema_of: Mapping[int, Any]) -> dict[str, Any]:
    reply = schema_of[id(endpoint.reply)] if endpoint.reply else {"type": "string"}
    content = {endpoint.media_type: {"schema": reply}}
    responses = {"200": {"description": "The answer.", "content": content}}
    for status, when in endpoint.other_statuses.items():
        responses[str(status)] = {"description": when, "content": content}
    failure = {_JSON: {"schema": schema_of[id(ErrorReply)]}}
    for status, codes in errors_by_status(endpoint.errors).items():
        responses[str(status)] = {"description": ", ".join(codes), "content": failure}
    operation = {
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": getdoc(endpoint.call) or "",
        "operationId": endpoint.call.__name__,
        "responses": responses,
    }
    if endpoint.request:
        content = {_JSON: {"schema": schema_of[id(endpoint.request)], "example": endpoint.example}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def errors_by_status(errors: Iterable[type[ServingError]]) -> dict[int, list[str]]:
    """Group the codes of errors under the statuses they are sent with, ascending."""
    ordered = sorted(errors, key=status_of)
    return {
        status: [error.code for error in group] for status, group in groupby(ordered, key=status_of)
    }
