"""Clients written for Text Embeddings Inference, unchanged, at our door; and keys, as they send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from huggingface_hub import InferenceClient
from langchain_huggingface import HuggingFaceEndpointEmbeddings
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference
from tests.running import Server, serving

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.config import Config
from goldcrest.serving.keys import fresh_key

pytestmark = pytest.mark.integration

TEXTS = ["what a wonderful day", "the service was slow"]


@dataclass(frozen=True, slots=True)
class Guarded:
    """A server of one embedder that asks for a key, and a key that it knows."""

    server: Server
    key: str

    @property
    def url(self) -> str:
        return self.server.url


@pytest.fixture(scope="module")
def guarded(every: Mapping[str, Artifact], config: Config) -> Iterator[Guarded]:
    key, digest = fresh_key()
    arguments = [str(every["embedder"].folder), "--precision", "f32", "--threads", "1"]
    with serving(
        *arguments,
        "--set",
        "web.access_log=true",
        cache=config.cache.folder,
        environment={"GOLDCREST_KEYS": f"alice:{digest}"},
    ) as server:
        yield Guarded(server.until_ready(), key)


@pytest.fixture(scope="module")
def vectors(every: Mapping[str, Artifact], config: Config) -> list[Any]:
    """What the library makes of the texts."""
    folder = str(every["embedder"].folder)
    with goldcrest.load(folder, config, precision="f32") as model:
        return [pytest.approx(row, abs=1e-5) for row in model.embed(TEXTS).tolist()]


def test_langchain_embeds_documents(guarded: Guarded, vectors: list[Any]) -> None:
    client = HuggingFaceEndpointEmbeddings(model=guarded.url, huggingfacehub_api_token=guarded.key)

    assert vectors == client.embed_documents(TEXTS)


async def test_langchain_embeds_a_query_without_blocking(
    guarded: Guarded, vectors: list[Any]
) -> None:
    client = HuggingFaceEndpointEmbeddings(model=guarded.url, huggingfacehub_api_token=guarded.key)

    found = await client.aembed_query(TEXTS[0])
    await client.async_client.close()  # LangChain leaves it open

    assert vectors[0] == found


def test_llamaindex_embeds_documents(guarded: Guarded, vectors: list[Any]) -> None:
    client = _llamaindex(guarded)

    assert vectors == client.get_text_embedding_batch(TEXTS)


async def test_llamaindex_embeds_a_query_without_blocking(
    guarded: Guarded, vectors: list[Any]
) -> None:
    assert vectors[0] == await _llamaindex(guarded).aget_query_embedding(TEXTS[0])


def _llamaindex(guarded: Guarded) -> TextEmbeddingsInference:
    return TextEmbeddingsInference(
        model_name="embedder",
        base_url=guarded.url,
        text_instruction=" ",  # an empty one would be replaced by that of a known model
        query_instruction=" ",
        auth_token=guarded.key,
    )


def test_the_client_of_the_hub_embeds_through_the_path_of_tei(
    guarded: Guarded, vectors: list[Any]
) -> None:
    client = InferenceClient(model=f"{guarded.url}/embed", token=guarded.key)

    assert vectors == client.feature_extraction(TEXTS).tolist()


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer hf_wrong"}])
def test_nobody_comes_in_without_a_key(guarded: Guarded, headers: Mapping[str, str]) -> None:
    status, reply = guarded.server.call("/embed", {"inputs": "a"}, headers)

    assert (401, "Unauthorized") == (status, reply["error_type"])


def test_health_asks_for_no_key(guarded: Guarded) -> None:
    assert 200 == guarded.server.call("/health")[0]


def test_the_log_names_the_caller_and_never_the_key(guarded: Guarded) -> None:
    guarded.server.call("/embed", {"inputs": "a"}, {"authorization": f"Bearer {guarded.key}"})

    line = guarded.server.logged("POST /embed 200")
    assert "model=embedder caller=alice items=" in line
    assert guarded.key not in guarded.server.log


@pytest.mark.parametrize(
    ("path", "body", "n_answers"),
    [
        ("/embed", {"inputs": TEXTS}, 2),
        ("/embed_all", {"inputs": TEXTS}, 2),
        ("/predict", {"inputs": TEXTS[0]}, 3),
        ("/predict", {"inputs": TEXTS}, 3),
        ("/predict", {"inputs": [[TEXTS[0]], TEXTS]}, 2),
        ("/rerank", {"query": TEXTS[0], "texts": TEXTS}, 2),
        ("/similarity", {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS}}, 2),
        ("/tokenize", {"inputs": TEXTS}, 2),
        ("/decode", {"ids": [[5, 6], [7]]}, 2),
    ],
)
def test_every_route_of_tei_answers_with_real_models(
    everything: Server, path: str, body: object, n_answers: int
) -> None:
    status, reply = everything.call(path, body)

    assert (200, n_answers) == (status, len(reply))


def test_a_sentence_is_like_itself(everything: Server) -> None:
    body = {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS}}

    _, (itself, other) = everything.call("/similarity", body)

    assert itself == pytest.approx(1, abs=1e-5)
    assert other < itself
