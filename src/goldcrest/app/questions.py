"""Everything that a model can be asked, in a program's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, Unpack

from numpy.typing import NDArray

from goldcrest.app.asking import Asked, Encode, Waits, asks
from goldcrest.tasks import (
    Aggregation,
    Classify,
    Embed,
    Entity,
    Fill,
    Filling,
    Numbers,
    O,
    Passage,
    Reply,
    Rerank,
    Scores,
    Similarity,
    Span,
    States,
    Tokens,
    ZeroShot,
)
from goldcrest.values import Floats, Item

T = TypeVar("T")

_TEMPLATE, _IGNORED = ZeroShot().template, Tokens().ignored


@dataclass(frozen=True, slots=True)
class Classification:
    """What a classifier makes of one text.

    Attributes:
        label: the likeliest.
        score: its probability; the bare value of a regression.
        scores: of every label.
        truncated: whether the text was longer than the limit and lost its end.
    """

    label: str
    score: float
    scores: Mapping[str, float] = field(repr=False)
    truncated: bool = False


class Questions(Waits, Protocol):
    """Whatever answers `predict` can be asked all of this.

    Every method takes any number of texts, which are packed together, and the keywords of `Encode`:
    ``max_length``, ``overflow`` and ``stride``. It raises `UnsupportedTask` where the model does
    not do that, and `InvalidRequest` where an item or an option cannot be answered.
    """

    @asks
    def classify(
        self, texts: Sequence[Item], *, scores: Scores = "auto", **encode: Unpack[Encode]
    ) -> Asked[list[Classification]]:
        """Classify texts, or pairs of texts.

        Args:
            texts: one answer each; of a text in windows, the mean of their probabilities.
            scores: how logits become numbers; "auto" means as the model was trained.
            **encode: as in `Encode`; longer texts are cut, and say so.
        """
        return Asked(Classify(scores), texts, encode, lambda r: _classified(r, r.labels))

    @asks
    def zero_shot(
        self,
        texts: Sequence[str],
        labels: Sequence[str],
        *,
        template: str = _TEMPLATE,
        multi_label: bool = False,
        **encode: Unpack[Encode],
    ) -> Asked[list[Classification]]:
        """Classify texts by labels that the model was not trained for.

        Args:
            texts: one answer each.
            labels: at least one.
            template: a sentence with ``{}`` where the label goes.
            multi_label: whether several may fit; else their scores sum to 1.
            **encode: as in `Encode`.
        """
        task = ZeroShot(tuple(labels), template, multi_label)
        return Asked(task, texts, encode, lambda r: _classified(r, task.labels))

    @asks
    def rerank(
        self, query: str, texts: Sequence[str], *, raw: bool = False, **encode: Unpack[Encode]
    ) -> Asked[Floats]:
        """Score how well each text answers a query; the highest is the best.

        Args:
            query: the first text of every pair.
            texts: the second ones; of a text in windows, the best window counts.
            raw: bare logits instead of numbers from 0 to 1.
            **encode: as in `Encode`.

        Returns:
            *Shape:* ``(n_texts,)``.
        """
        return Asked(Rerank(raw), [(query, text) for text in texts], encode, _outputs)

    @asks
    def embed(
        self,
        texts: Sequence[Item],
        *,
        normalize: bool | None = None,
        dimensions: int | None = None,
        numbers: Numbers = "float32",
        prompt: str | None = None,
        **encode: Unpack[Encode],
    ) -> Asked[NDArray[Any]]:
        """Embed texts.

        Args:
            texts: one vector each; of a text in windows, the mean of their vectors.
            normalize: whether vectors have length 1; None means as the model was made.
            dimensions: keep only the first so many of each vector.
            numbers: their type; "binary" and "ubinary" pack eight dimensions to a byte.
            prompt: name of one that the model knows, put before every text; None means its default.
            **encode: as in `Encode`.

        Returns:
            *Shape:* ``(n_texts, dimensions)``.
        """
        task = Embed(normalize, dimensions, numbers, prompt)
        return Asked(task, texts, encode, _outputs)

    @asks
    def similarity(
        self,
        source: str,
        texts: Sequence[str],
        *,
        prompt: str | None = None,
        **encode: Unpack[Encode],
    ) -> Asked[Floats]:
        """Compare a text with others: the cosines of their vectors.

        Args:
            source: the one.
            texts: the others, at least one.
            prompt: as for `embed`.
            **encode: as in `Encode`.

        Returns:
            *Shape:* ``(n_texts,)``.
        """
        return Asked(Similarity(prompt), [source, *texts], encode, _outputs)

    @asks
    def states(
        self, texts: Sequence[Item], *, prompt: str | None = None, **encode: Unpack[Encode]
    ) -> Asked[list[Floats]]:
        """The state of every token, special ones included, as an embedder's last layer has it.

        Args:
            texts: one array each.
            prompt: as for `embed`.
            **encode: as in `Encode`.

        Returns:
            *Shape* of each: ``(n_tokens, dimensions)``.
        """
        return Asked(States(prompt), texts, encode, _listed)

    @asks
    def tag(
        self,
        texts: Sequence[str],
        *,
        aggregation: Aggregation = "none",
        ignored: Sequence[str] = _IGNORED,
        **encode: Unpack[Encode],
    ) -> Asked[list[tuple[Entity, ...]]]:
        """Label the tokens of texts, or groups of them: names, places, parts of speech.

        Args:
            texts: the entities of each, in the order of the text.
            aggregation: how tokens become groups; "none" means each token by itself.
            ignored: labels that are left out.
            **encode: as in `Encode`; longer texts are read in windows.
        """
        task = Tokens(aggregation, tuple(ignored))
        return Asked(task, texts, _in_windows(encode), _listed)

    @asks
    def answer(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        n_best: int = 1,
        max_answer_tokens: int = 15,
        allow_none: bool = False,
        **encode: Unpack[Encode],
    ) -> Asked[list[tuple[Passage, ...]]]:
        """Find where contexts answer questions.

        Args:
            pairs: of a question and a context; the best passages of each, best first.
            n_best: passages per pair.
            max_answer_tokens: the longest passage.
            allow_none: whether "no answer" may win, as an empty passage.
            **encode: as in `Encode`; longer contexts are read in windows.
        """
        task = Span(n_best, max_answer_tokens, allow_none)
        return Asked(task, pairs, _in_windows(encode), _listed)

    @asks
    def fill(
        self,
        texts: Sequence[Item],
        *,
        top_k: int = 5,
        targets: Sequence[str] = (),
        **encode: Unpack[Encode],
    ) -> Asked[list[tuple[tuple[Filling, ...], ...]]]:
        """Say what stands under each mask, such as ``[MASK]``.

        Args:
            texts: the fillings for each mask of each, best first.
            top_k: fillings per mask.
            targets: if given, only these tokens compete.
            **encode: as in `Encode`; longer texts are read in windows.
        """
        return Asked(Fill(top_k, tuple(targets)), texts, _in_windows(encode), _listed)


def _in_windows(encode: Encode) -> Encode:
    """Lose nothing of a long text, unless the caller says otherwise."""
    return {"overflow": "window", **encode}


def _outputs(reply: Reply[O]) -> O:
    return reply.outputs


def _listed(reply: Reply[Sequence[T]]) -> list[T]:
    return list(reply.outputs)


def _classified(reply: Reply[Floats], labels: Sequence[str]) -> list[Classification]:
    return [
        _classification(labels, row, truncated=n_dropped > 0)
        for row, n_dropped in zip(reply.outputs.tolist(), reply.n_dropped, strict=True)
    ]


def _classification(
    labels: Sequence[str], row: Sequence[float], *, truncated: bool
) -> Classification:
    best = max(range(len(row)), key=row.__getitem__)
    return Classification(labels[best], row[best], dict(zip(labels, row, strict=True)), truncated)
