"""The FastAPI application: the table of routes, its description, and a page to read and try it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from ipaddress import ip_address
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from goldcrest.config import BatchConfig, WebConfig
from goldcrest.metrics import Metrics
from goldcrest.serving.keys import Keys
from goldcrest.serving.room import Room
from goldcrest.serving.service import Service
from goldcrest.web import classify, cohere, debug, hf, meta, oip, openai, tei
from goldcrest.web.connection import Attendance, Patience
from goldcrest.web.endpoint import Door, Endpoint, Explain
from goldcrest.web.openapi import merged
from goldcrest.web.response import INTERNAL, OURS, Fault, Problems, Response, told
from goldcrest.web.route import Served
from goldcrest.web.table import Found, Table
from goldcrest.web.visits import GONE, Visit, Visits

_log = logging.getLogger("goldcrest.web")
ENDPOINTS: tuple[Endpoint, ...] = (
    *classify.ENDPOINTS,
    *openai.ENDPOINTS,
    *cohere.ENDPOINTS,
    *tei.ENDPOINTS,
    *hf.ENDPOINTS,
    *oip.ENDPOINTS,
    *meta.ENDPOINTS,
    *debug.ENDPOINTS,
)
_FOUND = "goldcrest.found"
"""Where the row of a request is noted that was looked up before its turn came."""
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)


class App(FastAPI):
    """FastAPI with a table of routes: in its description, and reached by a short cut.

    The rows are plain ASGI callables. FastAPI's own routes validate with pydantic, and its stack
    of middleware costs as much again as the rest of our door; neither is passed on the way to a
    row, unless somebody added middleware.
    """

    def __init__(self, rows: Sequence[Endpoint], door: Door, **settings: Any) -> None:
        super().__init__(**settings)
        self._endpoints, self._door = rows, door
        served = [Served(row, door) for row in rows]
        self._table = Table(served)
        for row in served:
            route = Route(row.endpoint.path, row, methods=[row.endpoint.method])
            self.router.routes.append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found: Found | None
        if _FOUND in scope:
            found = scope[_FOUND]
        else:
            found = self._table.find(scope.get("method", ""), scope.get("path", ""))
        if found is None:
            await self._call_unlisted(scope, receive, send)
        elif self.user_middleware:
            await super().__call__(scope, receive, send)
        else:
            row, scope["path_params"] = found
            await row(scope, receive, send)

    async def _call_unlisted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is not in the table, and tell of it as of a row."""
        visit, status = Visit(), GONE

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        route = next((row.endpoint.path for row in self.rows_at(scope["path"]).values()), "")
        try:
            await super().__call__(scope, receive, noting)
        finally:
            self._door.visits.ended(visit, scope, route=route, status=status)

    def let_in(self, scope: Scope) -> Response | None:
        """Find the row of a request and take it in, or give what it is answered instead.

        Who serves connections may ask this before it begins a task, and must begin one if there is
        no answer.
        """
        if self.user_middleware:
            return None
        found = scope[_FOUND] = self._table.find(scope["method"], scope["path"])
        return None if found is None else found[0].let_in(scope)

    def turn_away(self, scope: Scope) -> Response | None:
        """Refuse a request that was let in; None for what brings no work, as a scrape does."""
        found: Found | None = scope.get(_FOUND)
        return None if found is None else found[0].turn_away(scope)

    def rows_at(self, path: str) -> Mapping[str, Served]:
        """The rows of a path, by method."""
        return self._table.at(path)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if self.openapi_schema is None:
            is_guarded = bool(self._door.keys)
            self.openapi_schema = merged(super().openapi(), self._endpoints, is_guarded=is_guarded)
        return self.openapi_schema


def create(
    service: Service,
    config: WebConfig,
    metrics: Metrics,
    keys: Keys | None = None,
    *,
    batch: BatchConfig | None = None,
    explain: Explain = lambda: None,
) -> FastAPI:
    """Make the application.

    Args:
        service: answers.
        config: of the door.
        metrics: counts answers, and is rendered.
        keys: what callers must show; None lets everybody in.
        batch: limits on tokens, for protocols that tell them; None means the defaults.
        explain: says why the batcher does what it does; None while there is none.
    """
    keys = keys or Keys({})
    if not keys and not is_loopback(config.host):
        _log.warning(
            "whoever reaches %s may ask anything: there are no keys; 'goldcrest key' makes one",
            config.host,
        )
    return App(
        [_in_force(row, config) for row in ENDPOINTS],
        Door(
            service=service,
            config=config,
            batch=batch or BatchConfig(),
            metrics=metrics,
            keys=keys,
            attendance=Attendance(),
            patience=Patience(config.read_s),
            room=Room(config.max_requests, config.max_held_bytes),
            visits=Visits(config, metrics),
            opened=metrics.opened,
            explain=explain,
        ),
        title="Goldcrest",
        summary="Lightweight encoder transformers in production.",
        version=metrics.version,
        docs_url=None,  # FastAPI's page is fetched from elsewhere; ours works without a network
        redoc_url=None,
        routes=[Route("/docs", _docs), Route("/", _root)],
        exception_handlers={HTTPException: _routing_failed, Exception: _failed},
    )


def _in_force(row: Endpoint, config: WebConfig) -> Endpoint:
    return replace(row, is_public=config.public_metrics) if row.path == "/metrics" else row


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _docs(_: Request) -> StarletteResponse:
    page = files("goldcrest.web").joinpath("docs.html").read_text("utf-8")
    return HTMLResponse(page, headers={"content-security-policy": _PAGE_POLICY})


async def _root(_: Request) -> StarletteResponse:
    return RedirectResponse("/docs")


async def _routing_failed(request: Request, error: Exception) -> StarletteResponse:
    """Say that no route fits: in the shape of the path's protocol, or in ours."""
    assert isinstance(error, HTTPException)  # noqa: S101  # that is what it is registered for
    path = request.url.path
    if error.status_code == 404:
        return _plain(Fault(404, "unknown_path", f"there is no path {path}; /docs lists them"))
    if error.status_code == 405:
        return _wrong_method(request, request.app.rows_at(path))
    return _plain(Fault(error.status_code, "http_error", str(error.detail)))


def _wrong_method(request: Request, rows: Mapping[str, Served]) -> StarletteResponse:
    """Name the methods of a path; one without rows is a page of ours."""
    allowed = ", ".join(sorted(rows)) or "GET"
    message = f"{request.url.path} takes {allowed}, not {request.method}"
    problem = next((row.endpoint.problem for row in rows.values()), OURS)
    return _plain(Fault(405, "method_not_allowed", message), problem, headers={"allow": allowed})


async def _failed(_request: Request, _error: Exception) -> StarletteResponse:
    return _plain(Fault(500, INTERNAL, "the server failed on this request; its log says more"))


def _plain(
    fault: Fault, problem: Problems = OURS, *, headers: Mapping[str, str] | None = None
) -> StarletteResponse:
    body = told(fault, problem).body
    return StarletteResponse(body, fault.status, headers, media_type="application/json")
