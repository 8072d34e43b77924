"""What was measured on this machine, kept in the cache folder so that the next start is faster."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import msgspec

from goldcrest.turn import turn

_log = logging.getLogger(__name__)

_PATIENCE_S = 2.0
"""How long a note waits for one that another process writes."""

_unwritten: dict[Path, Notes] = {}
"""Notes that could not be written: the process remembers them as long as it lives."""


class Notes(msgspec.Struct, frozen=True):
    """What is known of one artifact on one machine.

    Attributes:
        choices: precision asked for -> the candidate that was the fastest.
        costs: candidate -> shape, such as "4x64" -> seconds.
        sizes: candidate -> bytes that it takes in memory when it is warm.
    """

    choices: dict[str, str] = {}
    costs: dict[str, dict[str, float]] = {}
    sizes: dict[str, int] = {}


_reader = msgspec.json.Decoder(Notes)
"""Made when this is imported: two threads that are the first to read a type crash in msgspec."""


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
        if self._file in _unwritten:
            return _unwritten[self._file]
        try:
            return _reader.decode(self._file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return Notes()
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning("%s is unreadable and will be measured anew: %s", self._file, error)
            return Notes()

    def measuring(self, patience_s: float) -> AbstractContextManager[bool]:
        """Around a measurement: whoever measures here does so undisturbed, one after the other.

        The notes should be read again within: another process may have measured the same.
        """
        return turn(self._file.with_name(".measuring"), patience_s=patience_s)

    def choose(self, precision: str, candidate: str) -> None:
        """Note which candidate was the fastest for a precision asked for."""
        self._change(
            lambda notes: msgspec.structs.replace(
                notes, choices={**notes.choices, precision: candidate}
            )
        )

    def price(self, candidate: str, costs: dict[str, float]) -> None:
        """Note what a candidate's shapes cost."""
        self._change(
            lambda notes: msgspec.structs.replace(notes, costs={**notes.costs, candidate: costs})
        )

    def weigh(self, candidate: str, n_bytes: int) -> None:
        """Note what a candidate takes in memory."""
        self._change(
            lambda notes: msgspec.structs.replace(notes, sizes={**notes.sizes, candidate: n_bytes})
        )

    def _change(self, changed: Callable[[Notes], Notes]) -> None:
        """Read, change and write, so that no note of another process is lost."""
        with turn(self._file.with_name(".writing"), patience_s=_PATIENCE_S):
            self._write(changed(self.read()))

    def _write(self, notes: Notes) -> None:
        draft = self._file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(notes))
            draft.replace(self._file)
        except OSError as error:
            if self._file not in _unwritten:  # said once
                _log.warning("cannot keep what was measured in %s: %s", self._file, error.strerror)
            _unwritten[self._file] = notes
            with suppress(OSError):
                draft.unlink()
        else:
            _unwritten.pop(self._file, None)
