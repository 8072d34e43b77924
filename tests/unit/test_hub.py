"""Finding a checkpoint: in a folder, or on a Hub that is played by a local server."""

from __future__ import annotations

import errno
import json
import logging
import socket
import threading
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub
import pytest

from goldcrest.breaker import HUB_TOLERANCE, Guard
from goldcrest.checkpoint import locate, read
from goldcrest.errors import CheckpointNotFound, PickledWeights
from goldcrest.testing import ManualClock
from goldcrest.testing.checkpoint import random_checkpoint

NOBODY = "http://127.0.0.1:9"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REFUSALS = {
    "org/gated": (403, "GatedRepo"),
    "org/absent": (401, "RepoNotFound"),
    "org/broken": (500, ""),
}


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub's API as its client needs to fetch a snapshot."""

    repositories: dict[str, Path]
    faults: list[int]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.faults:
            self.send(b"{}", self.faults.pop(0))
            return
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


@pytest.fixture(autouse=True)
def guard(monkeypatch) -> Guard:
    """A breaker of the test's own before the Hub."""
    own = Guard("hub", tolerance=HUB_TOLERANCE, clock=ManualClock())
    monkeypatch.setattr("goldcrest.checkpoint.hub.HUB", own)
    return own


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """How long it was waited between attempts; nobody really waits."""
    seconds: list[float] = []
    monkeypatch.setattr("goldcrest.checkpoint.hub._pause", seconds.append)
    return seconds


@pytest.fixture
def faults() -> list[int]:
    """The statuses of the Hub's next answers, before it answers properly again."""
    return []


@pytest.fixture
def asked() -> list[str]:
    """The paths that the Hub was asked for."""
    return []


@pytest.fixture
def hub(tmp_path, monkeypatch, faults, asked, pauses) -> Iterator[str]:
    """The address of a Hub that holds ``org/model`` and ``org/pickled``."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    model = random_checkpoint(tmp_path / "hub" / "model", pooling="mean", normalize=True)
    (model / "pytorch_model.bin").write_bytes(b"a pickle")
    (model / "modeling_own.py").write_text("raise SystemExit")
    pickled = tmp_path / "hub" / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text("{}")
    (pickled / "pytorch_model.bin").write_bytes(b"a pickle")
    repositories = {"org/model": model, "org/pickled": pickled}
    held = {"repositories": repositories, "faults": faults, "asked": asked}
    handler = type("Held", (Hub,), held)
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

    assert folder == locate("org/model", endpoint=NOBODY)


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
        locate("org/model", endpoint=NOBODY)


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


def test_a_commit_that_is_in_the_cache_is_opened_without_asking(hub, asked):
    folder = locate(f"org/model@{COMMIT}", endpoint=hub)
    asked.clear()

    assert folder == locate(f"org/model@{COMMIT}", endpoint=hub)
    assert [] == asked


def test_half_a_copy_of_a_commit_is_not_taken_for_the_whole(hub):
    folder = locate(f"org/model@{COMMIT}", endpoint=hub)
    (folder / "modules.json").unlink()

    assert (locate(f"org/model@{COMMIT}", endpoint=hub) / "modules.json").is_file()


def test_a_copy_that_is_used_for_want_of_an_answer_is_told_of(hub, caplog):
    locate("org/model", endpoint=hub)
    locate("org/model", endpoint=NOBODY)

    sentence = "org/model: the Hub cannot be reached; the copy 0123456789ab in its cache is used"
    assert [f"{sentence}, which may not be the latest"] == [
        record.getMessage() for record in caplog.records if record.name == "goldcrest"
    ]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hub_that_is_busy_or_broken_for_a_moment_is_asked_again(hub, faults, pauses, status):
    faults += [status, status]

    assert locate("org/model", endpoint=hub).is_dir()
    assert [0.5, 2.0] == pauses


def test_a_hub_that_stays_broken_is_asked_three_times(hub, asked, pauses):
    with pytest.raises(CheckpointNotFound, match="status 500"):
        locate("org/broken", endpoint=hub)

    assert (3, [0.5, 2.0]) == (len(asked), pauses)


def test_a_refusal_is_an_answer_and_not_asked_for_again(hub, asked, pauses, guard):
    for _ in range(9):
        with pytest.raises(CheckpointNotFound, match="gated"):
            locate("org/gated", endpoint=hub)

    assert ([], False) == (pauses, guard.is_open)


def test_a_hub_that_failed_too_often_is_left_alone_for_a_while(hub, faults, asked, guard):
    for _ in range(2):
        with pytest.raises(CheckpointNotFound):
            locate("org/broken", endpoint=hub)
    asked.clear()

    with pytest.raises(CheckpointNotFound, match=r"the Hub failed too often; it is asked again"):
        locate("org/model", endpoint=hub)
    assert [] == asked
    guard._clock.advance(60.0)
    assert locate("org/model", endpoint=hub).is_dir()


def test_a_copy_is_used_while_the_hub_is_left_alone(hub, asked):
    folder = locate("org/model", endpoint=hub)
    for _ in range(2):
        with pytest.raises(CheckpointNotFound):
            locate("org/broken", endpoint=hub)
    asked.clear()

    assert folder == locate("org/model", endpoint=hub)
    assert [] == asked


def test_a_hub_that_is_silent_has_failed(monkeypatch, pauses, tmp_path, guard):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("goldcrest.checkpoint.hub._PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(CheckpointNotFound, match="cannot be reached"):
            locate("org/model", endpoint=endpoint)
    assert [0.5, 2.0] == pauses
    assert ("breaker_failures", ("hub",), 3.0) in [*guard.samples()]


def test_a_disk_that_is_full_is_not_the_hubs_fault(hub, monkeypatch, guard):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("goldcrest.checkpoint.hub.snapshot_download", fail)
    with pytest.raises(CheckpointNotFound, match=r"cannot be used.*No space left"):
        locate("org/model", endpoint=hub)

    assert ("breaker_failures", ("hub",), 0.0) in [*guard.samples()]
