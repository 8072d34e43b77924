"""The protocol of Hugging Face's clients in process: what a request means, and how it is told."""

from typing import Any

import httpx2
import numpy as np
import pytest
from tests.answering import Answering, model, talking_to

from goldcrest.errors import InvalidRequest, Overloaded, UnsupportedTask
from goldcrest.names import TaskName
from goldcrest.tasks import (
    Classify,
    Embed,
    Entity,
    Fill,
    Filling,
    Passage,
    Similarity,
    Span,
    Tokens,
    ZeroShot,
)
from goldcrest.values import EncodeOptions
from goldcrest.web.hf.meaning import meaning, pipeline_named
from goldcrest.web.hf.pipelines import PIPELINES

CLASSIFIER = model("classifier", "classify")
EMBEDDER = model("embedder", "embed", "similarity", "states")
TAGGER = model("tagger", "tokens")
READER = model("reader", "span")
FILLER = model("filler", "fill")
ENTAILER = model("entailer", "classify", "zero_shot")
RERANKER = model("reranker", "classify", "rerank")
EVERY = (CLASSIFIER, EMBEDDER, TAGGER, READER, FILLER, ENTAILER, RERANKER)

QUESTION = {"question": "Who?", "context": "It was Ada."}
COMPARISON = {"source_sentence": "a", "sentences": ["b", "c"]}
PARIS = Filling("paris", 7, 0.5, "in paris")
OUTPUTS: dict[TaskName, Any] = {
    "classify": np.array([0.2, 0.1, 0.7], np.float32),
    "embed": np.array([0.5, 0.25], np.float32),
    "similarity": np.float32(0.75),
    "tokens": (Entity("PER", 0.9, "Ada", 7, 10),),
    "span": (Passage("Ada", 0.8, 7, 10), Passage("It", 0.1, 0, 2)),
    "fill": ((PARIS,),),
    "rerank": np.float32(0.25),
    "zero_shot": np.array([0.3, 0.7], np.float32),
}


@pytest.fixture
def answering():
    return Answering(EVERY, OUTPUTS)


async def _ask(answering: Answering, path: str = "/", **body: Any) -> httpx2.Response:
    async with talking_to(answering) as client:
        return await client.post(path, json=body)


@pytest.mark.parametrize(
    ("inputs", "given", "name"),
    [
        ("a", {}, "text-classification"),
        ("a", {"top_k": 2}, "text-classification"),
        ({"text": "a", "text_pair": "b"}, {}, "text-classification"),
        ("a", {"normalize": True}, "feature-extraction"),
        ([[1, 2]], {}, "feature-extraction"),
        ("a", {"aggregation_strategy": "max"}, "token-classification"),
        ("a", {"targets": ["b"]}, "fill-mask"),
        ("a", {"candidate_labels": ["b"]}, "zero-shot-classification"),
        (QUESTION, {}, "question-answering"),
        ([QUESTION], {"top_k": 2}, "question-answering"),
        (COMPARISON, {}, "sentence-similarity"),
        ({"query": "a", "texts": ["b"]}, {"raw_scores": True}, "text-ranking"),
    ],
)
def test_inputs_and_parameters_mean_a_task(inputs, given, name):
    assert name == meaning(inputs, given, models=EVERY).pipeline.name


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (CLASSIFIER, "text-classification"),
        (EMBEDDER, "feature-extraction"),
        (TAGGER, "token-classification"),
        (FILLER, "fill-mask"),
        (ENTAILER, "text-classification"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_bare_text_means_what_the_model_was_trained_for(one, name):
    assert name == meaning("a", {}, models=[one]).pipeline.name


def test_the_first_model_that_does_the_task_is_meant():
    other = model("other", "classify", "zero_shot")

    found = meaning("a", {"candidate_labels": "b"}, models=[*EVERY, other])

    assert ENTAILER == found.served


def test_a_task_that_no_open_model_does_is_understood_all_the_same():
    found = meaning(QUESTION, {}, models=[CLASSIFIER])

    assert ("question-answering", None) == (found.pipeline.name, found.served)


@pytest.mark.parametrize(
    ("inputs", "given", "sentence"),
    [
        ("a", {"temperature": 1}, "no parameters of text-classification.*temperature"),
        (QUESTION, {"topk": 2}, "no parameters of question-answering.*topk"),
        (3, {}, "no inputs of text-classification"),
    ],
)
def test_what_fits_nothing_is_refused_by_name(inputs, given, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        meaning(inputs, given, models=EVERY)


@pytest.mark.parametrize("name", ["ner", "token-classification"])
def test_a_pipeline_may_have_two_names(name):
    assert "token-classification" == pipeline_named(name).name


def test_an_unknown_pipeline_is_refused_with_those_that_there_are():
    with pytest.raises(UnsupportedTask, match="no pipeline 'summarization'; there are: text-cl"):
        pipeline_named("summarization")


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        (
            {"inputs": "a"},
            [
                [
                    {"label": "yes", "score": 0.7},
                    {"label": "no", "score": 0.2},
                    {"label": "maybe", "score": 0.1},
                ]
            ],
        ),
        (
            {"inputs": ["a", "b"], "parameters": {"top_k": 1}},
            [[{"label": "yes", "score": 0.7}]] * 2,
        ),
        ({"inputs": "a", "normalize": False}, [[0.5, 0.25]]),
        ({"inputs": COMPARISON}, [0.75] * 3),
        (
            {"inputs": "a", "parameters": {"stride": 2}},
            [{"entity_group": "PER", "score": 0.9, "word": "Ada", "start": 7, "end": 10}],
        ),
        ({"inputs": QUESTION}, {"score": 0.8, "start": 7, "end": 10, "answer": "Ada"}),
        (
            {"inputs": QUESTION, "parameters": {"top_k": 2}},
            [
                {"score": 0.8, "start": 7, "end": 10, "answer": "Ada"},
                {"score": 0.1, "start": 0, "end": 2, "answer": "It"},
            ],
        ),
        (
            {"inputs": "a", "parameters": {"targets": "paris"}},
            [{"score": 0.5, "token": 7, "token_str": "paris", "sequence": "in paris"}],
        ),
        (
            {"inputs": "a", "parameters": {"candidate_labels": "x, y"}},
            [{"label": "y", "score": 0.7}, {"label": "x", "score": 0.3}],
        ),
    ],
    ids=[
        "text",
        "texts",
        "vectors",
        "similarities",
        "entities",
        "passage",
        "passages",
        "fillings",
        "candidates",
    ],
)
async def test_replies_have_the_shapes_that_the_clients_parse(answering, body, reply):
    assert reply == (await _ask(answering, **body)).json()


async def test_a_query_with_texts_is_ranked_as_tei_does(answering):
    answering.outputs = {"rerank": np.float32(0.25)}

    reply = (await _ask(answering, query="a", texts=["b", "c"], return_text=True)).json()

    assert [
        {"index": 0, "score": 0.25, "text": "b"},
        {"index": 1, "score": 0.25, "text": "c"},
    ] == reply


async def test_a_token_by_itself_is_an_entity_with_its_index(answering):
    answering.outputs = {"tokens": (Entity("B-PER", 0.9, "ada", 7, 10, 3),)}

    parameters = {"aggregation_strategy": "none"}
    reply = (await _ask(answering, inputs="a", parameters=parameters)).json()

    assert [
        {"entity": "B-PER", "score": 0.9, "index": 3, "word": "ada", "start": 7, "end": 10}
    ] == reply


async def test_several_masks_get_a_list_each(answering):
    answering.outputs = {"fill": ((PARIS,), (PARIS, PARIS))}

    reply = (await _ask(answering, "/models/filler", inputs="a")).json()

    assert [1, 2] == [len(mask) for mask in reply]


async def test_a_list_of_one_gets_a_list_of_one(answering):
    reply = (await _ask(answering, "/models/tagger", inputs=["a"])).json()

    assert (1, "Ada") == (len(reply), reply[0][0]["word"])


async def test_a_context_without_an_answer_gets_an_empty_one(answering):
    answering.outputs = {"span": ()}

    reply = (await _ask(answering, inputs=QUESTION)).json()

    assert {"score": 0.0, "start": 0, "end": 0, "answer": ""} == reply


@pytest.mark.parametrize(
    ("body", "task", "encode"),
    [
        (
            {"inputs": "a", "parameters": {"function_to_apply": "sigmoid", "max_length": 9}},
            Classify("sigmoid"),
            EncodeOptions(9),
        ),
        (
            {"inputs": "a", "raw_scores": True, "truncate": False},
            Classify("none"),
            EncodeOptions(None, "reject"),
        ),
        (
            {"inputs": "a", "prompt_name": "query", "dimensions": 2},
            Embed(True, 2, prompt="query"),
            EncodeOptions(),
        ),
        (
            {"inputs": "a", "parameters": {"ignore_labels": [], "stride": 3}},
            Tokens("simple", ()),
            EncodeOptions(None, "window", 3),
        ),
        (
            {"inputs": COMPARISON, "parameters": {"prompt_name": "query"}},
            Similarity("query"),
            EncodeOptions(),
        ),
        ({"inputs": QUESTION}, Span(), EncodeOptions(64, "window", 32)),
        (
            {
                "inputs": QUESTION,
                "parameters": {
                    "top_k": 2,
                    "max_answer_len": 4,
                    "handle_impossible_answer": True,
                    "max_seq_len": 32,
                    "doc_stride": 5,
                },
            },
            Span(2, 4, allow_none=True),
            EncodeOptions(32, "window", 5),
        ),
        (
            {"inputs": "a", "parameters": {"targets": ["x", "y"], "top_k": 3}},
            Fill(3, ("x", "y")),
            EncodeOptions(),
        ),
        (
            {
                "inputs": "a",
                "parameters": {
                    "candidate_labels": ["x", "y"],
                    "hypothesis_template": "It is {}.",
                    "multi_label": True,
                    "overflow": "window",
                },
            },
            ZeroShot(("x", "y"), "It is {}.", multi_label=True),
            EncodeOptions(None, "window"),
        ),
    ],
    ids=["scores", "raw", "vectors", "entities", "cosines", "span", "spans", "fill", "candidates"],
)
async def test_every_parameter_reaches_the_service(answering, body, task, encode):
    await _ask(answering, **body)

    assert (task, encode) == (answering.asked[0].task, answering.asked[0].encode)


@pytest.mark.parametrize(
    ("inputs", "items"),
    [
        ({"text": "a", "text_pair": "b"}, [("a", "b")]),
        ({"text": "a"}, ["a"]),
        ([["a", "b"]], [("a", "b")]),
        ([["a"], "b", {"text": "c", "text_pair": "d"}], ["a", "b", ("c", "d")]),
    ],
)
async def test_pairs_of_texts_are_classified_together(answering, inputs, items):
    await _ask(answering, inputs=inputs)

    assert items == answering.asked[0].items


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "classifier"),
        ("/models/entailer", "entailer"),
        ("/pipeline/text-classification", "classifier"),
        ("/pipeline/sentiment-analysis/entailer", "entailer"),
        ("/models/entailer/pipeline/text-classification", "entailer"),
    ],
)
async def test_a_path_names_the_model_and_the_task(answering, path, name):
    await _ask(answering, path, inputs="a")

    assert name == answering.asked[0].model


async def test_null_counts_as_not_given(answering):
    await _ask(answering, inputs="a", parameters={"top_k": None, "stride": None}, normalize=None)

    assert [Classify()] == [request.task for request in answering.asked]


async def test_a_header_counts_the_texts_that_were_cut(answering):
    answering.n_dropped = 1

    response = await _ask(answering, inputs=["a", "b"])

    assert "2" == response.headers["x-goldcrest-truncated"]


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("/", {"inputs": "a", "parameters": {"temperature": 1}}, 422, "temperature"),
        ("/", {"inputs": "a", "temperature": 1}, 422, "temperature"),
        ("/", {"inputs": "a", "truncation_direction": "left"}, 422, "only 'right' is"),
        ("/", {"inputs": "a", "truncate": True, "parameters": {"overflow": "window"}}, 422, "2"),
        ("/", {"inputs": "a", "encoding_format": "base64"}, 422, "/v1/embeddings"),
        ("/", {"inputs": QUESTION, "parameters": {"max_question_len": 9}}, 422, "max_question"),
        ("/", {"inputs": QUESTION, "parameters": {"align_to_words": False}}, 422, "align_to"),
        ("/models/filler", {"inputs": "[MASK]", "parameters": {"top_k": 1001}}, 422, "1001, more"),
        ("/", {"inputs": QUESTION, "parameters": {"top_k": 1001}}, 422, "1001, more"),
        ("/", {"inputs": []}, 422, "no text"),
        ("/", {}, 422, "no inputs"),
        ("/", {"inputs": "a", "query": "b", "texts": ["c"]}, 422, "inputs"),
        ("/models/nobody", {"inputs": "a"}, 404, "nobody"),
        ("/pipeline/summarization", {"inputs": "a"}, 404, "summarization"),
        (
            "/models/tagger",
            {"inputs": "a", "parameters": {"overflow": "truncate", "stride": 2}},
            422,
            "stride",
        ),
    ],
)
async def test_what_is_not_done_is_refused_by_name(answering, path, body, status, named):
    response = await _ask(answering, path, **body)

    assert (status, True) == (response.status_code, named in response.json()["error"])


async def test_an_error_of_the_service_is_told_with_its_code(answering):
    answering.error = Overloaded("full", 2)

    response = await _ask(answering, inputs="a")

    assert (429, {"error": "full", "error_type": "overloaded"}, "2") == (
        response.status_code,
        response.json(),
        response.headers["retry-after"],
    )


def test_each_readout_has_one_pipeline_of_its_own():
    assert ["classify", "embed", "tokens", "span", "fill"] == [
        pipeline.readable for pipeline in PIPELINES if pipeline.readable
    ]
