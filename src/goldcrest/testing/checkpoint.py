"""Small random checkpoints in the Hub's layout, for tests without a download."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors.numpy import save_file

from goldcrest.models.family import Family
from goldcrest.models.resolve import FAMILIES
from goldcrest.models.steps import Names, head_shapes
from goldcrest.names import Pooling, Readable
from goldcrest.testing.families import tiny_config
from goldcrest.testing.vocabulary import (
    MPNET,
    ROBERTA,
    write_byte_pairs,
    write_unigrams,
    write_word_pieces,
)
from goldcrest.text.vocabulary import build_tokenizer
from goldcrest.values import Floats

FamilyName = Literal[
    "distilbert",
    "bert",
    "roberta",
    "xlm-roberta",
    "camembert",
    "albert",
    "electra",
    "mpnet",
    "mobilebert",
]
_ARCHITECTURES: dict[FamilyName, str] = {
    "distilbert": "DistilBert",
    "bert": "Bert",
    "roberta": "Roberta",
    "xlm-roberta": "XLMRoberta",
    "camembert": "Camembert",
    "albert": "Albert",
    "electra": "Electra",
    "mpnet": "MPNet",
    "mobilebert": "MobileBert",
}
_VOCABULARIES: dict[FamilyName, Callable[[Path, int, int], int]] = {
    "roberta": write_byte_pairs,
    "xlm-roberta": partial(write_unigrams, special=ROBERTA, name="XLMRobertaTokenizer"),
    "camembert": partial(write_unigrams, special=ROBERTA, name="CamembertTokenizer"),
    "albert": write_unigrams,
    "mpnet": partial(write_word_pieces, special=MPNET, name="MPNetTokenizer"),
}
_ENDS: dict[Readable, str] = {
    "classify": "ForSequenceClassification",
    "tokens": "ForTokenClassification",
    "span": "ForQuestionAnswering",
    "fill": "ForMaskedLM",
    "embed": "Model",
}
_TABLES = ("embed.tokens", "embed.positions", "embed.types", "distances", "decoder")


def random_checkpoint(  # noqa: PLR0913  # each is a choice that some test makes
    folder: Path,
    *,
    family: FamilyName = "distilbert",
    task: Readable | None = None,
    n_labels: int = 2,
    pooling: Pooling | None = None,
    normalize: bool = False,
    seed: int = 0,
    spread: float = 2.0,
    **sizes: Any,
) -> Path:
    """Write a checkpoint whose every tensor is random, biases and norms included.

    Args:
        folder: made if absent; gets ``config.json``, ``model.safetensors`` and the tokenizer.
        family: a supported ``model_type``.
        task: which head it has, ``embed`` for none; None means that with ``pooling``, else
            ``classify``.
        n_labels: outputs of a classifier, of texts or tokens.
        pooling: writes the modules of sentence-transformers too.
        normalize: with ``pooling``, adds the module that scales vectors to length 1.
        seed: the same seed gives the same files.
        spread: about the standard deviation of the logits, but for those of ``fill``.
        **sizes: as for `tiny_config`: ``n_layers``, ``width``, ``vocab_size`` ...

    Returns:
        The folder.
    """
    task = task or ("embed" if pooling else "classify")
    n_labels = 2 if task == "span" else n_labels
    folder.mkdir(parents=True, exist_ok=True)
    config = tiny_config(family, **sizes) | {
        "architectures": [_ARCHITECTURES[family] + _ENDS[task]]
    }
    kind = FAMILIES[family]
    write = _VOCABULARIES.get(family, write_word_pieces)
    max_length = kind.read_spec(config).max_positions
    config["vocab_size"] = write(folder, config.get("vocab_size", 0), max_length)
    (folder / "tokenizer.json").write_text(build_tokenizer(folder), encoding="utf-8")
    if task in ("classify", "tokens"):
        config["id2label"] = {str(index): f"label {index}" for index in range(n_labels)}
    _write_json(folder / "config.json", config)
    rng = np.random.default_rng(seed)
    tensors = random_tensors(kind, config, rng, task=task, n_labels=n_labels, spread=spread)
    save_file(tensors, folder / "model.safetensors")
    if pooling:
        _write_modules(folder, pooling, normalize=normalize, width=kind.read_spec(config).width)
    return folder


def random_tensors(
    family: Family,
    config: Mapping[str, Any],
    rng: np.random.Generator,
    *,
    task: Readable,
    n_labels: int,
    spread: float = 1.0,
) -> dict[str, Floats]:
    """Every tensor of a checkpoint under its family's names, of the size that training gives.

    The weight that decodes states is left out: it is the table of the tokens' embeddings.
    """
    spec = family.read_spec(config)
    prefix = "" if task == "embed" else family.prefix
    encoder = {prefix + name: ours for ours, name in family.encoder_names(spec).items()}
    head = {theirs: ours for ours, theirs in _head_names(family, config, task).items()}
    shapes = spec.shapes() | head_shapes(family.head(task, config), spec, n_labels)
    # Where nothing else keeps the states within a range, scales around 1 would let them explode.
    scale = 0.5 if getattr(spec, "norm", "") == "no_norm" else 1.0
    tensors = {
        theirs: _random(ours, shapes[ours], rng, scale=scale)
        for theirs, ours in (encoder | head).items()
    }
    for theirs, ours in head.items():
        if ours.startswith("output."):
            tensors[theirs] *= np.float32(spread)
    return tensors


def _head_names(family: Family, config: Mapping[str, Any], task: Readable) -> dict[str, str]:
    """Our name -> the one that the Hub's older checkpoints use, with poolers inside the encoder."""
    names: Names = {}
    for step in family.head(task, config):
        names |= step.names()
    names.pop("decoder.weight", None)
    return {
        ours: (family.prefix if theirs[-1].startswith("pooler") else "") + theirs[-1]
        for ours, theirs in names.items()
    }


def _random(name: str, shape: tuple[int, ...], rng: np.random.Generator, *, scale: float) -> Floats:
    values = rng.standard_normal(shape)
    if "norm" in name:
        values = 0.2 * values + (scale if name.endswith("weight") else 0.0)
    elif name.endswith("bias"):
        values *= 0.2
    elif not name.startswith(_TABLES):
        values *= 1.5 / shape[-1] ** 0.5
    return values.astype(np.float32)


def _write_modules(folder: Path, pooling: Pooling, *, normalize: bool, width: int) -> None:
    kinds = {"Transformer": "", "Pooling": "1_Pooling"} | (
        {"Normalize": "2_Normalize"} if normalize else {}
    )
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.{kind}"}
        for index, (kind, path) in enumerate(kinds.items())
    ]
    _write_json(folder / "modules.json", modules)
    modes = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens"}
    switches = {f"pooling_mode_{mode}": name == pooling for name, mode in modes.items()}
    (folder / "1_Pooling").mkdir(exist_ok=True)
    _write_json(
        folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width} | switches
    )


def _write_json(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, indent=2), encoding="utf-8")
