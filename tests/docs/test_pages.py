"""The pages written by hand: their links lead somewhere, and their examples are right."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import msgspec
import pytest
from typer.core import TyperGroup
from typer.main import get_command

from goldcrest.app.source import builtins
from goldcrest.cli.main import app
from goldcrest.config import load as load_settings
from goldcrest.distill.recipe import read_recipe
from goldcrest.testing import random_checkpoint
from goldcrest.web.app import ENDPOINTS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "goldcrest"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

every_page = pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.relative_to(ROOT).as_posix()) for page in PAGES]
)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )


def links(page: Path) -> list[str]:
    """Where the links and images of a page lead, those on the web left out."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"\s]+)", prose)
    targets = ["".join(pair) for pair in found]
    return [target for target in targets if not re.match(r"https?:|mailto:", target)]


def anchors(page: Path) -> set[str]:
    """The names under which the headings of a page are reached."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def resolves(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path) if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def commands(page: Path) -> Iterator[list[str]]:
    """The words after each ``goldcrest`` that a page tells its reader to type."""
    for block in blocks(page, "console"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["$"] and "goldcrest" in words:
                own = words[words.index("goldcrest") + 1 :]
                yield list(takewhile(lambda word: word not in {"|", "<", ">", "&"}, own))


def parse(words: list[str]) -> None:
    """Read a command line without acting on it; raises where a word is not understood."""
    command = get_command(app)
    while isinstance(command, TyperGroup) and words:
        command, words = command.commands[words[0]], words[1:]
    command.make_context("goldcrest", words)


def bodies(page: Path) -> list[tuple[str, str]]:
    """The path and the JSON of each curl command."""
    text = "\n".join(blocks(page, "console"))
    return re.findall(r"curl[^$]*?(?:localhost|127\.0\.0\.1):\d+(/\w+)[^$]*?-d\s+'([^']+)'", text)


@every_page
def test_every_link_leads_somewhere(page: Path):
    assert [] == [link for link in links(page) if not resolves(page, link)]


@every_page
def test_every_command_is_understood(page: Path):
    for words in commands(page):
        parse(words)


@every_page
def test_every_body_is_what_its_route_takes(page: Path):
    requests = {endpoint.path: endpoint.request for endpoint in ENDPOINTS}

    for path, body in bodies(page):
        msgspec.json.decode(body, type=requests[path])


@every_page
def test_every_file_of_settings_or_stages_is_valid(page: Path, tmp_path: Path):
    for content in blocks(page, "toml"):
        file = tmp_path / "goldcrest.toml"
        file.write_text(content, encoding="utf-8")

        if "[[stages]]" in content:
            read_recipe(file, variables={}, overrides={})
        else:
            load_settings({}, environ={}, file=file)


def test_architecture_lists_every_module_and_no_other():
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    expected = {path.removesuffix("__init__.py") or path for path in files}

    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    listed = re.findall(r"^\| \**`([\w/]+(?:\.py|/))`\** \|", page, re.MULTILINE)

    assert sorted(expected) == sorted(listed)


def test_python_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    if not {"sentiment", "embedder"} <= set(builtins()):
        pytest.skip("the built-in models are not in this checkout")
    random_checkpoint(tmp_path / "models" / "minilm", family="bert", pooling="mean")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDCREST_CACHE__FOLDER", str(tmp_path / "cache"))

    guide = "\n".join(blocks(ROOT / "docs" / "guides" / "python.md", "python"))

    exec(compile(guide, "python.md", "exec"), {})  # noqa: S102  # it is our own page
