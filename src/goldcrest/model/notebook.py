"""What was measured on this machine, kept in the cache folder so that the next start is faster."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path

import msgspec

_log = logging.getLogger(__name__)


class Notes(msgspec.Struct, frozen=True):
    """What is known of one artifact on one machine.

    Attributes:
        choices: precision asked for -> the candidate that was the fastest.
        costs: candidate -> shape, such as "4x64" -> seconds.
    """

    choices: dict[str, str] = {}
    costs: dict[str, dict[str, float]] = {}


class Notebook:
    """One file of notes; losing it costs a measurement, never an answer.

    Args:
        folder: of the cache.
        key: everything on which the figures depend: artifact, runtime, processor, threads.
    """

    def __init__(self, folder: Path, key: tuple[str, ...]) -> None:
        digest = hashlib.sha256("\n".join(key).encode()).hexdigest()[:24]
        self._file = folder / "measured" / f"{digest}.json"

    def read(self) -> Notes:
        """The notes; empty where there are none, or where they cannot be read."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Notes)
        except (FileNotFoundError, NotADirectoryError):
            return Notes()
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning("%s is unreadable and will be measured anew: %s", self._file, error)
            return Notes()

    def choose(self, precision: str, candidate: str) -> None:
        """Note which candidate was the fastest for a precision asked for."""
        notes = self.read()
        choices = {**notes.choices, precision: candidate}
        self._write(msgspec.structs.replace(notes, choices=choices))

    def price(self, candidate: str, costs: dict[str, float]) -> None:
        """Note what a candidate's shapes cost."""
        notes = self.read()
        self._write(msgspec.structs.replace(notes, costs={**notes.costs, candidate: costs}))

    def _write(self, notes: Notes) -> None:
        draft = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(notes))
            draft.replace(self._file)
        except OSError as error:
            _log.warning("cannot keep what was measured in %s: %s", self._file, error.strerror)
            with suppress(OSError):
                draft.unlink()
