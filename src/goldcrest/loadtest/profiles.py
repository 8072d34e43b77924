"""What is sent: how long texts are, or the texts themselves, and their classes of urgency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from goldcrest.errors import ConfigError
from goldcrest.names import Priority

DEFAULT = "mixed"
MAX_TEXTS = 1_000_000
CHARACTERS_PER_TOKEN = 4.5
"""Of English in the usual vocabularies: for texts whose tokens nobody counted."""
SPECIAL_TOKENS = 2
"""That a model puts around a text: they are part of the lengths of built-in profiles."""

Ints = NDArray[np.int64]


class Lengths(msgspec.Struct, frozen=True):
    """A distribution of lengths in tokens, special ones included.

    Attributes:
        points: (share of the texts, tokens that these do not exceed), both ascending, from share
            0 to 1; straight between.
    """

    points: tuple[tuple[float, int], ...]

    def sample(self, n: int, generator: np.random.Generator) -> Ints:
        """Draw n lengths."""
        shares, tokens = zip(*self.points, strict=True)
        drawn = np.interp(generator.random(n), shares, tokens)
        return np.asarray(np.rint(drawn), dtype=np.int64)


class Given(msgspec.Struct, frozen=True):
    """A text, its class (empty for none), and its length in tokens (0 where nobody counted)."""

    text: str
    priority: str = ""
    n_tokens: int = 0


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What the requests of a load test hold.

    Attributes:
        mixture: shares and distributions of lengths, for texts that are made up.
        texts: sent as they are, in turn; empty where texts are made up.
        classes: share of the requests per class; empty: none is named.
        texts_per_request: in each.
        repeats: share of the texts that were sent before, some far more often than others.
    """

    name: str
    about: str = ""
    mixture: tuple[tuple[float, Lengths], ...] = ()
    texts: tuple[Given, ...] = ()
    classes: Mapping[str, float] = {}
    texts_per_request: int = 1
    repeats: float = 0.0

    def sample_tokens(self, n: int, generator: np.random.Generator) -> Ints:
        """Draw the lengths of n texts, in tokens; those of given texts are estimated."""
        if self.texts:
            known = np.array([estimated_tokens(given.text) for given in self.texts])
            return np.asarray(generator.choice(known, n), dtype=np.int64)
        shares = np.array([share for share, _ in self.mixture])
        kinds = generator.choice(len(shares), n, p=shares / shares.sum())
        drawn = np.stack([lengths.sample(n, generator) for _, lengths in self.mixture])
        return np.asarray(drawn[kinds, np.arange(n)])


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has, special ones included."""
    return max(1, round(len(text) / CHARACTERS_PER_TOKEN)) + SPECIAL_TOKENS


class _Described(msgspec.Struct):
    about: str
    points: tuple[tuple[float, int], ...]


class _Mixture(msgspec.Struct):
    about: str
    shares: dict[str, float]


class _Figures(msgspec.Struct):
    profiles: dict[str, _Described]
    mixtures: dict[str, _Mixture]


@cache
def builtin() -> Mapping[str, Profile]:
    """The profiles that come with Goldcrest; figures only, their texts are made up."""
    content = files("goldcrest.loadtest").joinpath("lengths.json").read_bytes()
    figures = msgspec.json.decode(content, type=_Figures)
    lengths = {name: Lengths(row.points) for name, row in figures.profiles.items()}
    plain = {
        name: Profile(name=name, about=row.about, mixture=((1.0, lengths[name]),))
        for name, row in figures.profiles.items()
    }
    mixed = {
        name: Profile(
            name=name,
            about=row.about,
            mixture=tuple((share, lengths[part]) for part, share in row.shares.items()),
        )
        for name, row in figures.mixtures.items()
    }
    return {**mixed, **plain}


def find(name: str) -> Profile:
    """The built-in profile of that name, or the texts of a file.

    Raises:
        ConfigError: it is neither, or the file cannot be read.
    """
    if name in builtin():
        return builtin()[name]
    file = Path(name).expanduser()
    if not file.is_file():
        known = ", ".join(builtin())
        raise ConfigError(f"{name!r} is neither a file nor a built-in profile; there are: {known}")
    return Profile(name=file.name, about="texts of a file", texts=tuple(read_texts(file)))


class _Line(msgspec.Struct, rename={"priority": "class"}):
    text: str
    priority: str = ""


def read_texts(file: Path) -> Sequence[Given]:
    """Read texts: one a line, or JSON lines with ``text`` and perhaps ``class``.

    Raises:
        ConfigError: the file cannot be read, holds no text, or a line is not valid.
    """
    lines = [line for line in read_lines(file) if line.strip()]
    if not lines or len(lines) > MAX_TEXTS:
        raise ConfigError(f"{file} holds {len(lines)} texts; it may hold 1 to {MAX_TEXTS:,}")
    if not lines[0].lstrip().startswith("{"):
        return [Given(line) for line in lines]
    return [_given(file, number, line) for number, line in enumerate(lines, start=1)]


def _given(file: Path, number: int, line: str) -> Given:
    try:
        entry = msgspec.json.decode(line, type=_Line)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"line {number} of {file} is not valid: {error}") from error
    return Given(entry.text, read_class(entry.priority))


def read_lines(file: Path) -> list[str]:
    """The lines of a file, without their ends.

    Raises:
        ConfigError: it cannot be read, or is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def read_class(name: str) -> str:
    """A class of urgency, checked; empty stays empty.

    Raises:
        ConfigError: there is no such class.
    """
    if name and name not in get_args(Priority):
        raise ConfigError(f"{name!r} is not a class; there are: {', '.join(get_args(Priority))}")
    return name


def read_mix(text: str) -> Mapping[str, float]:
    """Read shares of classes such as ``interactive=0.2,bulk=0.8``; they are scaled to sum to 1.

    Raises:
        ConfigError: it is not written so.
    """
    shares: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, share = part.partition("=")
        shares[read_class(name.strip())] = _share(part, share)
    total = sum(shares.values())
    if total <= 0:
        raise ConfigError(f"--mix {text!r} is not valid; write it as in interactive=0.2,bulk=0.8")
    return {name: share / total for name, share in shares.items()}


def _share(part: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1_000_000:
        raise ConfigError(f"the share {part!r} of --mix is not valid; see interactive=0.2,bulk=0.8")
    return share
