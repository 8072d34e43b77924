"""The Open Inference Protocol over HTTP, asked by the client that people use."""

from __future__ import annotations

import json
import struct
import urllib.request
import warnings
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from tests.running import Server, serving

import goldcrest
from goldcrest.artifact import Artifact
from goldcrest.config import Config

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own business
    from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
    from tritonclient.utils import InferenceServerException

pytestmark = pytest.mark.integration

UNSENT = b"""{"inputs": [{"name": "t", "shape": [1], "datatype": "BYTES",
    "parameters": {"binary_data_size": 9}}]}"""
TEXTS = ["the quick brown fox", "a lazy dog"]


@pytest.fixture
def client(everything: Server) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(everything.url.removeprefix("http://")) as client:
        yield client


def texts(name: str, values: list[str], *, is_binary: bool = True) -> InferInput:
    tensor = InferInput(name, [len(values)], "BYTES")
    return tensor.set_data_from_numpy(np.array(values, np.object_), binary_data=is_binary)


def numbers(name: str, values: list[list[int]]) -> InferInput:
    array = np.array(values, np.int64)
    return InferInput(name, list(array.shape), "INT64").set_data_from_numpy(array)


def test_health_and_metadata_are_what_the_client_reads(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("classifier")
    assert client.is_model_ready("classifier", "1")
    assert not client.is_model_ready("nobody")
    assert "goldcrest" == client.get_server_metadata()["name"]
    assert ["text"] == [one["name"] for one in client.get_model_metadata("classifier")["inputs"]]
    assert 0 == client.get_model_config("classifier")["max_batch_size"]


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "json"])
def test_scores_are_those_that_the_library_gives(
    client: InferenceServerClient, every: Mapping[str, Artifact], config: Config, is_binary: bool
) -> None:
    with goldcrest.load(str(every["classifier"].folder), config, precision="f32") as model:
        expected = [list(found.scores.values()) for found in model.classify(TEXTS)]

    wanted = [InferRequestedOutput("scores", binary_data=is_binary)]
    result = client.infer("classifier", [texts("text", TEXTS, is_binary=is_binary)], outputs=wanted)

    np.testing.assert_allclose(result.as_numpy("scores"), expected, atol=1e-5)


def test_all_outputs_come_as_bytes_when_none_is_named(client):
    result = client.infer("classifier", [texts("args", TEXTS)], request_id="42")

    scores, label = result.as_numpy("scores"), result.as_numpy("label")
    labels = [f"label {column}".encode() for column in scores.argmax(axis=1)]
    assert labels == label.tolist()
    assert scores.max(axis=1).tolist() == result.as_numpy("score").tolist()
    assert ("42", "1") == (result.get_response()["id"], result.get_response()["model_version"])


def test_a_column_of_texts_is_read_too(client):
    column = InferInput("text", [2, 1], "BYTES")
    column.set_data_from_numpy(np.array([[text] for text in TEXTS], np.object_))

    found = client.infer("classifier", [column]).as_numpy("scores")

    expected = client.infer("classifier", [texts("text", TEXTS)]).as_numpy("scores")
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_vectors_are_as_long_as_asked_for(client):
    found = client.infer(
        "embedder", [texts("text", TEXTS)], parameters={"dimensions": 8, "normalize": True}
    ).as_numpy("embedding")

    assert (2, 8) == found.shape
    np.testing.assert_allclose([1.0, 1.0], np.linalg.norm(found, axis=1), atol=1e-5)


def test_token_ids_are_cut_by_their_mask(client):
    whole = client.infer("embedder", [numbers("input_ids", [[2, 7, 3]])]).as_numpy("embedding")

    padded = client.infer(
        "embedder",
        [numbers("input_ids", [[2, 7, 3, 0, 0]]), numbers("attention_mask", [[1, 1, 1, 0, 0]])],
    ).as_numpy("embedding")

    np.testing.assert_allclose(whole, padded, atol=1e-6)


def test_one_query_is_scored_with_every_text(client):
    found = client.infer("reranker", [texts("query", ["fox"]), texts("text", TEXTS)])

    assert (2,) == found.as_numpy("score").shape


def test_classes_of_the_best_scores(client):
    wanted = [InferRequestedOutput("scores", class_count=2)]

    found = client.infer("classifier", [texts("text", TEXTS)], outputs=wanted).as_numpy("scores")

    value, column, label = found[0, 0].decode().split(":")
    assert ((2, 2), f"label {column}") == (found.shape, label)
    assert 0 < float(value) < 1


@pytest.mark.parametrize(
    ("model", "inputs", "output"),
    [
        ("tagger", [texts("text", TEXTS)], "entities"),
        ("reader", [texts("question", ["what"]), texts("context", TEXTS)], "answers"),
        ("filler", [texts("text", ["a [MASK] dog"])], "fillings"),
    ],
    ids=["tokens", "span", "fill"],
)
def test_structured_answers_are_json_texts(client, model, inputs, output):
    found = client.infer(model, inputs).as_numpy(output)

    assert all(isinstance(json.loads(each), list) for each in found)


def test_candidate_labels_make_a_classifier_of_an_entailer(client):
    labels = {"labels": "news,sport,weather"}

    found = client.infer("entailer", [texts("text", TEXTS)], parameters=labels)

    np.testing.assert_allclose([1.0, 1.0], found.as_numpy("scores").sum(axis=1), atol=1e-5)
    assert set(found.as_numpy("label")) <= {b"news", b"sport", b"weather"}


@pytest.mark.parametrize(
    ("model", "version", "outputs", "status", "sentence"),
    [
        ("nobody", "", None, "404", "no model named 'nobody'"),
        ("classifier", "7", None, "404", "has the version 1 alone"),
        ("classifier", "", ["logits"], "422", "there are: scores, label, score"),
    ],
)
def test_errors_are_sentences_with_our_statuses(client, model, version, outputs, status, sentence):
    wanted = outputs and [InferRequestedOutput(name) for name in outputs]

    with pytest.raises(InferenceServerException) as caught:
        client.infer(model, [texts("text", TEXTS)], model_version=version, outputs=wanted)

    assert status == caught.value.status()
    assert sentence in caught.value.message()


def test_statistics_are_refused_with_a_sentence(client):
    with pytest.raises(InferenceServerException, match="/metrics"):
        client.get_inference_statistics()


@pytest.mark.parametrize(
    ("body", "header", "status", "sentence"),
    [
        (b"{", None, 400, "not valid JSON"),
        (b"{}", None, 422, "`inputs`"),
        (b"{}", "9", 400, "the body has 2 bytes"),
        (b"{}", "x", 400, "the body has 2 bytes"),
        (b"{}", "9" * 5000, 400, "the body has 2 bytes"),
        (b'{"inputs": []}xx', "14", 422, "2 bytes after the JSON belong to no input"),
        (UNSENT, None, 422, "binary_data_size 9, but 0 bytes are left"),
    ],
)
def test_bodies_at_fault_are_told_in_the_protocols_shape(
    everything: Server, body: bytes, header: str | None, status: int, sentence: str
) -> None:
    url = f"{everything.url}/v2/models/classifier/infer"
    headers = {"inference-header-content-length": header} if header else {}
    request = urllib.request.Request(url, body, headers)  # noqa: S310  # our own server

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)  # noqa: S310

    with caught.value as error:
        reply = json.load(error)
    assert status == error.code
    assert ["error"] == list(reply)
    assert sentence in reply["error"]


def test_plain_json_is_answered_in_plain_json(everything: Server) -> None:
    tensor = {"name": "text", "shape": [2], "datatype": "BYTES", "data": TEXTS}
    body = {"id": "7", "inputs": [tensor], "outputs": [{"name": "label"}, {"name": "scores"}]}

    status, reply = everything.call("/v2/models/classifier/versions/1/infer", body)

    label, scores = reply.pop("outputs")
    assert (200, {"model_name": "classifier", "model_version": "1", "id": "7"}) == (status, reply)
    assert ("BYTES", [2], 2) == (label["datatype"], label["shape"], len(label["data"]))
    assert ("FP32", [2, 3], 6) == (scores["datatype"], scores["shape"], len(scores["data"]))


def test_texts_that_were_cut_are_counted_in_a_header(everything: Server) -> None:
    tensor = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["a b c d", "a"]}
    body = json.dumps({"inputs": [tensor], "parameters": {"max_length": 4}}).encode()
    request = urllib.request.Request(f"{everything.url}/v2/models/embedder/infer", body)  # noqa: S310

    with urllib.request.urlopen(request) as reply:  # noqa: S310  # our own server
        assert "1" == reply.headers["x-goldcrest-truncated"]


def test_the_bytes_of_a_reply_follow_its_json(everything: Server) -> None:
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["fox"]}
    body = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    url = f"{everything.url}/v2/models/embedder/infer"
    request = urllib.request.Request(url, json.dumps(body).encode())  # noqa: S310  # our own server

    with urllib.request.urlopen(request) as reply:  # noqa: S310
        length, content = int(reply.headers["inference-header-content-length"]), reply.read()

    (output,) = json.loads(content[:length])["outputs"]
    n_bytes = output["parameters"]["binary_data_size"]
    vector = struct.unpack(f"<{n_bytes // 4}f", content[length:])
    assert pytest.approx(1.0, abs=1e-5) == sum(value * value for value in vector)


def test_a_model_is_taken_out_and_put_back(every: Mapping[str, Artifact], config: Config) -> None:
    folder = str(every["classifier"].folder)
    allowed = ["--set", "web.repository_control=true"]
    with serving(folder, "--precision", "f32", *allowed, cache=config.cache.folder) as running:
        url = running.until_ready().url.removeprefix("http://")
        with InferenceServerClient(url) as client:
            client.unload_model("classifier")
            (gone,) = client.get_model_repository_index()
            is_ready = client.is_model_ready("classifier")
            with pytest.raises(InferenceServerException) as caught:
                client.infer("classifier", [texts("text", TEXTS)])
            client.load_model("classifier")
            running.until_ready()
            (back,) = client.get_model_repository_index()
            found = client.infer("classifier", [texts("text", TEXTS)])

    assert ("UNAVAILABLE", False, "503") == (gone["state"], is_ready, caught.value.status())
    assert "taken out of service" in gone["reason"]
    assert ("READY", "1") == (back["state"], back["version"])
    assert (2, 3) == found.as_numpy("scores").shape


def test_callers_may_not_unload_a_model_unless_the_settings_say_so(client):
    with pytest.raises(InferenceServerException, match=r"web\.repository_control") as caught:
        client.unload_model("classifier")

    assert "403" == caught.value.status()
