"""The texts: lengths as they come in real traffic, every text different from all others."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

MEDIAN_WORDS = 20
SIGMA = 0.8
MOST_WORDS = 250
N_WORDS = 5000
N_PROBES = 16


def find_vocabulary(given: Path | None, root: Path) -> Path:
    """The vocabulary to make the tokenizer and the texts from: the one given, or a shipped one."""
    shipped = sorted((root / "src" / "goldcrest" / "builtin").glob("*/tokenizer.json"))
    candidates = [given] if given else shipped
    if not candidates or not candidates[0].is_file():
        raise FileNotFoundError(f"no vocabulary at {given or 'src/goldcrest/builtin'}: use --vocab")
    return max(candidates, key=lambda path: path.stat().st_size)


def vocabulary_words(path: Path) -> list[str]:
    """The frequent plain words of a vocabulary (vocab.txt or tokenizer.json)."""
    plain = (w for w in _entries(path) if w.isascii() and w.isalpha() and len(w) > 3)
    return [word for word, _ in zip(plain, range(N_WORDS), strict=False)]


def _entries(path: Path) -> Iterable[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".json":
        return text.splitlines()
    vocabulary: dict[str, int] = json.loads(text)["model"]["vocab"]
    return sorted(vocabulary, key=lambda word: vocabulary[word])


@dataclass
class Texts:
    """An endless source of texts of log-normal lengths; none comes twice."""

    words: list[str]
    seed: int
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._generator = np.random.default_rng(self.seed)

    def take(self, n: int) -> list[str]:
        """The next n texts."""
        texts: list[str] = []
        while len(texts) < n:
            fresh = [t for t in self._draw(n - len(texts)) if not self._was_seen(t)]
            texts.extend(fresh)
        return texts

    def _was_seen(self, text: str) -> bool:
        known = text in self._seen
        self._seen.add(text)
        return known

    def _draw(self, n: int) -> list[str]:
        lengths = self._lengths(n)
        picks = self._generator.integers(len(self.words), size=int(lengths.sum()))
        parts = np.split(picks, np.cumsum(lengths)[:-1])
        return [" ".join(self.words[index] for index in part) for part in parts]

    def _lengths(self, n: int) -> npt.NDArray[np.int64]:
        drawn = self._generator.lognormal(np.log(MEDIAN_WORDS), SIGMA, n)
        return np.clip(drawn, 2, MOST_WORDS).astype(np.int64)


@dataclass(frozen=True)
class Size:
    """How much load: clients per level, requests and seconds at least, answers checked."""

    clients: tuple[int, ...] = (1, 8, 32, 128)
    requests: int = 600
    seconds: float = 5.0
    warm_up: int = 96
    checked: int = 24
    fastest: int = 1500  # texts a second for which texts are made; a faster server ends earlier

    def at_least(self, clients: int) -> int:
        """Enough requests that every client sends several."""
        return max(self.requests, 8 * clients)

    def pool(self, clients: int) -> int:
        return max(self.at_least(clients), int(self.seconds * self.fastest))

    @property
    def keep(self) -> tuple[int, ...]:
        """The indices of the answers that are compared with the reference."""
        step = max(1, self.requests // self.checked)
        return tuple(range(0, self.requests, step))[: self.checked]


@dataclass(frozen=True)
class Script:
    """The texts of one repeat: every server is given the same."""

    priming: list[str]
    probes: list[str]
    warm_up: list[str]
    levels: dict[int, list[str]]

    def checked(self, size: Size) -> list[str]:
        """The texts whose answers are compared with the reference."""
        return [texts[index] for texts in self.levels.values() for index in size.keep]


def write_script(texts: Texts, size: Size) -> Script:
    """Takes the next texts for one repeat."""
    return Script(
        priming=texts.take(N_PROBES),
        probes=texts.take(N_PROBES),
        warm_up=texts.take(size.warm_up),
        levels={clients: texts.take(size.pool(clients)) for clients in size.clients},
    )
