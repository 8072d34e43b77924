"""Finds a checkpoint: a local folder, or a repository on the Hugging Face Hub."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from huggingface_hub import HfApi, constants, errors, snapshot_download

from goldcrest.breaker import HUB, BreakerOpen, Guard
from goldcrest.errors import CheckpointNotFound, PickledWeights

_log = logging.getLogger("goldcrest")

_PATTERNS = [
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer*.json",
    "added_tokens.json",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "modules.json",
    "sentence_*_config.json",
    "config_sentence_transformers.json",
    "*/config.json",
    "*/tokenizer*.json",
    "*/vocab.txt",
]
_PICKLE_PATTERNS = ["*.bin"]
_PICKLE_SUFFIXES = {".bin", ".pt", ".pth", ".pkl", ".ckpt"}
_COMMIT = re.compile("[0-9a-f]{40}")
_PATIENCE_S = 10.0
"""How long the Hub may take to say that it is there."""
_WAITS_S = (0.5, 2.0)
"""How long it is waited before it is asked again."""
_KNOWS_WHAT_IS_WHOLE = hasattr(errors, "IncompleteSnapshotError")
"""Whether the Hub's client notes what belongs to a copy; an older one takes half for the whole."""
_pause = time.sleep
T = TypeVar("T")
_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?(@[\w./-]+)?", re.ASCII)
# The Hub's client has changed its HTTP library twice; what its own error derives from is always
# the base of that library's errors.
_HUB_ERRORS: tuple[type[Exception], ...] = (OSError, *errors.HfHubHTTPError.__bases__, ValueError)
_NO_ANSWER: tuple[type[Exception], ...] = (*_HUB_ERRORS, BreakerOpen)
_REASONS: dict[type[Exception], str] = {
    errors.GatedRepoError: (
        "the repository of that name on the Hub is gated: accept its terms there and give a token"
    ),
    errors.RepositoryNotFoundError: (
        "the Hub has no repository of that name, or it is private and needs another token"
    ),
    errors.RevisionNotFoundError: "the repository of that name on the Hub has no such revision",
    errors.OfflineModeIsEnabled: (
        "the Hub was not asked, for HF_HUB_OFFLINE is set, and no whole copy is in its cache"
    ),
}


def locate(
    name: str,
    *,
    token: str | None = None,
    endpoint: str | None = None,
    pickles: bool = False,
    guard: Guard | None = None,
) -> Path:
    """Find the folder of a checkpoint, fetching it from the Hub where it is not local.

    A revision that is pinned to a commit, and is whole in the Hub's cache, is opened without
    asking. What passes is tried again; if the Hub does not answer, its cached copy is opened.

    Args:
        name: a folder, or a Hub id ``org/name`` or ``name``, with an optional ``@revision``.
        token: for private and gated repositories; by default what the Hub's own client finds.
        endpoint: address of the Hub; by default the environment's ``HF_ENDPOINT``.
        pickles: fetch and accept pickled weights too. Nothing here opens them.
        guard: keeps from asking a Hub that failed too often; by default that of the process.

    Raises:
        CheckpointNotFound: neither a folder nor a repository that can be reached.
        PickledWeights: the repository has no safetensors.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if not _ID.fullmatch(name):
        raise CheckpointNotFound(
            f"{name!r} is neither a folder nor a Hub id of the form org/name or org/name@revision"
        )
    wanted = _Wanted(name, token, endpoint, tuple(_PATTERNS + _PICKLE_PATTERNS * pickles))
    patiently = partial(_patiently, guard=guard or HUB)
    try:
        pinned = _cached_copy(wanted) if wanted.is_pinned and _KNOWS_WHAT_IS_WHOLE else None
        found = pinned or _asked_for(wanted, patiently)
        if not pickles and not any(found.rglob("*.safetensors")):
            _refuse_pickles(name, patiently(wanted.files))
    except _NO_ANSWER as error:
        raise CheckpointNotFound(f"{name!r} is no folder here, and {_why(error)}") from error
    return found


def at_hand(name: str) -> Path | None:
    """The folder of a checkpoint if it lies here already, as `locate` names it; nobody is asked."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    return (
        _cached_copy(_Wanted(name, None, None, tuple(_PATTERNS))) if _ID.fullmatch(name) else None
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A repository, and which of its files."""

    name: str
    token: str | None
    endpoint: str | None
    patterns: tuple[str, ...]

    @property
    def repository(self) -> str:
        return self.name.partition("@")[0]

    @property
    def revision(self) -> str | None:
        return self.name.partition("@")[2] or None

    @property
    def is_pinned(self) -> bool:
        """Whether it can never change."""
        return _COMMIT.fullmatch(self.revision or "") is not None

    def fetch(self) -> Path:
        """Ask whether the Hub is there, then fetch what is not in the cache yet."""
        self._api().model_info(
            self.repository, revision=self.revision or "main", timeout=_PATIENCE_S
        )
        return self.copy(is_local=False)

    def copy(self, *, is_local: bool) -> Path:
        """The folder in the cache; local: as it is, without asking."""
        return Path(
            snapshot_download(
                self.repository,
                revision=self.revision,
                token=self.token,
                endpoint=self.endpoint,
                allow_patterns=list(self.patterns),
                local_files_only=is_local,
            )
        )

    def files(self) -> list[str]:
        """The names of all its files, as the Hub tells them."""
        return self._api().list_repo_files(self.repository, revision=self.revision)

    def _api(self) -> HfApi:
        return HfApi(endpoint=self.endpoint, token=self.token)


def _cached_copy(wanted: _Wanted) -> Path | None:
    """The copy that was fetched before, if it is whole."""
    try:
        return wanted.copy(is_local=True)
    except _HUB_ERRORS:
        return None


def _asked_for(wanted: _Wanted, patiently: Callable[[Callable[[], Path]], Path]) -> Path:
    """What the Hub has now; where it does not answer, the copy that was fetched before."""
    try:
        return patiently(wanted.fetch)
    except errors.RevisionNotFoundError:
        raise
    except _NO_ANSWER as error:
        found = _cached_copy(wanted)
        if found is None:
            raise
        if not constants.HF_HUB_OFFLINE:
            _log.warning(
                "%s: %s; the copy %s in its cache is used, which may not be the latest",
                wanted.name,
                _why(error).partition(", and no whole copy")[0],
                found.name[:12],
            )
        return found


def _patiently(ask: Callable[[], T], guard: Guard) -> T:
    """Ask again, a little later each time, if what went wrong may pass."""
    for wait_s in _WAITS_S:
        try:
            return _attempt(ask, guard)
        except _HUB_ERRORS as error:
            if not _may_pass(error):
                raise
            _log.info("%s; asking again in %g s", _why(error).partition(", and")[0], wait_s)
        _pause(wait_s)
    return _attempt(ask, guard)


def _attempt(ask: Callable[[], T], guard: Guard) -> T:
    """Ask once; a Hub that is busy, broken or out of reach has failed, any other word answers."""
    permit = guard.admit()
    if permit is None:
        raise BreakerOpen("the Hub", guard.rest_s)
    try:
        result = ask()
    except _HUB_ERRORS as error:
        failed = _may_pass(error) or _is_out_of_reach(error)
        guard.settle(permit, failed=failed, error=error)
        raise
    except BaseException:
        guard.settle(permit, failed=None)
        raise
    guard.settle(permit, failed=False)
    return result


def _may_pass(error: Exception) -> bool:
    """Whether it is worth asking again: the Hub is busy, broken or slow."""
    status = _status(error)
    if status is not None:
        return status in (408, 429) or status >= 500
    causes = (type(error), type(error.__cause__ or error))
    return any("Timeout" in kind.__name__ for cause in causes for kind in cause.__mro__)


def _is_out_of_reach(error: Exception) -> bool:
    is_ours = isinstance(error, (ValueError, errors.OfflineModeIsEnabled)) or _is_disk(error)
    return _status(error) is None and not is_ours


def _is_disk(error: BaseException | None) -> bool:
    """Whether the file system failed, rather than the network."""
    is_network = isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, OSError) and error.errno is not None and not is_network


def _status(error: Exception) -> int | None:
    response = getattr(error.__cause__ or error, "response", None)
    return None if response is None else int(response.status_code)


def pickles_among(files: Iterable[str]) -> list[str]:
    """The names of those files that hold pickled weights."""
    return sorted(
        name
        for name in files
        if Path(name).suffix in _PICKLE_SUFFIXES and Path(name).name != "training_args.bin"
    )


def refusal(source: str, pickled: list[str]) -> PickledWeights:
    """The error that names the command which converts pickled weights."""
    bare = Path(source.partition("@")[0]).name
    return PickledWeights(
        f"{source} holds its weights only as a pickle ({', '.join(pickled)}), which can run code "
        f"when it is opened; convert it once with: goldcrest convert {source} {bare}-safetensors"
    )


def _refuse_pickles(name: str, files: list[str]) -> None:
    pickled = pickles_among(files)
    if pickled:
        raise refusal(name, pickled)
    raise CheckpointNotFound(f"the repository {name} on the Hub has no *.safetensors file")


def _why(error: Exception) -> str:
    """Say in words what the Hub's client met; never repeats headers, so never a token."""
    for kind, words in _REASONS.items():  # a gated repository is also one that is not found
        if isinstance(error, kind) or isinstance(error.__cause__, kind):
            return words
    if isinstance(error, ValueError):
        return f"it is no Hub id either: {error}"
    if isinstance(error, BreakerOpen):
        return f"{error}, and no whole copy is in its cache"
    if _is_disk(error):
        return f"the cache of the Hub's client cannot be used: {error}"
    status = _status(error)
    if status is None:
        return "the Hub cannot be reached, and no whole copy is in its cache"
    return f"the Hub answered with status {status}, and no whole copy is in its cache"
