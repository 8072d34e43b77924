"""The folder of a checkpoint: its config, its tensors, and what sentence-transformers adds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, cast

from goldcrest.checkpoint.hub import pickles_among, refusal
from goldcrest.checkpoint.tensors import Tensors, open_file, open_shards
from goldcrest.errors import CheckpointError, CheckpointNotFound, UnsupportedModel
from goldcrest.names import Pooling

_SIDE_FILES = (
    "config.json",
    "*.safetensors.index.json",
    "tokenizer*.json",
    "added_tokens.json",
    "*.model",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "sentence_*_config.json",
)
_NEUTRAL_MODULES = {"Dropout"}  # only acts in training
_POOLINGS: dict[str, Pooling] = {
    "cls": "cls",
    "cls_token": "cls",
    "mean": "mean",
    "mean_tokens": "mean",
    "max": "max",
    "max_tokens": "max",
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint as it was read.

    Attributes:
        source: what the user called it.
        folder: where its config, weights and tokenizer files lie.
        config: the parsed ``config.json``.
        pooling: how sentence-transformers pools its states; None where it says nothing.
        normalize: whether sentence-transformers scales its vectors to length 1.
        max_seq_length: the limit in tokens of sentence-transformers, or None.
        prompts: what sentence-transformers puts before a text, by name.
        default_prompt: the name of the one it puts there unasked; empty for none.
    """

    source: str
    folder: Path
    config: Mapping[str, Any]
    tensors: Tensors
    pooling: Pooling | None = None
    normalize: bool = False
    max_seq_length: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str = ""

    def digest(self) -> str:
        """SHA-256, in hex, over every file an answer depends on."""
        files = {file for pattern in _SIDE_FILES for file in self.folder.glob(pattern)}
        said = [self.pooling, self.normalize, dict(self.prompts), self.default_prompt]
        total = hashlib.sha256(json.dumps(said).encode() + b"\n")
        for file in sorted(files | set(self.tensors.files)):
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            total.update(f"{content} {file.relative_to(self.folder).as_posix()}\n".encode())
        return total.hexdigest()


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What a sentence-transformers ``modules.json`` says."""

    path: str = ""
    pooling: Pooling | None = None
    normalize: bool = False


def read(folder: Path, source: str = "") -> Checkpoint:
    """Read a checkpoint; tensors are opened but not loaded.

    Args:
        folder: a local folder, as `locate` returns it.
        source: what to call it in messages; by default the folder.

    Raises:
        CheckpointNotFound: no ``config.json`` or no weights.
        PickledWeights: the weights are only there as a pickle.
        TensorProblem: a file of weights is cut short or inconsistent.
        UnsupportedModel: sentence-transformers adds a module that we lack.
    """
    source = source or str(folder)
    sentence = _read_modules(folder)
    inner = folder / sentence.path
    prompts, default_prompt = _prompts(folder / "config_sentence_transformers.json")
    if not (inner / "config.json").is_file():
        raise CheckpointNotFound(f"{source} holds no config.json, so it is not a checkpoint")
    return Checkpoint(
        source=source,
        folder=inner,
        config=_read_object(inner / "config.json"),
        tensors=_open_weights(inner, source),
        pooling=sentence.pooling,
        normalize=sentence.normalize,
        max_seq_length=_max_seq_length(inner),
        prompts=prompts,
        default_prompt=default_prompt,
    )


def _open_weights(folder: Path, source: str) -> Tensors:
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file():
        return open_file(whole)
    if index.is_file():
        return open_shards(index)
    others = sorted(folder.glob("*.safetensors"))
    if len(others) == 1:
        return open_file(others[0])
    if others:
        raise CheckpointNotFound(
            f"{source} holds {len(others)} safetensors files, but neither model.safetensors nor "
            "model.safetensors.index.json says which belong together"
        )
    pickled = pickles_among(file.name for file in folder.iterdir())
    if pickled:
        raise refusal(source, pickled)
    raise CheckpointNotFound(f"{source} holds no weights: there is no model.safetensors")


def _read_modules(folder: Path) -> _Sentence:
    file = folder / "modules.json"
    if not file.is_file():
        return _Sentence()
    path, pooling, normalize = "", None, False
    for module in _modules(file):
        kind = module["type"].rpartition(".")[2]
        if kind == "Transformer":
            path = module["path"]
        elif kind == "Pooling":
            pooling = _pooling(folder / module["path"] / "config.json")
        elif kind == "Normalize":
            normalize = True
        elif kind not in _NEUTRAL_MODULES:
            raise UnsupportedModel(
                f"{file} adds the module {kind}; supported are Transformer, Pooling and Normalize"
            )
    return _Sentence(path, pooling, normalize)


def _modules(file: Path) -> list[dict[str, str]]:
    listed = _read_json(file)
    try:
        modules = [{"type": str(m["type"]), "path": str(m.get("path", ""))} for m in listed]
    except (TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{file} is not a list of modules with a type and a path") from error
    for module in modules:
        path = PurePosixPath(module["path"])
        if path.is_absolute() or ".." in path.parts:
            raise CheckpointError(f"{file} names {path}, which lies outside its own folder")
    return modules


def _pooling(file: Path) -> Pooling:
    config = _read_object(file) if file.is_file() else {}
    named = config.get("pooling_mode")
    modes = [str(named)] if named else _switched_on(config)
    if len(modes) != 1 or modes[0] not in _POOLINGS:
        raise UnsupportedModel(
            f"{file} pools with {' and '.join(modes)}; supported is one of cls, mean and max"
        )
    return _POOLINGS[modes[0]]


def _switched_on(config: Mapping[str, Any]) -> list[str]:
    prefix = "pooling_mode_"
    modes = [
        key.removeprefix(prefix) for key, on in config.items() if key.startswith(prefix) and on
    ]
    return modes or ["mean_tokens"]


def _max_seq_length(folder: Path) -> int | None:
    for file in sorted(folder.glob("sentence_*_config.json")):
        limit = _read_object(file).get("max_seq_length")
        if isinstance(limit, int) and limit > 0:
            return limit
    return None


def _prompts(file: Path) -> tuple[dict[str, str], str]:
    """What is put before a text, by name, and the name of the one that is put there unasked.

    Raises:
        CheckpointError: the file says something else of prompts.
    """
    stated = _read_object(file) if file.is_file() else {}
    prompts, default = stated.get("prompts") or {}, stated.get("default_prompt_name") or ""
    if not (isinstance(prompts, dict) and all(isinstance(text, str) for text in prompts.values())):
        raise CheckpointError(f"{file} gives prompts that are no object of texts")
    if default and default not in prompts:
        raise CheckpointError(f"{file} gives {default!r} as the default, but has no such prompt")
    return prompts, default


def _read_object(file: Path) -> dict[str, Any]:
    parsed = _read_json(file)
    if not isinstance(parsed, dict):
        raise CheckpointError(f"{file} is not a JSON object")
    return cast("dict[str, Any]", parsed)


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except ValueError as error:
        raise CheckpointError(f"{file} is not JSON: {error}") from error
