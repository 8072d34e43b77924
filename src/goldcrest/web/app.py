"""The FastAPI application: the table of routes, its description, and a page to read and try it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from goldcrest.config import WebConfig
from goldcrest.metrics import Metrics
from goldcrest.serving.service import Service
from goldcrest.web import classify, meta, tei
from goldcrest.web.endpoint import Door, Endpoint, Served
from goldcrest.web.openapi import merged
from goldcrest.web.response import INTERNAL, problem

ENDPOINTS: tuple[Endpoint, ...] = (*classify.ENDPOINTS, *tei.ENDPOINTS, *meta.ENDPOINTS)
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

    def __init__(self, served: Sequence[tuple[Endpoint, Served]], **settings: Any) -> None:
        super().__init__(**settings)
        self._rows = {(row.method, row.path): call for row, call in served}
        for row, call in served:
            self.router.routes.append(Route(row.path, call, methods=[row.method]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = self._rows.get((scope.get("method", ""), scope.get("path", "")))
        if call is None or self.user_middleware:
            await super().__call__(scope, receive, send)
        else:
            await call(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = merged(super().openapi(), ENDPOINTS)
        return self.openapi_schema


def create(service: Service, config: WebConfig, metrics: Metrics) -> FastAPI:
    """Make the application."""
    door = Door(service=service, config=config, metrics=metrics, opened=int(time.time()))
    return App(
        [(row, Served(row, door)) for row in ENDPOINTS],
        title="Goldcrest",
        summary="Lightweight encoder transformers in production.",
        version=metrics.version,
        docs_url=None,  # FastAPI's page is fetched from elsewhere; ours works without a network
        redoc_url=None,
        routes=[Route("/docs", _docs), Route("/", _root)],
        exception_handlers={HTTPException: _routing_failed, Exception: _failed},
    )


async def _docs(_: Request) -> StarletteResponse:
    page = files("goldcrest.web").joinpath("docs.html").read_text("utf-8")
    return HTMLResponse(page, headers={"content-security-policy": _PAGE_POLICY})


async def _root(_: Request) -> StarletteResponse:
    return RedirectResponse("/docs")


async def _routing_failed(request: Request, error: Exception) -> StarletteResponse:
    """Say in our own shape that no route fits."""
    assert isinstance(error, HTTPException)  # noqa: S101  # that is what it is registered for
    path, headers = request.url.path, dict(error.headers or {})
    if error.status_code == 404:
        return _plain(404, "unknown_path", f"there is no path {path}; /docs lists them")
    if error.status_code == 405:
        message = f"{path} takes {headers.get('Allow', 'other methods')}, not {request.method}"
        return _plain(405, "method_not_allowed", message, headers)
    return _plain(error.status_code, "http_error", str(error.detail), headers)


async def _failed(_request: Request, _error: Exception) -> StarletteResponse:
    return _plain(500, INTERNAL, "the server failed on this request; its log says more")


def _plain(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> StarletteResponse:
    body = problem(status, code, message).body
    return StarletteResponse(body, status, headers, media_type="application/json")
