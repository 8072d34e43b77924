"""Finding a checkpoint: in a folder, or on a Hub that is played by a local server."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub
import pytest

from goldcrest.checkpoint import locate, read
from goldcrest.errors import CheckpointNotFound, PickledWeights
from goldcrest.testing.checkpoint import random_checkpoint

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REFUSALS = {
    "org/gated": (403, "GatedRepo"),
    "org/absent": (401, "RepoNotFound"),
    "org/broken": (500, ""),
}


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub's API as its client needs to fetch a snapshot."""

    repositories: dict[str, Path]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.strip("/")
        name, _, rest = path.removeprefix("api/models/").partition("/revision/")
        if rest or "/tree/" in path:
            self.answer_api(name.partition("/tree/")[0], rest)
        else:
            name, _, rest = path.partition("/resolve/")
            self.send_file(self.repositories[name] / rest.partition("/")[2])

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer_api(self, name: str, revision: str) -> None:
        if name in REFUSALS:
            self.send(b"{}", *REFUSALS[name])
        elif revision and revision not in {"main", "v1", COMMIT}:
            self.send(b"{}", 404, "RevisionNotFound")
        elif revision:
            self.send(json.dumps({"id": name, "sha": COMMIT, "siblings": []}).encode())
        else:
            folder = self.repositories[name]
            files = [file for file in folder.rglob("*") if file.is_file()]
            tree = [
                {
                    "type": "file",
                    "path": file.relative_to(folder).as_posix(),
                    "size": file.stat().st_size,
                    "oid": sha1(file.read_bytes(), usedforsecurity=False).hexdigest(),
                }
                for file in files
            ]
            self.send(json.dumps(tree).encode())

    def send_file(self, file: Path) -> None:
        self.send(file.read_bytes())

    def send(self, body: bytes, status: int = 200, code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{sha1(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as inherited
        logging.getLogger("hub").info(format, *args)


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[str]:
    """The address of a Hub that holds ``org/model`` and ``org/pickled``."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    model = random_checkpoint(tmp_path / "hub" / "model", pooling="mean", normalize=True)
    (model / "pytorch_model.bin").write_bytes(b"a pickle")
    (model / "modeling_own.py").write_text("raise SystemExit")
    pickled = tmp_path / "hub" / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"a pickle")
    handler = type("Held", (Hub,), {"repositories": {"org/model": model, "org/pickled": pickled}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_folder_is_its_own_location(tmp_path):
    assert tmp_path == locate(str(tmp_path))


def test_a_repository_is_fetched_with_what_is_needed_and_no_more(hub):
    folder = locate("org/model", endpoint=hub)

    fetched = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert fetched == {
        "1_Pooling/config.json",
        "config.json",
        "model.safetensors",
        "modules.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    }


def test_a_fetched_repository_can_be_read(hub):
    checkpoint = read(locate("org/model", endpoint=hub), "org/model")

    assert ("org/model", "mean", True) == (
        checkpoint.source,
        checkpoint.pooling,
        checkpoint.normalize,
    )


def test_a_revision_is_asked_for(hub):
    assert COMMIT == locate("org/model@v1", endpoint=hub).name


def test_what_was_fetched_is_found_again_when_the_hub_is_away(hub):
    folder = locate("org/model", endpoint=hub)

    assert folder == locate("org/model", endpoint="http://127.0.0.1:9")


def test_pickled_weights_are_refused_with_the_command_that_converts_them(hub):
    with pytest.raises(PickledWeights, match=r"goldcrest convert org/pickled pickled-safetensors"):
        locate("org/pickled", endpoint=hub)


def test_pickled_weights_are_fetched_for_who_asks_for_them(hub):
    assert (locate("org/pickled", endpoint=hub, pickles=True) / "pytorch_model.bin").is_file()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("org/gated", "gated"),
        ("org/absent", "no repository of that name"),
        ("org/model@v9", "no such revision"),
        ("org/broken", "status 500"),
        ("./nowhere", "neither a folder nor a Hub id"),
        ("a/b/c", "neither a folder nor a Hub id"),
        ("org/double--dash", "no Hub id either"),
    ],
)
def test_a_checkpoint_that_is_not_found_says_why(hub, name, why):
    with pytest.raises(CheckpointNotFound, match=why):
        locate(name, endpoint=hub)


def test_a_hub_that_cannot_be_reached_is_named_as_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))

    with pytest.raises(CheckpointNotFound, match="cannot be reached"):
        locate("org/model", endpoint="http://127.0.0.1:9")


def test_offline_mode_is_named_as_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(CheckpointNotFound, match="HF_HUB_OFFLINE is set"):
        locate("org/model")


def test_a_token_is_never_logged_or_repeated(hub, caplog):
    caplog.set_level(logging.DEBUG)

    with pytest.raises(CheckpointNotFound) as caught:
        locate("org/gated", token="hf_secret", endpoint=hub)  # noqa: S106  # nobody's token

    assert "hf_secret" not in caplog.text + str(caught.value)
