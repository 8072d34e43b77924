"""Throughput of each precision on this processor, and on lesser ones that it imitates."""

import os
import shutil
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from tokenizers import Tokenizer

from benchmarks.workload import Texts, find_vocabulary, vocabulary_words
from goldcrest.app.site import usable
from goldcrest.artifact import Artifact, is_artifact, open_artifact
from goldcrest.checkpoint import read
from goldcrest.compile import COMPILER, build_artifact
from goldcrest.config.machine import usable_processors
from goldcrest.engine.choice import Candidate
from goldcrest.engine.processor import processor
from goldcrest.optimize.choosing import native
from goldcrest.optimize.orders import Setup
from goldcrest.optimize.probing import Observed, Subject, measured
from goldcrest.optimize.result import Pace
from goldcrest.optimize.speed import pace
from goldcrest.testing import random_checkpoint

SIZES: dict[str, Any] = {
    "n_layers": 6,
    "width": 768,
    "n_heads": 12,
    "ffn_width": 3072,
    "max_positions": 512,
}
N_TEXTS, SEED = 256, 11
OBJECTIVE_S = 1.0  # longer than any grid: all run at the knee of their own throughput
VARIABLE = "ONEDNN_MAX_CPU_ISA"


@dataclass(frozen=True)
class Limit:
    """An instruction set that oneDNN is held to.

    `needs` are the features without which this processor cannot imitate it.
    """

    name: str
    value: str
    needs: frozenset[str] = frozenset()


LIMITS = (
    Limit("none", ""),
    Limit("AVX-512 with VNNI", "AVX512_CORE_VNNI", frozenset({"avx512_vnni"})),
    Limit("AVX-512", "AVX512_CORE", frozenset({"avx512f"})),
    Limit("AVX2 with VNNI", "AVX2_VNNI", frozenset({"avx_vnni"})),
    Limit("AVX2", "AVX2", frozenset({"avx2"})),
)


@dataclass(frozen=True)
class Standing:
    """One candidate under one limit; `problem` says why there is no pace."""

    limit: str
    name: str
    pace: Pace | None
    grown_bytes: int
    start_s: float
    problem: str = ""


class Shows:
    """Tells the console of each step."""

    def __init__(self, console: Console, limit: str) -> None:
        self._console, self._limit = console, limit

    def begin(self, step: str) -> None:
        self._console.print(f"{self._limit}: {step}", highlight=False)

    def seen(self, done: int, total: int) -> None:
        pass

    def say(self, line: str) -> None:
        pass


def artifact(home: Path, root: Path) -> Artifact:
    """DistilBERT-base's shape with random weights and a real vocabulary, in all variants."""
    folder, tokenizer = home / f"distilbert-{COMPILER}", find_vocabulary(None, root)
    if is_artifact(folder):
        return open_artifact(folder)
    n_tokens = Tokenizer.from_file(str(tokenizer)).get_vocab_size()
    made = random_checkpoint(home / "checkpoint", vocab_size=n_tokens, n_labels=2, **SIZES)
    shutil.copy(tokenizer, made / "tokenizer.json")
    texts = Texts(vocabulary_words(tokenizer), seed=SEED + 1).take(1200)
    return build_artifact(
        read(made, "distilbert-sized"),
        folder,
        variants=("f32", "int8", "int8-weights"),
        calibration=texts,
    )


def standings(
    home: Path, root: Path, *, names: Collection[str], n_rounds: int, console: Console
) -> list[Standing]:
    """Measure every candidate under every limit named, or all; those of one limit take turns."""
    with console.status("compiling"):
        subject = artifact(home, root)
    texts = Texts(vocabulary_words(find_vocabulary(None, root)), seed=SEED).take(N_TEXTS)
    here = usable(processor())
    able = [limit for limit in LIMITS if limit.needs <= here.features]
    able = [limit for limit in able if limit.name in names or not names]
    found = []
    for limit in able:
        ways = native(here) if not limit.value else native(here.without_bf16().without_f16())
        subjects = [_subject(way, subject, texts, limit=limit, home=home) for way in ways]
        command = (sys.executable, "-m", "goldcrest.cli.probe")
        watch = Shows(console, limit.name)
        seen = measured(subjects, command, n_rounds=n_rounds, watch=watch)
        found += [_standing(limit.name, name, one) for name, one in seen.items()]
    return found


def _subject(
    way: Candidate, artifact: Artifact, texts: list[str], *, limit: Limit, home: Path
) -> Subject:
    setup = Setup(
        artifact=str(artifact.folder),
        precision=way.precision,
        variant=way.variant,
        hint=way.hint,
        n_threads=usable_processors(),
        items=tuple(texts),
        max_tokens=1024,
        objective_s=OBJECTIVE_S,
    )
    environment = {key: value for key, value in os.environ.items() if key != VARIABLE}
    if limit.value:
        environment[VARIABLE] = limit.value
    return Subject(str(way), setup, home / f"{way}.log", environment)


def _standing(limit: str, name: str, seen: Observed) -> Standing:
    known = seen.course is not None and seen.rounds and not seen.problem
    paced = pace(seen.course, seen.rounds) if known and seen.course else None
    return Standing(limit, name, paced, seen.grown_bytes, seen.start_s, seen.problem)
