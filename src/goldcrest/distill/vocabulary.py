"""Vocabulary trimming: a WordPiece tokenizer with fewer tokens, and where its rows come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import UnsupportedModel


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A tokenizer of fewer tokens.

    Attributes:
        content: of its ``tokenizer.json``.
        kept: *Shape:* ``(n_tokens,)``; new id -> old id.
    """

    content: Mapping[str, Any]
    kept: NDArray[np.int64]

    @property
    def text(self) -> str:
        return json.dumps(self.content, ensure_ascii=False)


def vocabulary_of(content: Mapping[str, Any]) -> dict[str, int]:
    """Token -> id of a ``tokenizer.json``, with the tokens that were added to its model's."""
    own = content["model"].get("vocab", {})
    if isinstance(own, list):  # Unigram lists tokens with their scores
        own = {token: index for index, (token, _) in enumerate(own)}
    return {**own, **{token["content"]: token["id"] for token in content.get("added_tokens", ())}}


def trim(content: Mapping[str, Any], counts: NDArray[np.int64], n_tokens: int) -> Trimmed:
    """Keep special tokens, single characters alone and within words, and what is most needed.

    A text whose tokens are all kept is cut into the same tokens as before; any other into shorter
    ones, in the end into characters.

    Args:
        content: of a ``tokenizer.json``.
        counts: *Shape:* ``(n_ids,)``; how often each token occurs in the data.
        n_tokens: that occur and are kept, besides special ones and characters; 0 for all.

    Raises:
        UnsupportedModel: its tokens are not those of WordPiece.
    """
    model = content["model"]
    if model.get("type") != "WordPiece":
        raise UnsupportedModel(
            f"a vocabulary of the kind {model.get('type')} cannot be trimmed; only WordPiece can, "
            "whose tokens do not rest on each other"
        )
    vocabulary: dict[str, int] = model["vocab"]
    special = _special(content)
    always = {
        index
        for token, index in vocabulary.items()
        if index in special or len(token.removeprefix(model["continuing_subword_prefix"])) == 1
    }
    # Among equally frequent tokens the lower id wins: it was the more frequent elsewhere.
    ranked = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i] and i not in always]
    kept = sorted(always | set(ranked[: n_tokens or None]))
    return Trimmed(_rewritten(content, kept), np.array(kept, np.int64))


def _special(content: Mapping[str, Any]) -> set[int]:
    named = {token["id"] for token in content.get("added_tokens", ())}
    unknown = content["model"].get("unk_token")
    return named | {content["model"]["vocab"][unknown]} if unknown else named


def _rewritten(content: Mapping[str, Any], kept: list[int]) -> dict[str, Any]:
    new = {old: index for index, old in enumerate(kept)}
    model = content["model"]
    ordered = sorted(model["vocab"].items(), key=lambda pair: pair[1])
    vocabulary = {token: new[old] for token, old in ordered if old in new}
    added = [token | {"id": new[token["id"]]} for token in content.get("added_tokens", ())]
    return {
        **content,
        "added_tokens": added,
        "model": model | {"vocab": vocabulary},
        "post_processor": _renumbered(content.get("post_processor"), new),
    }


def _renumbered(processor: Any, new: Mapping[int, int]) -> Any:
    """What frames a text, with the new ids of the tokens it adds."""
    if not isinstance(processor, Mapping):
        return processor
    if processor.get("type") == "TemplateProcessing":
        special = {
            name: token | {"ids": [new[old] for old in token["ids"]]}
            for name, token in processor["special_tokens"].items()
        }
        return {**processor, "special_tokens": special}
    framed = {key: [processor[key][0], new[processor[key][1]]] for key in ("cls", "sep")}
    return {**processor, **framed}
