"""A cascade of two classifiers behind every door that asks to classify."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import urllib.request
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import InferenceClient, close_session
from tests.running import Server, serving

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.checkpoint import read
from goldcrest.compile import build_artifact
from goldcrest.config import Config
from goldcrest.testing import random_checkpoint

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own business
    import tritonclient.grpc
    import tritonclient.http

pytestmark = pytest.mark.integration

TEXTS = [f"the quick brown fox number {number} runs" for number in range(11)]
LABELS = ("label 0", "label 1", "label 2")
Scores = list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class Tickets:
    """A running cascade of that name, what it should answer, and where else it listens.

    Attributes:
        expected: of each of the texts, the score of each label.
        n_escalated: texts of which the first member is not sure.
    """

    server: Server
    rpc_port: int
    expected: Scores
    n_escalated: int


def large_artifact(folder: Path) -> Artifact:
    """A classifier with the labels of `every`'s, in another order."""
    checkpoint = random_checkpoint(folder / "source", family="bert", n_labels=3, seed=7)
    config = json.loads((checkpoint / "config.json").read_bytes())
    config["id2label"] = dict(enumerate(reversed(LABELS)))
    (checkpoint / "config.json").write_text(json.dumps(config))
    return build_artifact(read(checkpoint, "large"), folder / "large")


def settings(
    file: Path, sources: Mapping[str, Path], threshold: float, *, extra: Mapping[str, str] = {}
) -> Path:
    """A file of settings with a model for each source, and a cascade of all of them."""
    models = (
        f"[[models]]\nname = '{name}'\nsource = '{source}'\n{extra.get(name, '')}"
        for name, source in sources.items()
    )
    cascade = f"[[cascades]]\nname = 'tickets'\nmembers = {list(sources)}\n"
    file.write_text("\n".join([*models, cascade, f"thresholds = [{threshold}]"]))
    return file


def asked(artifact: Artifact, config: Config) -> Scores:
    """What a model itself says of the texts."""
    with goldcrest.load(str(artifact.folder), config, precision="f32") as model:
        return [dict(found.scores) for found in model.classify(TEXTS)]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def tickets(
    every: Mapping[str, Artifact], config: Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tickets]:
    folder = tmp_path_factory.mktemp("cascade")
    small, large = every["classifier"], large_artifact(folder)
    of_small, of_large = asked(small, config), asked(large, config)
    sure = [max(scores.values()) for scores in of_small]
    threshold = (sorted(sure)[5] + sorted(sure)[6]) / 2
    expected = [
        one if highest >= threshold else other
        for one, other, highest in zip(of_small, of_large, sure, strict=True)
    ]
    file = settings(
        folder / "goldcrest.toml", {"small": small.folder, "large": large.folder}, threshold
    )
    port = free_port()
    options = ["--config", str(file), "--precision", "f32", "--threads", "1"]
    options += ["--set", f"rpc.port={port}", "--set", "web.repository_control=true"]
    with serving(*options, cache=config.cache.folder) as server:
        yield Tickets(server.until_ready(), port, expected, n_escalated=6)
    close_session()


def near(rows: Sequence[Mapping[str, float]]) -> list[Any]:
    return [pytest.approx(dict(row), abs=1e-4) for row in rows]


def items(server: Server) -> dict[tuple[str, str], float]:
    """How many texts came to each member, by what became of them."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as reply:  # noqa: S310  # our own server
        told = reply.read().decode()
    form = r'cascade_items_total\{cascade="tickets",member="(\w+)",outcome="(\w+)"\} (\S+)'
    return {(member, outcome): float(n) for member, outcome, n in re.findall(form, told)}


def test_classify_merges_the_answers_of_both(tickets: Tickets) -> None:
    _, reply = tickets.server.call("/classify", {"text": TEXTS, "model": "tickets"})

    found = [dict(zip(reply["labels"], row, strict=True)) for row in reply["predictions"]]
    assert near(tickets.expected) == found


def test_a_request_that_names_no_model_is_for_the_cascade(tickets: Tickets) -> None:
    assert "tickets" == tickets.server.call("/classify", {"text": "a"})[1]["model"]


def test_clients_of_tei_are_answered(tickets: Tickets) -> None:
    body = {"inputs": [[text] for text in TEXTS], "model": "tickets"}

    _, reply = tickets.server.call("/predict", body)

    found = [{one["label"]: one["score"] for one in row} for row in reply]
    assert near(tickets.expected) == found


def test_the_client_of_the_hub_is_answered(tickets: Tickets) -> None:
    client = InferenceClient(model=f"{tickets.server.url}/models/tickets")

    found = [{one.label: one.score for one in client.text_classification(text)} for text in TEXTS]

    assert near(tickets.expected) == found


def _scores(client: Any, kind: Any) -> Scores:
    tensor = kind.InferInput("text", [len(TEXTS)], "BYTES")
    tensor.set_data_from_numpy(np.array(TEXTS, np.object_))
    rows = client.infer("tickets", [tensor]).as_numpy("scores").tolist()
    return [dict(zip(LABELS, row, strict=True)) for row in rows]


def test_the_inference_protocol_answers_over_rest(tickets: Tickets) -> None:
    with tritonclient.http.InferenceServerClient(tickets.server.url[7:]) as client:
        assert near(tickets.expected) == _scores(client, tritonclient.http)


def test_the_inference_protocol_answers_over_grpc(tickets: Tickets) -> None:
    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{tickets.rpc_port}") as client:
        assert near(tickets.expected) == _scores(client, tritonclient.grpc)


def test_metrics_add_up_to_what_was_asked(tickets: Tickets) -> None:
    before = items(tickets.server)
    tickets.server.call("/classify", {"text": TEXTS, "model": "tickets"})
    after = items(tickets.server)

    grown = {key: after[key] - before.get(key, 0) for key in after}
    assert {
        ("small", "answered"): len(TEXTS) - tickets.n_escalated,
        ("small", "escalated"): tickets.n_escalated,
        ("large", "answered"): tickets.n_escalated,
        ("large", "escalated"): 0,
    } == grown


def test_it_is_listed_first_with_its_members(tickets: Tickets) -> None:
    first = tickets.server.call("/v1/models")[1]["data"][0]

    assert ("tickets", ["small", "large"], ["classify"]) == (
        first["id"],
        first["members"],
        first["defaults"],
    )


def test_a_member_may_be_asked_by_its_own_name(tickets: Tickets) -> None:
    assert "large" == tickets.server.call("/classify", {"text": "a", "model": "large"})[1]["model"]


def test_other_tasks_are_refused(tickets: Tickets) -> None:
    status, reply = tickets.server.call("/v1/embeddings", {"input": "a", "model": "tickets"})

    assert (404, "unsupported_task") == (status, reply["error"]["code"])


def test_a_cascade_is_neither_loaded_nor_unloaded(tickets: Tickets) -> None:
    status, reply = tickets.server.call("/v2/repository/models/tickets/unload", {})

    assert 422 == status
    assert "load or unload its members" in reply["error"]


def test_without_one_of_its_members_it_asks_for_patience(tickets: Tickets) -> None:
    server = tickets.server
    server.call("/v2/repository/models/large/unload", {})
    try:
        refused, reply = server.call("/classify", {"text": TEXTS, "model": "tickets"})
        unnamed = server.call("/classify", {"text": TEXTS})[1]["model"]
    finally:
        server.call("/v2/repository/models/large/load", {})

    assert (503, "unloaded", "small") == (refused, reply["error"]["code"], unnamed)


def test_a_lazy_member_is_opened_by_the_first_text_that_needs_it(
    every: Mapping[str, Artifact], config: Config, tmp_path: Path
) -> None:
    sources = {"small": every["classifier"].folder, "large": large_artifact(tmp_path).folder}
    file = settings(tmp_path / "g.toml", sources, 1.0, extra={"large": "load = 'lazy'\n"})
    options = ["--config", str(file), "--precision", "f32", "--threads", "1"]

    with serving(*options, cache=config.cache.folder) as server:
        status, reply = server.until_ready().call("/classify", {"text": "a"})

    assert (200, "tickets") == (status, reply["model"])


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        ("embedder", "'embedder', which was trained for embed; cascades are for classify"),
        ("entailer", "have different labels: 'classifier' alone has 'label 0'"),
    ],
)
def test_members_that_do_not_fit_end_the_start_with_a_sentence(
    every: Mapping[str, Artifact], config: Config, tmp_path: Path, member: str, sentence: str
) -> None:
    sources = {name: every[name].folder for name in ("classifier", member)}
    file = settings(tmp_path / "g.toml", sources, 0.9)
    command = [sys.executable, "-m", "goldcrest.cli.main", "serve", "--config", str(file)]
    options = ["--port", "0", "--precision", "f32", "--set", f"cache.folder={config.cache.folder}"]

    ended = subprocess.run(  # noqa: S603  # our own server
        [*command, *options], capture_output=True, text=True, timeout=120, check=False
    )

    assert 2 == ended.returncode
    assert sentence in ended.stderr
