"""Texts to calibrate on and rows to judge by, of three tasks, made from the data sets."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.prepare import intents, sentiment

N_PAIRS = 6_000
N_CALIBRATION = 2_000
SEED = 0


@dataclass(frozen=True)
class Rows:
    """What one task is measured with; no text to calibrate on is among those judged by."""

    calibration: Sequence[str]
    held_back: Sequence[Mapping[str, Any]]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Files for `goldcrest optimize`: --data and --held-back."""
        folder.mkdir(parents=True, exist_ok=True)
        files = folder / "calibration.jsonl", folder / "held_back.jsonl"
        parts = [{"text": text} for text in self.calibration], self.held_back
        for file, rows in zip(files, parts, strict=True):
            file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return files


def of_sentiment(data: Path) -> Rows:
    """Everything that the built-in model's recipe holds back, all sets together."""
    prepared = sentiment.prepare(data, data)
    rows = [row for part in prepared.held_back.values() for row in part]
    return Rows(prepared.calibration, rows)


def of_intents(data: Path) -> Rows:
    """The test set of clinc150: 150 intents."""
    prepared = intents.prepare(data, data)
    return Rows(prepared.calibration, prepared.held_back["clinc150"])


def of_pairs(data: Path) -> Rows:
    """Pairs of test texts of clinc150: 2 of one intent, 1 of one domain only, 0 of two domains."""
    folder, chance = data / "clinc150", random.Random(SEED)  # noqa: S311  # variety, not secrecy
    parts = json.loads((folder / "data_full.json").read_text("utf-8"))
    domains = json.loads((folder / "domains.json").read_text("utf-8"))
    domain_of = {intent: domain for domain, several in domains.items() for intent in several}
    texts: dict[str, list[str]] = {intent: [] for intent in domain_of}
    for text, intent in parts["test"]:
        texts[intent].append(text)
    pairs = [_pair(number % 3, texts, domain_of, chance) for number in range(N_PAIRS)]
    calibration = chance.sample([text for text, _ in parts["train"]], N_CALIBRATION)
    judged = {text for pair in pairs for text in (pair["text"], pair["text_pair"])}
    return Rows([text for text in calibration if text not in judged], pairs)


def _pair(
    grade: int, texts: dict[str, list[str]], domain_of: dict[str, str], chance: random.Random
) -> dict[str, Any]:
    intents = sorted(texts)
    one = chance.choice(intents)
    if grade == 2:
        first, second = chance.sample(texts[one], 2)
    else:
        others = [
            other
            for other in intents
            if other != one and (domain_of[other] == domain_of[one]) == (grade == 1)
        ]
        first, second = chance.choice(texts[one]), chance.choice(texts[chance.choice(others)])
    return {"text": first, "text_pair": second, "label": grade}


TASKS: Mapping[str, Callable[[Path], Rows]] = {
    "sentiment": of_sentiment,
    "intents": of_intents,
    "embedder": of_pairs,
    "minilm": of_pairs,
}
