"""One server for all protocols: tiny models of every readout, started once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.running import Server, serving

from goldcrest.artifact import Artifact
from goldcrest.checkpoint import read
from goldcrest.compile import build_artifact
from goldcrest.config import Config
from goldcrest.testing import random_checkpoint, tiny_artifact


@pytest.fixture(scope="session")
def every(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Artifact]:
    """A tiny artifact per name; the first of each task is its default where all are served."""
    folder = tmp_path_factory.mktemp("every")
    return {
        "classifier": tiny_artifact(folder / "classifier", n_labels=3),
        "embedder": tiny_artifact(
            folder / "embedder", family="bert", pooling="mean", normalize=True
        ),
        "tagger": tiny_artifact(folder / "tagger", task="tokens", n_labels=5),
        "reader": tiny_artifact(folder / "reader", family="bert", task="span"),
        "filler": tiny_artifact(folder / "filler", task="fill"),
        "reranker": tiny_artifact(folder / "reranker", family="bert", n_labels=1),
        "entailer": _entailer(folder),
    }


def _entailer(folder: Path) -> Artifact:
    """A classifier of pairs that can tell whether the second text follows from the first."""
    checkpoint = random_checkpoint(folder / "source", family="bert", n_labels=3)
    config = json.loads((checkpoint / "config.json").read_bytes())
    config["id2label"] = {"0": "contradiction", "1": "neutral", "2": "entailment"}
    (checkpoint / "config.json").write_text(json.dumps(config))
    return build_artifact(read(checkpoint, "tiny"), folder / "entailer")


@pytest.fixture(scope="session")
def everything(every: Mapping[str, Artifact], config: Config) -> Iterator[Server]:
    """A server of all of them, by these names."""
    folders = [str(artifact.folder) for artifact in every.values()]
    limits = ["--set", "web.max_items=64", "--threads", "1"]
    with serving(*folders, "--precision", "f32", *limits, cache=config.cache.folder) as running:
        yield running.until_ready()
