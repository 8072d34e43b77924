"""The Open Inference Protocol: tensors, what they ask for, what they answer."""

import json
from functools import partial
from typing import Any

import numpy as np
import pytest

from goldcrest.errors import EmptyInput, InvalidRequest, NotServed, TooManyItems, Unloaded
from goldcrest.names import TaskName
from goldcrest.oip.answering import chosen, outputs
from goldcrest.oip.asking import Asked, asked
from goldcrest.oip.configuration import configuration
from goldcrest.oip.inference import Question, Wanted, check_number
from goldcrest.oip.items import items
from goldcrest.oip.metadata import index, metadata, served
from goldcrest.oip.tensor import Tensor, from_raw, from_values, of_array, of_texts
from goldcrest.serving.urgency import Wish, urgency
from goldcrest.tasks import (
    Classify,
    Embed,
    Entity,
    Filling,
    Passage,
    Reply,
    Rerank,
    Span,
    Task,
    Tokens,
    ZeroShot,
)
from goldcrest.values import EncodeOptions, ServedModel, Urgency

LABELS = ("bad", "fair", "good")
IDS = from_values("input_ids", "INT64", [2, 3], [101, 7, 102, 101, 102, 0])


def model(name: str = "m", *tasks: str, **changes: Any) -> ServedModel:
    values: dict[str, Any] = {
        "name": name,
        "task": tasks[0] if tasks else "classify",
        "tasks": tasks or ("classify",),
        "labels": LABELS,
        "dimensions": 4,
        "pooling": "mean",
        "precision": "f32",
        "max_length": 64,
        "digest": "d",
        "source": "s",
        "family": "bert",
        "is_ready": True,
        "defaults": (),
    }
    return ServedModel(**{**values, **changes})


def ask(*inputs: Tensor, of: ServedModel | None = None, **parameters: Any) -> Asked:
    question = Question("m", inputs or (of_texts("text", ["a"]),), parameters=parameters)
    return asked(question, of or model(), limit=8)


def task_of(*tasks: str, **parameters: Any) -> Task[Any]:
    return ask(of=model("m", *tasks), **parameters).request.task


def reply(found: Any) -> Reply[Any]:
    return Reply("m", found, (), (3,), (0,), (1,))


# Tensors


def test_texts_have_their_lengths_before_them():
    assert b"\x02\x00\x00\x00\xc3\xa9\x00\x00\x00\x00" == of_texts("t", ["é", ""]).raw


def test_the_bytes_of_an_array_are_its_own_memory():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)

    raw = of_array("t", values).raw

    assert np.shares_memory(values, np.frombuffer(raw, np.float32))


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_an_array_of_nothing_has_no_bytes(shape):
    assert b"" == of_array("t", np.empty(shape, np.float32)).raw


@pytest.mark.parametrize(
    "tensor",
    [
        of_texts("t", ["a", "", "naïve"]),
        of_array("t", np.array([1, -2], np.int64)),
        of_array("t", np.array([True, False])),
        of_array("t", np.array([0.5], np.float16)),
    ],
    ids=lambda tensor: tensor.datatype,
)
def test_what_is_written_as_bytes_is_read_again(tensor):
    found = from_raw("t", tensor.datatype, tensor.shape, bytes(tensor.raw))

    assert (tensor.shape, list(tensor.values)) == (found.shape, list(found.values))


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]]], ids=["flat", "nested"])
def test_numbers_come_flat_or_nested(data):
    assert [[1, 2], [3, 4]] == from_values("t", "INT32", [2, 2], data).numbers.tolist()


@pytest.mark.parametrize("data", [["a", "b"], [["a"], ["b"]], [[["a"]], ["b"]]])
def test_texts_come_flat_or_nested(data):
    assert ("a", "b") == from_values("t", "BYTES", [2, 1], data).texts


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "sentence"),
    [
        ("INT32", [3], [1, 2], "'t' has 2 elements, which is not its shape [3]"),
        ("INT32", [-1], [1], "no size may be negative"),
        ("INT32", [1] * 99, [1], "'t' has 99 axes, more than the limit of 8"),
        ("INT32", [0, 2**70], [], "no size may be negative, or above 9223372036854775807"),
        ("INT32", [0, 2**62, 2**62], [], "a shape that no array can have"),
        ("INT32", [1], [1.5], "the data of 't' is not INT32 throughout"),
        ("INT32", [1], [2**40], "the data of 't' is not INT32 throughout"),
        ("INT32", [2], ["1", "2"], "the data of 't' is not INT32 throughout"),
        ("INT32", [2], [[1], [1, 2]], "the data of 't' is not INT32 throughout"),
        ("UINT8", [1], [-1], "the data of 't' is not UINT8 throughout"),
        ("BYTES", [1], [7], "'t' is BYTES, but an element of its data is no text"),
        ("BYTES", [1], [[[[[[[[[["a"]]]]]]]]]], "'t' is BYTES, but an element"),
        ("BF16", [1], [1.0], "'t' has the datatype 'BF16'; there are: BOOL"),
    ],
)
def test_values_that_do_not_fit_are_named(datatype, shape, data, sentence):
    with pytest.raises(InvalidRequest) as caught:
        from_values("t", datatype, shape, data)

    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("datatype", "shape", "raw", "sentence"),
    [
        ("BYTES", [1], b"\x05\x00\x00\x00abc", "end in the middle"),
        ("BYTES", [1], b"\x05\x00", "end in the middle"),
        ("BYTES", [1], b"\xff\xff\xff\xff", "end in the middle"),
        ("BYTES", [1], b"\x01\x00\x00\x00\xff", "is not UTF-8"),
        ("BYTES", [2], b"\x00\x00\x00\x00", "has 1 elements"),
        ("INT64", [2], b"\x00" * 12, "'t' has 12 bytes; INT64 of shape [2] has 16"),
    ],
)
def test_bytes_that_do_not_fit_are_named(datatype, shape, raw, sentence):
    with pytest.raises(InvalidRequest) as caught:
        from_raw("t", datatype, shape, raw)

    assert sentence in str(caught.value)


def test_texts_where_numbers_belong_are_never_made_an_array():
    """NumPy would make each as long as the longest: of these 2 MB it would make 4 TB."""
    texts = ["x" * 1_000_000, *["y"] * 1_000_000]

    with pytest.raises(InvalidRequest, match="not INT64 throughout"):
        from_values("t", "INT64", [len(texts)], texts)


# Items


@pytest.mark.parametrize("shape", [(2,), (2, 1)], ids=str)
def test_one_input_of_any_name_holds_texts(shape):
    assert ["a", "b"] == list(items([of_texts("args", ["a", "b"], shape)], limit=8))


@pytest.mark.parametrize(
    "names",
    [("text_pair", "text"), ("text", "query"), ("context", "question"), ("text", "text_pair")],
    ids=" ".join,
)
def test_two_inputs_are_paired_by_their_names(names):
    first_comes_second = names != ("text", "text_pair")

    found = items([of_texts(names[0], ["x"]), of_texts(names[1], ["y"])], limit=8)

    assert [("y", "x") if first_comes_second else ("x", "y")] == list(found)


def test_two_inputs_of_other_names_are_paired_as_they_come():
    found = items([of_texts("left", ["x"]), of_texts("right", ["y"])], limit=8)

    assert [("x", "y")] == list(found)


def test_one_query_goes_with_every_text():
    found = items([of_texts("query", ["q"]), of_texts("text", ["a", "b"])], limit=8)

    assert [("q", "a"), ("q", "b")] == list(found)


def test_ids_are_as_long_as_the_mask_says():
    mask = from_values("attention_mask", "INT64", [2, 3], [1, 1, 1, 1, 1, 0])

    assert [(101, 7, 102), (101, 102)] == list(items([IDS, mask], limit=8))


def test_ids_may_be_padded_on_the_left():
    mask = from_values("attention_mask", "INT32", [2, 3], [0, 1, 1, 1, 1, 1])

    assert [(7, 102), (101, 102, 0)] == list(items([mask, IDS], limit=8))


def test_ids_without_a_mask_are_all_taken():
    assert [(101, 7, 102), (101, 102, 0)] == list(items([IDS], limit=8))


@pytest.mark.parametrize(
    ("inputs", "error", "sentence"),
    [
        ([], InvalidRequest, "0 inputs (none)"),
        ([of_texts("t", [])], EmptyInput, "no rows"),
        ([of_texts("t", ["a"] * 9)], TooManyItems, "9 items, more than the limit of 8"),
        ([of_texts("t", ["a"] * 4, (2, 2))], InvalidRequest, "it must be [n] or [n, 1]"),
        ([of_array("t", np.ones(2, np.float32))], InvalidRequest, "it must hold BYTES"),
        ([of_texts("a", ["x"] * 2), of_texts("b", ["x"] * 3)], InvalidRequest, "2 and 3 rows"),
        ([of_texts("a", ["x"]), of_texts("a", ["x"])], InvalidRequest, "the same name"),
        ([IDS, of_texts("attention_mask", ["x"])], InvalidRequest, "it must hold numbers"),
        ([IDS, of_array("attention_mask", np.ones(2, "<i8"))], InvalidRequest, "that of"),
        ([IDS, of_array("token_type_ids", np.ones(2, "<i8"))], InvalidRequest, "0 throughout"),
        ([IDS, of_array("labels_ids", np.ones(2, "<i8"))], InvalidRequest, "not read"),
        ([of_array("input_ids", np.ones(2, "<f4"))], InvalidRequest, "whole numbers"),
        ([of_array("input_ids", np.ones((10**15, 0), "<i8"))], TooManyItems, "limit of 8"),
    ],
)
def test_inputs_that_make_no_items_are_refused(inputs, error, sentence):
    with pytest.raises(error) as caught:
        items(inputs, limit=8)

    assert sentence in str(caught.value)


# What is asked


def test_a_model_is_asked_for_what_it_was_trained_for():
    assert Embed() == task_of("embed", "similarity", "states")


def test_pairs_ask_a_model_of_one_label_for_a_rerank():
    pair = of_texts("query", ["q"]), of_texts("text", ["t"])

    assert Rerank() == ask(*pair, of=model("m", "classify", "rerank")).request.task


def test_candidate_labels_ask_for_zero_shot():
    found = task_of("classify", "zero_shot", candidate_labels="news, sport", multi_label=True)

    assert ZeroShot(("news", "sport"), multi_label=True) == found


def test_candidate_labels_may_be_an_input():
    inputs = of_texts("args", ["a"]), of_texts("candidate_labels", ["x, y", "z"])

    found = ask(*inputs, of=model("m", "classify", "zero_shot")).request

    assert (ZeroShot(("x, y", "z")), ("a",)) == (found.task, found.items)


def test_a_task_may_be_named():
    assert Classify() == task_of("classify", "rerank", task="classify")


@pytest.mark.parametrize(
    ("task", "parameters", "expected"),
    [
        ("classify", {"function_to_apply": "sigmoid"}, Classify("sigmoid")),
        (
            "embed",
            {"normalize": True, "dimensions": 2, "prompt_name": "q", "numbers": "int8"},
            Embed(normalize=True, dimensions=2, prompt="q", numbers="int8"),
        ),
        ("embed", {"normalize": "false", "dimensions": "2"}, Embed(normalize=False, dimensions=2)),
        ("tokens", {"aggregation_strategy": "simple"}, Tokens(aggregation="simple")),
        ("tokens", {"ignore_labels": '["O", "MISC"]'}, Tokens(ignored=("O", "MISC"))),
        ("tokens", {"ignored": []}, Tokens(ignored=())),
        ("span", {"top_k": 3, "max_answer_len": 7}, Span(n_best=3, max_answer_tokens=7)),
        ("classify", {"content_type": "str", "sequence_id": 7}, Classify()),
    ],
)
def test_parameters_are_the_options_of_the_task(task, parameters, expected):
    assert expected == task_of(task, **parameters)


@pytest.mark.parametrize(
    ("parameters", "encode"),
    [
        ({}, EncodeOptions()),
        ({"max_length": 7, "truncate": False}, EncodeOptions(7, "reject")),
        ({"overflow": "window", "stride": 2}, EncodeOptions(None, "window", 2)),
    ],
)
def test_parameters_say_what_happens_to_long_texts(parameters, encode):
    assert encode == ask(**parameters).request.encode


@pytest.mark.parametrize(("task", "overflow"), [("span", "window"), ("classify", "truncate")])
def test_a_context_is_read_whole_and_other_texts_are_cut(task, overflow):
    assert EncodeOptions(overflow=overflow) == ask(of=model("m", task)).request.encode


@pytest.mark.parametrize(
    ("parameters", "expected"), [({"timeout": 2_500_000}, 2.5), ({"timeout": 0}, None), ({}, None)]
)
def test_a_timeout_in_microseconds_is_a_deadline(parameters, expected):
    assert Urgency(deadline_s=expected) == ask(**parameters).request.urgency


@pytest.mark.parametrize("seconds", [1.0, 9.0])
def test_the_nearer_of_two_deadlines_counts(seconds):
    question = Question("m", (of_texts("t", ["a"]),), parameters={"timeout": 2_000_000})
    carried = partial(urgency, Wish(timeout_s=seconds))

    found = asked(question, model(), limit=8, urge=carried).request

    assert min(2.0, seconds) == pytest.approx(found.urgency.deadline_s)


@pytest.mark.parametrize("given", ["soon", -1, 1.5, True])
def test_a_priority_that_is_none_is_told_with_those_that_are(given):
    with pytest.raises(InvalidRequest, match=r"0 \(the server's own choice\), 1 \(interactive\)"):
        ask(priority=given)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"max_length": 0}, "'max_length' is 0; it must be a whole number from 1"),
        ({"max_length": True}, "'max_length' is True"),
        ({"max_length": 1.5}, "'max_length' is 1.5"),
        ({"timeout": -1}, "'timeout' is -1"),
        ({"priority": "soon"}, "'priority' is 'soon'"),
        ({"truncate": "perhaps"}, "'truncate' is 'perhaps'; it must be true or false"),
        ({"overflow": "spill"}, "'overflow' is 'spill'; it must be one of truncate, reject"),
        ({"scores": 7}, "'scores' is 7; it must be a text"),
        ({"task": "paint"}, "'task' is 'paint'; it must be one of classify"),
        ({"labels": "[7]"}, "'labels' must be a list of texts"),
        ({"labels": "["}, "'labels' must be a list of texts"),
        ({"task": "zero_shot"}, "needs candidate labels"),
        ({"task": "fill", "top_k": 1001}, "'top_k' is 1001; it must be a whole number from 1 to"),
        ({"task": "span", "n_best": 1001}, "'n_best' is 1001"),
        ({"task": "fill", "targets": ["a"] * 1025}, "1025 targets, more than the 1024"),
    ],
)
def test_parameters_that_cannot_be_are_named(parameters, sentence):
    with pytest.raises(InvalidRequest) as caught:
        ask(**parameters)

    assert sentence in str(caught.value)


# What is answered

SCORES = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]], np.float32)


def answered(
    task: TaskName, found: Any, labels: tuple[str, ...] = (), top_k: int | None = None
) -> dict[str, Tensor]:
    return {tensor.name: tensor for tensor in outputs(task, reply(found), labels, top_k)}


def test_a_classifier_answers_scores_and_the_best_label_with_its_score():
    found = answered("classify", SCORES, LABELS)

    assert ["scores", "label", "score"] == list(found)
    assert ("good", "bad") == found["label"].texts
    assert [0.7, 0.5] == pytest.approx(found["score"].numbers.tolist())
    assert ((2, 3), (2,), (2,)) == tuple(tensor.shape for tensor in found.values())


def test_the_best_labels_are_as_many_as_asked_for():
    found = answered("classify", SCORES, LABELS, top_k=2)

    assert ((2, 2), ("good", "fair", "bad", "fair")) == (
        found["label"].shape,
        found["label"].texts,
    )
    assert [[0.7, 0.2], [0.5, 0.3]] == [
        pytest.approx(row) for row in found["score"].numbers.tolist()
    ]


@pytest.mark.parametrize(
    ("task", "found", "expected"),
    [
        ("embed", np.ones((2, 4), np.float32), {"embedding": ("FP32", (2, 4))}),
        ("embed", np.ones((2, 4), np.int8), {"embedding": ("INT8", (2, 4))}),
        ("rerank", np.ones(2, np.float32), {"score": ("FP32", (2,))}),
        ("similarity", np.ones(2, np.float32), {"similarity": ("FP32", (2,))}),
        (
            "states",
            [np.ones((3, 4), np.float32), np.ones((5, 4), np.float32)],
            {"states": ("FP32", (2, 5, 4)), "n_tokens": ("INT32", (2,))},
        ),
    ],
)
def test_vectors_and_numbers_are_tensors(task, found, expected):
    assert expected == {
        name: (tensor.datatype, tensor.shape) for name, tensor in answered(task, found).items()
    }


def test_entities_are_json_per_item():
    entity = Entity("PER", 0.5, "Ann", 0, 3)

    found = answered("tokens", [(entity,), ()])["entities"].texts

    assert [
        [{"label": "PER", "score": 0.5, "word": "Ann", "start": 0, "end": 3, "index": None}],
        [],
    ] == [json.loads(text) for text in found]


def test_fillings_are_json_per_item():
    filling = Filling("paris", 7, 0.5, "in paris")

    (found,) = answered("fill", [((filling,),)])["fillings"].texts

    assert [[{"token": "paris", "token_id": 7, "score": 0.5, "text": "in paris"}]] == json.loads(
        found
    )


def test_a_span_is_answered_flat_too():
    found = answered("span", [(Passage("the cat", 0.5, 3, 10), Passage("cat", 0.1, 7, 10)), ()])

    assert ("the cat", "") == found["answer"].texts
    assert [[3, 0], [10, 0]] == [found[name].numbers.tolist() for name in ("start", "end")]
    assert 2 == len(json.loads(found["answers"].texts[0]))


def test_outputs_come_in_the_order_they_are_asked_for():
    tensors = outputs("classify", reply(SCORES), LABELS, None)

    found = chosen(tensors, [Wanted("score"), Wanted("label")], LABELS)

    assert ["score", "label"] == [tensor.name for tensor in found]


def test_an_unknown_output_is_told_which_there_are():
    tensors = outputs("classify", reply(SCORES), LABELS, None)

    with pytest.raises(InvalidRequest, match=r"no output 'logits'; there are: scores, label"):
        chosen(tensors, [Wanted("logits")], LABELS)


def test_an_output_is_answered_once():
    tensors = outputs("classify", reply(SCORES), LABELS, None)

    with pytest.raises(InvalidRequest, match="name each once"):
        chosen(tensors, [Wanted("scores"), Wanted("scores")], LABELS)


def test_states_are_no_tensor_of_padding():
    found = [np.zeros((n_tokens, 1), np.float32) for n_tokens in (10_000, *[1] * 10)]

    with pytest.raises(InvalidRequest, match="99990 tokens of padding, more than the limit"):
        outputs("states", reply(found), (), None)


@pytest.mark.parametrize(("inputs", "outputs"), [(range(17), ()), ((), range(17))])
def test_very_many_tensors_are_refused_before_they_are_read(inputs, outputs):
    with pytest.raises(InvalidRequest, match=r"17 (inputs|outputs), more than the limit of 16"):
        check_number(inputs, outputs)


def test_classes_are_value_index_and_label_best_first():
    tensors = outputs("classify", reply(SCORES), LABELS, None)

    (found,) = chosen(tensors, [Wanted("scores", n_classes=2)], LABELS)

    assert ("0.700000:2:good", "0.200000:1:fair", "0.500000:0:bad", "0.300000:1:fair") == (
        found.texts
    )
    assert (2, 2) == found.shape


@pytest.mark.parametrize("parameters", [{"classification": -1}, {"shared_memory_region": "r"}])
def test_what_an_output_cannot_be_is_refused(parameters):
    with pytest.raises(InvalidRequest, match="'scores'"):
        Wanted.read("scores", parameters)


# What is said of models


@pytest.mark.parametrize(
    ("described", "inputs", "names"),
    [
        (model("m", "classify"), ["text"], ["scores", "label", "score"]),
        (model("m", "classify", "rerank", labels=("x",)), ["query", "text"], ["score"]),
        (model("m", "embed", "similarity"), ["text"], ["embedding"]),
        (model("m", "tokens"), ["text"], ["entities"]),
        (
            model("m", "span"),
            ["question", "context"],
            ["answers", "answer", "score", "start", "end"],
        ),
        (model("m", "fill"), ["text"], ["fillings"]),
    ],
    ids=["classify", "rerank", "embed", "tokens", "span", "fill"],
)
def test_metadata_names_the_tensors_of_the_task(described, inputs, names):
    found = metadata(described)

    assert inputs == [tensor.name for tensor in found.inputs]
    assert names == [tensor.name for tensor in found.outputs]


def test_metadata_says_how_many_columns_there_are():
    assert (-1, 3) == metadata(model("m", "classify")).outputs[0].shape


def test_the_configuration_has_tritons_types():
    found = configuration(metadata(model("m", "classify")))

    assert [{"name": "text", "data_type": "TYPE_STRING", "dims": [-1]}] == found["input"]
    assert "TYPE_FP32" == found["output"][0]["data_type"]


class Shelf:
    """A catalogue with one model open, and one taken out."""

    is_ready = True
    expected = ("open", "closed")

    def models(self):
        return (model("open"),)

    def tokenizer(self, name):
        raise Unloaded(f"the model {name!r} was taken out of service")

    async def load(self, name):
        raise NotImplementedError

    async def unload(self, name):
        raise NotImplementedError


def test_the_index_says_why_a_model_is_not_ready():
    assert [
        ("open", "READY", ""),
        ("closed", "UNAVAILABLE", "the model 'closed' was taken out of service"),
    ] == [(entry.name, entry.state, entry.reason) for entry in index(Shelf())]


def test_the_index_may_be_of_ready_models_only():
    assert ["open"] == [entry.name for entry in index(Shelf(), ready_only=True)]


@pytest.mark.parametrize("version", ["", "1"])
def test_a_model_has_the_version_1(version):
    assert "open" == served(Shelf(), "open", version).name


def test_other_versions_are_not_served():
    with pytest.raises(NotServed, match="has the version 1 alone, not '2'"):
        served(Shelf(), "open", "2")


def test_a_tensor_of_numbers_has_no_texts():
    with pytest.raises(InvalidRequest, match="it must hold BYTES"):
        _ = Tensor("t", "FP32", (1,), np.ones(1, np.float32)).texts
