"""A server whose second model waits for the first request that needs it."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.running import Server, serving

from goldcrest.artifact import Artifact
from goldcrest.config import Config

pytestmark = pytest.mark.integration


@pytest.fixture
def server(tmp_path: Path, every: Mapping[str, Artifact], config: Config) -> Iterator[Server]:
    settings = tmp_path / "goldcrest.toml"
    settings.write_text(
        f"""
        [[models]]
        source = "{every["classifier"].folder}"
        [[models]]
        source = "{every["embedder"].folder}"
        load = "lazy"
        """
    )
    options = ["--config", str(settings), "--threads", "1", "--precision", "f32"]
    with serving(*options, cache=config.cache.folder) as running:
        yield running.until_ready()


def open_models(server: Server) -> list[str]:
    return [model["id"] for model in server.call("/v1/models")[1]["data"] if model["is_open"]]


def test_the_first_request_opens_the_model_and_the_server_was_ready_before(server: Server) -> None:
    before = open_models(server)
    status, _ = server.call("/v1/embeddings", {"input": "a text"})

    assert (["classifier"], 200, ["classifier", "embedder"]) == (
        before,
        status,
        open_models(server),
    )
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as reply:  # noqa: S310  # our own server
        told = reply.read().decode()
    assert 'goldcrest_model_changes_total{model="embedder",change="opened"} 1' in told


def test_a_closed_model_is_described_and_listed(server: Server) -> None:
    status, described = server.call("/v1/models/embedder")
    _, index = server.call("/v2/repository/index", {})

    assert (200, False, "embed") == (status, described["is_open"], described["task"])
    assert ["READY", "UNAVAILABLE"] == [entry["state"] for entry in index]
