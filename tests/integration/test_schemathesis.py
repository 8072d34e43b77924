"""Every route against the server's own description, with bodies that fit it and some that do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi import checks
from tests.running import Server

from goldcrest.web.app import ENDPOINTS
from goldcrest.web.endpoint import Endpoint

pytestmark = pytest.mark.integration


@schemathesis.check
def nothing_breaks(
    _context: schemathesis.CheckContext,
    response: schemathesis.Response,
    _case: schemathesis.Case[Any],
) -> None:
    """No status of a server at fault.

    501 says that the protocol has more than we do, 504 that the caller gave it too little time.
    """
    assert response.status_code < 500 or response.status_code in {501, 504}


CHECKS = [
    nothing_breaks,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
FEW = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def description(everything: Server) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{everything.url}/openapi.json")


def _asking(
    description: schemathesis.BaseSchema, row: Endpoint, mode: schemathesis.GenerationMode
) -> Callable[[], None]:
    operation = description[re.sub(":path}", "}", row.path)][row.method.lower()]

    @FEW
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS)

    return ask


def _name(row: Endpoint) -> str:
    return f"{row.method} {row.path}"


@pytest.mark.parametrize("row", ENDPOINTS, ids=_name)
def test_what_fits_the_description_is_answered_as_it_says(
    description: schemathesis.BaseSchema, row: Endpoint
) -> None:
    _asking(description, row, schemathesis.GenerationMode.POSITIVE)()


@pytest.mark.parametrize("row", [row for row in ENDPOINTS if row.request], ids=_name)
def test_what_does_not_fit_is_refused_as_it_says(
    description: schemathesis.BaseSchema, row: Endpoint
) -> None:
    _asking(description, row, schemathesis.GenerationMode.NEGATIVE)()
