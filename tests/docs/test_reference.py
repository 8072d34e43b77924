"""The reference pages say what the code says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from goldcrest.config import SETTINGS
from goldcrest.errors import GoldcrestError
from goldcrest.metrics import SPECS
from goldcrest.web.app import ENDPOINTS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("errors", "settings", "metrics", "http", "cli", "models")


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _read(page: str) -> str:
    return (DOCS / "reference" / f"{page}.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_current(generate, page):
    """If this fails, run ``python -m docs.generate``."""
    assert generate.PAGES[page]() == _read(page)


def test_the_figures_of_the_readme_are_those_of_the_benchmark(generate):
    """If this fails, run ``python -m docs.generate``."""
    assert generate.measured.current() == generate.measured.README.read_text("utf-8")


def _below(kind: type[GoldcrestError]) -> list[type[GoldcrestError]]:
    ours = [child for child in kind.__subclasses__() if child.__module__ == "goldcrest.errors"]
    return [*ours, *(grandchild for child in ours for grandchild in _below(child))]


@pytest.mark.parametrize("kind", _below(GoldcrestError), ids=lambda kind: kind.__name__)
def test_every_error_has_a_line(kind):
    assert f"| `{kind.code}` |" in _read("errors")


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_has_a_line(key):
    assert f"| `{key}` |" in _read("settings")


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_every_metric_has_a_line(spec):
    assert f"| `{spec.name}` |" in _read("metrics")


@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.path)
def test_every_route_has_a_section(row):
    assert f"## {row.method} {row.path}\n" in _read("http")


@pytest.mark.parametrize("command", ["serve", "predict", "compile", "info", "config show"])
def test_every_command_has_a_section(command):
    assert f"## goldcrest {command}\n" in _read("cli")
