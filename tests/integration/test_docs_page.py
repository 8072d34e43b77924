"""The documentation page in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, sync_playwright
from tests.running import Server, serving

from goldcrest.artifact import Artifact
from goldcrest.config import Config

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium on the PATH: apt-get install chromium"
    ),
]


@dataclass
class Visit:
    """The page, opened, and what went on while it was."""

    page: Page
    asked: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def open(self, url: str) -> Visit:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("requestfailed", lambda request: self.troubles.append(request.url))
        self.page.on("request", self._asked)
        self.page.goto(url)
        self.page.locator("details").first.wait_for()
        return self

    def route(self, method: str, path: str) -> Locator:
        """The part of the page about a route, unfolded."""
        found = self.page.locator("details").filter(
            has=self.page.locator("summary .method", has_text=method)
        )
        route = found.filter(has=self.page.locator(f"summary code:text-is('{path}')"))
        if not route.evaluate("details => details.open"):
            route.locator("summary").first.click()
        return route

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(message.text)

    def _asked(self, request: Request) -> None:
        self.asked.append(request.url)


@pytest.fixture(scope="module")
def server(tiny: Artifact, config: Config) -> Iterator[Server]:
    with serving(str(tiny.folder), "--precision", "f32", cache=config.cache.folder) as running:
        yield running.until_ready()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    page = browser.new_page()
    page.set_default_timeout(20_000)
    yield Visit(page).open(f"{server.url}/docs")
    page.close()


def test_the_page_lists_every_route(visit: Visit, server: Server) -> None:
    _, description = server.call("/openapi.json")
    routes = {
        (method.upper(), path) for path, item in description["paths"].items() for method in item
    }

    listed = {
        (summary.locator(".method").inner_text(), summary.locator("code").inner_text())
        for summary in visit.page.locator("#routes > details > summary").all()
    }

    assert ("POST", "/classify") in routes
    assert routes == listed


def test_the_example_is_sent_from_the_page_and_its_answer_shown(
    visit: Visit, server: Server
) -> None:
    route = visit.route("POST", "/classify")
    _, expected = server.call("/classify", json.loads(route.locator("textarea").input_value()))

    route.get_by_role("button", name="Send").click()
    route.locator(".good").wait_for()

    assert "200" in route.locator(".good").inner_text()
    assert expected["labels"] == json.loads(route.locator("pre").inner_text())["labels"]


def test_a_header_that_is_filled_in_is_sent(visit: Visit) -> None:
    route = visit.route("POST", "/classify")
    route.get_by_text("Headers", exact=True).click()

    route.get_by_label("x-goldcrest-priority").fill("at once")
    route.get_by_role("button", name="Send").click()

    assert "at once" in route.locator(".bad ~ pre").inner_text()


def test_a_refusal_is_shown_as_one(visit: Visit) -> None:
    route = visit.route("POST", "/classify")
    route.locator("textarea").fill('{"text": []}')

    route.get_by_role("button", name="Send").click()
    route.locator(".bad").wait_for()

    assert "empty_input" in route.locator("pre").inner_text()


def test_nothing_goes_wrong_and_nothing_is_fetched_from_elsewhere(
    visit: Visit, server: Server
) -> None:
    route = visit.route("POST", "/classify")
    route.get_by_role("button", name="Send").click()
    route.locator(".good").wait_for()

    assert [] == visit.troubles
    assert [] == [url for url in visit.asked if not url.startswith((server.url, "data:"))]
