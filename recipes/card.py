"""The card of a model: a text written by hand, and the figures that were measured; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import Template
from typing import Any

from goldcrest.evaluate import Drop, Quality
from recipes.judging import LARGEST_DROP_POINTS, mean_drop
from recipes.likeness import Likeness
from recipes.measuring import Measured

Counts = Mapping[str, dict[str, int]]
"""Rows by set, of those in "train" and in "held_back"."""

_HEADS = {
    "teacher": "teacher",
    "f32": "student, f32",
    "int8": "shipped, INT8",
    "replaced": "before, INT8",
}


def filled(template: str, figures: Mapping[str, str]) -> str:
    """Return the card; every figure that the template names must be there."""
    return Template(template).substitute(figures)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def quality_table(measured: Measured, counts: Counts) -> str:
    """Return what each model scores on each set, and on average."""
    kinds = [kind for kind in _HEADS if kind in measured.qualities]
    of = measured.qualities
    rows = [
        [
            name,
            _count(counts["train"].get(name, 0)),
            _count(of["int8"][name].n_rows),
            *(_value(of[kind][name]) for kind in kinds),
            points(drop),
        ]
        for name, drop in measured.int8.items()
    ]
    if len(rows) > 1:
        means = (_percent(_mean(q.value for q in of[kind].values())) for kind in kinds)
        rows.append(["mean of the sets", "", "", *means, points(mean_drop(measured.int8))])
    heads = (_HEADS[kind] for kind in kinds)
    return table(["set", "to learn from", "held back", *heads, "INT8 costs, points"], rows)


def verdict(measured: Measured) -> str:
    """Return what INT8 cost and what became of the model before, in sentences."""
    said = (
        f"INT8 costs {points(mean_drop(measured.int8))} points on average; nothing is published "
        f"where it costs more than {LARGEST_DROP_POINTS}."
    )
    if not measured.replaced:
        return f"{said} There was no model of this name before."
    return (
        f"{said} To the model that shipped before, it loses "
        f"{points(mean_drop(measured.replaced))} points on average (a minus is a gain); nothing is "
        "published where the lower end of that interval lies above 0."
    )


def likeness_table(found: Mapping[str, Mapping[str, Likeness]], counts: Counts) -> str:
    """Return how close the vectors come to the teacher's: of INT8 by source, of f32 in all."""
    n_learnt = counts["train"] | {"all": sum(counts["train"].values())}
    rows = [_likeness_row(name, n_learnt[name], one) for name, one in found["int8"].items()]
    rows.append(_likeness_row("all, f32", n_learnt["all"], found["f32"]["all"]))
    head = (
        "source|to learn from|held back|cosine, mean|cosine, 5th percentile|ten nearest shared|"
        "same nearest|nearest in five|Spearman of pairs"
    )
    return table(head.split("|"), rows)


def _likeness_row(name: str, n_learnt: int, one: Likeness) -> list[str]:
    shares = (one.overlap, one.same_first, one.first_in_five)
    cosines = (f"{one.cosine:.3f}", f"{one.cosine_p5:.3f}")
    counted = (_count(n_learnt), _count(one.n_texts))
    return [name, *counted, *cosines, *map(_percent, shares), f"{one.spearman:.3f}"]


def points(drop: Drop) -> str:
    """Return a drop with its 95 % interval."""
    return f"{drop.points:+.2f} ({drop.low:+.2f} to {drop.high:+.2f})"


def shape(config: Mapping[str, Any], n_parameters: int) -> str:
    """Return the sizes of a DistilBERT."""
    return (
        f"{config['n_layers']} layers, {config['dim']} wide, {config['n_heads']} heads, "
        f"{config['vocab_size']:,} tokens, {n_parameters / 1e6:.1f} M parameters"
    )


def training(records: Mapping[str, Mapping[str, Any]], machine: str, tools: str) -> str:
    """Return how long each stage took, where and with what."""
    each = (f"{name} {_stage(record)}" for name, record in records.items())
    return f"Trained on {machine}, with {tools}: {'; '.join(each)}."


def _stage(record: Mapping[str, Any]) -> str:
    epochs, n_rows = record["stage"]["epochs"], record["stage"].get("max_rows", 0)
    drawn = f" of {n_rows:,} texts, drawn at random" if n_rows else ""
    minutes = record["seconds"] / 60
    return f"{minutes:.0f} minutes ({record['steps']:,} steps, {epochs} epochs{drawn})"


def _value(quality: Quality) -> str:
    if quality.metric == "accuracy":
        return _percent(quality.value)
    return f"{quality.value:.3f}"


def _percent(value: float) -> str:
    return f"{value * 100:.1f} %"


def _count(n: int) -> str:
    return f"{n:,}" if n else ""


def _mean(values: Iterable[float]) -> float:
    kept = list(values)
    return sum(kept) / len(kept)
