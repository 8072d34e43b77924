"""The server as it is run: a process of its own, real models, real sockets, real signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.running import Server, serving

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.config import Config

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tiny: Artifact, tiny_embedder: Artifact, config: Config) -> Iterator[Server]:
    models = (str(tiny.folder), str(tiny_embedder.folder))
    with serving(*models, "--precision", "f32", cache=config.cache.folder) as running:
        yield running.until_ready()


def test_classify_gives_the_probabilities_that_the_library_gives(
    server: Server, tiny: Artifact, config: Config, texts: list[str]
) -> None:
    with goldcrest.load(str(tiny.folder), config, precision="f32") as model:
        expected = model.classify(texts, max_length=64)

    status, reply = server.call("/classify", {"text": texts, "max_length": 64})

    assert (200, "classifier", list(expected[0].scores)) == (
        status,
        reply["model"],
        reply["labels"],
    )
    assert [found.truncated for found in expected] == reply["truncated"]
    for found, row in zip(expected, reply["predictions"], strict=True):
        assert row == pytest.approx(list(found.scores.values()), abs=1e-5)


def test_embed_finds_the_default_model_of_its_own_task(
    server: Server, tiny_embedder: Artifact, config: Config, texts: list[str]
) -> None:
    with goldcrest.load(str(tiny_embedder.folder), config, precision="f32") as model:
        expected = model.embed(texts)

    status, reply = server.call("/embed", {"inputs": texts})

    assert status == 200
    for found, row in zip(expected, reply, strict=True):
        assert row == pytest.approx(found.tolist(), abs=1e-5)


def test_every_client_at_once_gets_its_own_answer(server: Server, texts: list[str]) -> None:
    _, together = server.call("/classify", {"text": texts})

    with ThreadPoolExecutor(32) as clients:
        replies = list(clients.map(lambda text: server.call("/classify", {"text": text}), texts))

    for row, (status, reply) in zip(together["predictions"], replies, strict=True):
        assert status == 200
        assert row == pytest.approx(reply["predictions"][0], abs=1e-5)


def test_the_models_are_listed_with_the_default_of_each_task(server: Server) -> None:
    _, listing = server.call("/v1/models")

    assert [("classifier", ["classify"]), ("embedder", ["embed", "similarity", "states"])] == [
        (model["id"], model["defaults"]) for model in listing["data"]
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/classify", {"text": "x", "model": "nobody"}, 404, "unknown_model"),
        ("/classify", {"text": "x", "model": "embedder"}, 404, "unsupported_task"),
        ("/classify", {"text": []}, 422, "empty_input"),
        ("/classify", {"text": 7}, 422, "invalid_request"),
        (
            "/classify",
            {"text": "a b c d e f", "max_length": 4, "truncate": False},
            422,
            "input_too_long",
        ),
        ("/classify", {"text": "x" * 3_000_000}, 413, "body_too_large"),
        ("/nowhere", {}, 404, "unknown_path"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_bad_requests_are_refused_with_their_own_status(
    server: Server, path: str, body: object, status: int, code: str
) -> None:
    found, reply = server.call(path, body)

    assert (status, code) == (found, reply["error"]["code"])


def test_metrics_account_for_every_token_that_ran(server: Server) -> None:
    before = _counted(server)

    server.call("/classify", {"text": ["one text", "another text"]}, {"cache-control": "no-cache"})

    after = _counted(server)
    answered, run, slots = (now - then for now, then in zip(after, before, strict=True))
    assert answered == run <= slots
    assert answered > 0


def _counted(server: Server) -> tuple[float, float, float]:
    """Tokens of answers, tokens that ran, and slots of the grids they ran in."""
    with urllib.request.urlopen(server.url + "/metrics") as reply:  # noqa: S310
        lines = reply.read().decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    answered, run, slots = (
        float(values.get(f'goldcrest_{name}_total{{model="classifier"}}', 0))
        for name in ("tokens", "grid_tokens", "grid_slots")
    )
    return answered, run, slots


def test_sigterm_answers_what_is_in_flight_and_exits_with_0(
    tiny: Artifact, config: Config, texts: list[str]
) -> None:
    with serving(str(tiny.folder), cache=config.cache.folder) as running:
        running.until_ready()
        with ThreadPoolExecutor(16) as clients:
            pending = [
                clients.submit(running.call, "/classify", {"text": texts}) for _ in range(16)
            ]
            while not any(future.done() for future in pending):
                time.sleep(0.001)  # another process: there is nothing to wait on
            running.process.send_signal(signal.SIGTERM)
            outcomes = [future.exception() or future.result()[0] for future in pending]

        assert running.process.wait(30) == 0
    # A request is answered, or refused while draining, or finds the listener closed; none is cut.
    assert {200} <= {o for o in outcomes if isinstance(o, int)} <= {200, 503}
    assert all(isinstance(o, int | urllib.error.URLError) for o in outcomes)


def test_a_model_that_cannot_be_opened_ends_the_server_with_a_sentence(
    tmp_path: Path, config: Config
) -> None:
    (tmp_path / "manifest.json").write_text("{}")

    with serving(str(tmp_path), cache=config.cache.folder) as running:
        assert running.process.wait(30) == 1

    assert "goldcrest: " in running.log
    assert "Traceback" not in running.log


def test_a_port_that_is_taken_is_named(server: Server, tiny: Artifact, config: Config) -> None:
    port = server.url.rpartition(":")[2]
    command = [sys.executable, "-m", "goldcrest.cli.main", "serve", str(tiny.folder)]
    environment = {**os.environ, "GOLDCREST_CACHE__FOLDER": config.cache.folder}

    ended = subprocess.run(  # noqa: S603
        [*command, "--port", port],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr


def test_a_head_that_does_not_end_is_refused(server: Server) -> None:
    with socket.create_connection(
        ("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=10
    ) as connection:
        connection.sendall(b"POST /classify HTTP/1.1\r\nhost: x\r\nx-much: " + b"a" * 65_536)

        answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_json_too_deep_to_parse_is_malformed(server: Server) -> None:
    body = b'{"inputs": "x", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    request = urllib.request.Request(server.url + "/embed", body)  # noqa: S310  # our own server

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310

    with refused.value as answer:
        assert 400 == answer.status
