"""``goldcrest lengths`` asks a real server, with keys and two models, what its texts were like."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.running import Server, serving

from goldcrest.artifact import Artifact
from goldcrest.cli.main import main
from goldcrest.config import Config

pytestmark = pytest.mark.integration

KEY = "a key of the tests"
HEADERS = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}
LONG = " ".join(["word"] * 400)


@pytest.fixture(scope="module")
def server(tiny: Artifact, tiny_embedder: Artifact, config: Config) -> Iterator[Server]:
    """One that has answered forty short texts, and of each model a long one."""
    models = (str(tiny.folder), str(tiny_embedder.folder))
    names = ("--name", "classifier", "--name", "embedder")
    flags = ("--precision", "f32", "--threads", "1", "--max-length", "48")
    keys = {"GOLDCREST_KEYS": f"alice:{hashlib.sha256(KEY.encode()).hexdigest()}"}
    with serving(*models, *names, *flags, cache=config.cache.folder, environment=keys) as running:
        running.until_ready()
        texts = ["good"] * 40
        assert 200 == running.call("/classify", {"text": [*texts, LONG]}, HEADERS)[0]
        assert 200 == running.call("/embed", {"inputs": LONG}, HEADERS)[0]
        yield running


@pytest.fixture
def run(
    server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, str, str]]:
    """Run the command on the server: its status, and what it prints."""

    def lengths(*arguments: str) -> tuple[object, str, str]:
        words = ["goldcrest", "lengths", "--from-server", server.url, *arguments]
        monkeypatch.setenv("KEY_OF_THE_TESTS", KEY)
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capfd.readouterr())

    return lengths


def test_texts_count_by_what_they_had_and_not_by_what_ran(run: Callable[..., Any]) -> None:
    status, out, err = run("--key-env", "KEY_OF_THE_TESTS", "--json", "--keep", "0.9")

    assert 0 == status, err
    classifier, embedder = sorted(json.loads(out)["models"], key=lambda one: one["model"])
    assert (41, 1) == (classifier["n_texts"], embedder["n_texts"])
    assert 402 <= embedder["n_tokens"]
    assert 48 == embedder["choices"][-1]["max_length"]
    assert (16, True) == (
        classifier["advice"]["max_length"],
        classifier["advice"]["is_enough"],
    )
    assert not embedder["advice"]["is_enough"]


def test_a_report_of_one_model_goes_to_a_file(run: Callable[..., Any], tmp_path: Path) -> None:
    status, out, err = run(
        "--key-env", "KEY_OF_THE_TESTS", "--model", "embedder", "--out", str(tmp_path / "a.html")
    )

    assert 0 == status, err
    assert "embedder: 1 texts" in out
    assert "classifier" not in out
    assert "raise it if the model takes more" in (tmp_path / "a.html").read_text("utf-8")


def test_without_a_key_it_says_what_is_missing(run: Callable[..., Any]) -> None:
    status, _, err = run()

    assert 2 == status
    assert "wants a key that it knows; give one with --key-env" in err
