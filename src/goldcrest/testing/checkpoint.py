"""Small random checkpoints in the Hub's layout, for tests without a download."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors.numpy import save_file

from goldcrest.models.encoder import Spec
from goldcrest.models.family import Family, stored_shapes
from goldcrest.models.resolve import FAMILIES
from goldcrest.testing.vocabulary import write_byte_pairs, write_word_pieces
from goldcrest.text.vocabulary import build_tokenizer
from goldcrest.values import Floats, Pooling, Task

FamilyName = Literal["distilbert", "bert", "roberta"]

_TINY = Spec(
    n_layers=2,
    width=32,
    n_heads=4,
    ffn_width=64,
    activation="gelu",
    norm_eps=1e-12,
    vocab_size=0,  # as many as the vocabulary has
    max_positions=128,
)
_ARCHITECTURES = {"distilbert": "DistilBert", "bert": "Bert", "roberta": "Roberta"}
_TEXTS = {"classify": "ForSequenceClassification", "embed": "Model"}


def random_checkpoint(  # noqa: PLR0913  # each is a choice that some test makes
    folder: Path,
    *,
    family: FamilyName = "distilbert",
    task: Task | None = None,
    n_labels: int = 2,
    pooling: Pooling | None = None,
    normalize: bool = False,
    seed: int = 0,
    spread: float = 2.0,
    **sizes: int,
) -> Path:
    """Write a checkpoint whose every tensor is random, biases and norms included.

    Args:
        folder: made if absent; gets ``config.json``, ``model.safetensors`` and the tokenizer.
        family: a supported ``model_type``.
        task: ``embed`` leaves the classifier out; None means that with ``pooling``, else
            ``classify``.
        n_labels: outputs of the classifier.
        pooling: writes the modules of sentence-transformers too.
        normalize: with ``pooling``, adds the module that scales vectors to length 1.
        seed: the same seed gives the same files.
        spread: about the standard deviation of the logits.
        **sizes: fields of `Spec` to change: ``n_layers``, ``width``, ``vocab_size`` ...

    Returns:
        The folder.
    """
    task = task or ("embed" if pooling else "classify")
    folder.mkdir(parents=True, exist_ok=True)
    spec = replace(_TINY, n_token_types={"bert": 2, "roberta": 1}.get(family, 0))
    spec = replace(spec, position_offset=2 if family == "roberta" else 0)
    spec = replace(spec, **sizes)  # type: ignore[arg-type]  # mypy takes every field for each type
    write = write_byte_pairs if family == "roberta" else write_word_pieces
    spec = replace(spec, vocab_size=write(folder, spec.vocab_size, spec.max_positions))
    (folder / "tokenizer.json").write_text(build_tokenizer(folder), encoding="utf-8")
    config = _config(family, spec) | {"architectures": [_ARCHITECTURES[family] + _TEXTS[task]]}
    if task == "classify":
        config["id2label"] = {str(index): f"label {index}" for index in range(n_labels)}
    _write_json(folder / "config.json", config)
    rng = np.random.default_rng(seed)
    tensors = random_tensors(FAMILIES[family], spec, rng, task=task, n_labels=n_labels)
    for part in ("weight", "bias"):
        if task == "classify":
            tensors[f"{FAMILIES[family].head['output']}.{part}"] *= spread
    save_file(tensors, folder / "model.safetensors")
    if pooling:
        _write_modules(folder, pooling, normalize=normalize, width=spec.width)
    return folder


def random_tensors(
    family: Family, spec: Spec, rng: np.random.Generator, *, task: Task, n_labels: int
) -> dict[str, Floats]:
    """Every tensor of a checkpoint under its family's names, of the size that training gives."""
    shapes = stored_shapes(spec)
    width = spec.width
    prefix = family.prefix if task == "classify" else ""
    named = {ours: prefix + theirs for ours, theirs in family.encoder_names(spec).items()}
    if task == "classify":
        named |= {
            ours: (prefix if theirs.startswith("pooler") else "") + theirs
            for ours, theirs in family.head_names().items()
        }
        shapes |= {"head.dense.weight": (width, width), "head.dense.bias": (width,)}
        shapes |= {"head.output.weight": (n_labels, width), "head.output.bias": (n_labels,)}
    return {theirs: _random(ours, shapes[ours], rng) for ours, theirs in named.items()}


def _random(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    values = rng.standard_normal(shape)
    if "norm" in name:
        values = 0.2 * values + (1.0 if name.endswith("weight") else 0.0)
    elif name.endswith("bias"):
        values *= 0.2
    elif not name.startswith("embed."):
        values *= 1.5 / shape[-1] ** 0.5
    return values.astype(np.float32)


def _config(family: FamilyName, spec: Spec) -> dict[str, Any]:
    shared = {
        "model_type": family,
        "vocab_size": spec.vocab_size,
        "max_position_embeddings": spec.max_positions + spec.position_offset,
        "pad_token_id": 1 if family == "roberta" else 0,
    }
    hidden_act = "gelu_new" if spec.activation == "gelu_tanh" else spec.activation
    if family == "distilbert":
        return shared | {
            "dim": spec.width,
            "n_layers": spec.n_layers,
            "n_heads": spec.n_heads,
            "hidden_dim": spec.ffn_width,
            "activation": hidden_act,
        }
    return shared | {
        "hidden_size": spec.width,
        "num_hidden_layers": spec.n_layers,
        "num_attention_heads": spec.n_heads,
        "intermediate_size": spec.ffn_width,
        "hidden_act": hidden_act,
        "layer_norm_eps": spec.norm_eps,
        "type_vocab_size": spec.n_token_types,
    }


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
