"""Reading a checkpoint: whatever its layout, and naming what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from goldcrest.checkpoint import Checkpoint, read
from goldcrest.errors import (
    CheckpointError,
    CheckpointNotFound,
    PickledWeights,
    TensorProblem,
    UnsupportedModel,
)
from goldcrest.testing.checkpoint import random_checkpoint


@pytest.fixture
def folder(tmp_path) -> Path:
    return random_checkpoint(tmp_path / "model")


def write_safetensors(file: Path, header: dict[str, Any], body: bytes = b"") -> None:
    encoded = json.dumps(header).encode()
    file.write_bytes(len(encoded).to_bytes(8, "little") + encoded + body)


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def with_tensors(folder: Path, header: dict[str, Any], body: bytes = b"") -> Checkpoint:
    write_safetensors(folder / "model.safetensors", header, body)
    return read(folder)


def test_tensors_equal_those_of_the_safetensors_library(folder):
    expected = load_file(folder / "model.safetensors")

    tensors = read(folder).tensors

    assert expected.keys() == tensors.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(array, tensors[name])


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [
        ("F64", np.array([1.5, -2.0], np.float64).tobytes()),
        ("F32", np.array([1.5, -2.0], np.float32).tobytes()),
        ("F16", np.array([1.5, -2.0], np.float16).tobytes()),
        ("BF16", np.array([0x3FC0, 0xC000], np.uint16).tobytes()),
    ],
)
def test_floats_of_any_width_come_as_float32(folder, dtype, stored):
    checkpoint = with_tensors(folder, {"x": entry(dtype, [2], 0, len(stored))}, stored)

    assert np.float32 == checkpoint.tensors["x"].dtype
    assert [1.5, -2.0] == checkpoint.tensors["x"].tolist()


def test_integers_are_kept(folder):
    body = np.arange(3, dtype=np.int64).tobytes()

    checkpoint = with_tensors(folder, {"x": entry("I64", [3], 0, 24)}, body)

    assert np.int64 == checkpoint.tensors["x"].dtype


def test_shards_read_as_one_file_does(folder):
    expected = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = list(expected)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for shard, held in shards.items():
        save_file({name: expected[name] for name in held}, folder / shard)
    weight_map = {name: shard for shard, held in shards.items() for name in held}
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    tensors = read(folder).tensors

    for name, array in expected.items():
        np.testing.assert_array_equal(array, tensors[name])


@pytest.mark.parametrize(
    ("weight_map", "reason"),
    [
        ({"x": "absent.safetensors"}, r"absent\.safetensors, which is not there"),
        ({"no.such.tensor": "a.safetensors"}, r"lack: no\.such\.tensor"),
        ({"x": "../a.safetensors"}, "outside its own folder"),
        (["x"], "not an index"),
    ],
)
def test_an_index_that_does_not_fit_its_files_is_refused(folder, weight_map, reason):
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))

    with pytest.raises(TensorProblem, match=reason):
        read(folder)


def test_a_file_cut_short_names_the_bytes_and_the_tensors_that_are_cut(folder):
    file = folder / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-5000])

    with pytest.raises(TensorProblem) as caught:
        read(folder)

    assert f"{len(whole) - 5000} of the {len(whole)} bytes" in str(caught.value)
    n_header = int.from_bytes(whole[:8], "little")
    ends = {
        name: fields["data_offsets"][1]
        for name, fields in json.loads(whole[8 : 8 + n_header]).items()
        if name != "__metadata__"
    }
    room = len(whole) - 5000 - 8 - n_header
    assert {name for name, end in ends.items() if end > room} == set(caught.value.tensors)


@pytest.mark.parametrize(
    ("header", "tensors"),
    [
        ({"x": entry("F32", [3], 0, 8)}, ("x",)),
        ({"x": entry("F32", [-2], 0, 8)}, ("x",)),
        ({"x": {"dtype": "F32"}}, ("x",)),
        ({"x": 3}, ("x",)),
        ({"x": entry("F32", [2], 0, 8), "y": entry("F32", [2], 4, 12)}, ("x", "y")),
    ],
    ids=["misshapen", "negative", "incomplete", "no object", "overlapping"],
)
def test_a_header_that_contradicts_itself_names_its_tensors(folder, header, tensors):
    with pytest.raises(TensorProblem) as caught:
        with_tensors(folder, header, b"\0" * 16)

    assert tensors == caught.value.tensors


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no whole safetensors header"),
        (b"\xff" * 8, "no whole safetensors header"),
        (b"\x04" + b"\0" * 7 + b"nope", "not JSON"),
        (b"\x02" + b"\0" * 7 + b"[]", "not a JSON object"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    ],
)
def test_a_file_that_is_not_safetensors_is_refused(folder, content, reason):
    (folder / "model.safetensors").write_bytes(content)

    with pytest.raises(TensorProblem, match=reason):
        read(folder)


def test_a_tensor_of_an_unknown_type_is_named_when_it_is_read(folder):
    tensors = with_tensors(folder, {"x": entry("F8_E4M3", [2], 0, 2)}, b"\0\0").tensors

    with pytest.raises(TensorProblem, match="F8_E4M3"):
        tensors["x"]


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl"])
def test_pickled_weights_are_refused_with_the_command_that_converts_them(folder, name):
    (folder / "model.safetensors").rename(folder / name)

    with pytest.raises(PickledWeights, match=rf"{name}.*goldcrest convert .* model-safetensors"):
        read(folder)


def test_a_folder_without_a_config_is_no_checkpoint(tmp_path):
    with pytest.raises(CheckpointNotFound, match=r"no config\.json"):
        read(tmp_path)


def test_a_folder_without_weights_is_no_checkpoint(folder):
    (folder / "model.safetensors").unlink()

    with pytest.raises(CheckpointNotFound, match="no weights"):
        read(folder)


def test_a_config_that_is_not_json_is_named(folder):
    (folder / "config.json").write_text("{")

    with pytest.raises(CheckpointError, match=r"config\.json is not JSON"):
        read(folder)


@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
@pytest.mark.parametrize("normalize", [True, False])
def test_what_sentence_transformers_adds_is_read(tmp_path, pooling, normalize):
    folder = random_checkpoint(tmp_path, pooling=pooling, normalize=normalize)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 77}')

    checkpoint = read(folder)

    assert (pooling, normalize, 77) == (
        checkpoint.pooling,
        checkpoint.normalize,
        checkpoint.max_seq_length,
    )


def test_a_transformer_in_a_folder_of_its_own_is_found(tmp_path):
    inner = random_checkpoint(tmp_path / "0_Transformer")
    modules = [{"type": "sentence_transformers.models.Transformer", "path": "0_Transformer"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))

    assert inner == read(tmp_path).folder


@pytest.mark.parametrize(
    ("module", "config", "reason"),
    [
        ({"type": "models.Dense", "path": "2_Dense"}, {}, "the module Dense"),
        ({"type": "m.Pooling", "path": "P"}, {"pooling_mode_lasttoken": True}, "lasttoken"),
        (
            {"type": "m.Pooling", "path": "P"},
            {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True},
            "cls_token and max_tokens",
        ),
    ],
    ids=["dense", "last token", "two poolings"],
)
def test_a_module_that_we_lack_is_refused(folder, module, config, reason):
    (folder / "modules.json").write_text(json.dumps([module]))
    (folder / module["path"]).mkdir()
    (folder / module["path"] / "config.json").write_text(json.dumps(config))

    with pytest.raises(UnsupportedModel, match=reason):
        read(folder)


def test_a_module_outside_the_folder_is_refused(folder):
    modules = [{"type": "models.Pooling", "path": "../elsewhere"}]
    (folder / "modules.json").write_text(json.dumps(modules))

    with pytest.raises(CheckpointError, match="outside its own folder"):
        read(folder)


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"prompts": ["query: "]}, "no object of texts"),
        ({"prompts": {"query": 1}}, "no object of texts"),
        ({"prompts": {}, "default_prompt_name": "query"}, "has no such prompt"),
    ],
)
def test_prompts_that_are_none_are_refused(folder, stated, reason):
    (folder / "config_sentence_transformers.json").write_text(json.dumps(stated))

    with pytest.raises(CheckpointError, match=reason):
        read(folder)


def test_the_digest_changes_with_the_prompts(folder):
    before = read(folder).digest()
    stated = {"prompts": {"query": "query: "}, "default_prompt_name": None}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(stated))

    assert before != read(folder).digest()


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
def test_the_digest_changes_with_every_file_an_answer_depends_on(folder, file):
    before = read(folder).digest()
    content = bytearray((folder / file).read_bytes())
    content[-3:-3] = b"" if file == "model.safetensors" else b" "
    content[-1] ^= file == "model.safetensors"
    (folder / file).write_bytes(content)

    assert before != read(folder).digest()


def test_the_digest_does_not_depend_on_the_place(tmp_path):
    one, two = (read(random_checkpoint(tmp_path / name)) for name in ("one", "two"))

    assert one.digest() == two.digest()
