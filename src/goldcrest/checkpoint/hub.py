"""Finds a checkpoint: a local folder, or a repository on the Hugging Face Hub."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from huggingface_hub import HfApi, errors, snapshot_download

from goldcrest.errors import CheckpointNotFound, PickledWeights

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
_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?(@[\w./-]+)?", re.ASCII)
# The Hub's client has changed its HTTP library twice; what its own error derives from is always
# the base of that library's errors.
_HUB_ERRORS: tuple[type[Exception], ...] = (OSError, *errors.HfHubHTTPError.__bases__, ValueError)
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
    name: str, *, token: str | None = None, endpoint: str | None = None, pickles: bool = False
) -> Path:
    """Find the folder of a checkpoint, fetching it from the Hub where it is not local.

    Args:
        name: a folder, or a Hub id ``org/name`` or ``name``, with an optional ``@revision``.
        token: for private and gated repositories; by default what the Hub's own client finds.
        endpoint: address of the Hub; by default the environment's ``HF_ENDPOINT``.
        pickles: fetch and accept pickled weights too. Nothing here opens them.

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
    repository, _, revision = name.partition("@")
    patterns = _PATTERNS + _PICKLE_PATTERNS if pickles else _PATTERNS
    api = HfApi(endpoint=endpoint, token=token)
    try:
        fetched = snapshot_download(
            repository,
            revision=revision or None,
            token=token,
            endpoint=endpoint,
            allow_patterns=patterns,
        )
        found = Path(fetched)
        if not pickles and not any(found.rglob("*.safetensors")):
            _refuse_pickles(name, api.list_repo_files(repository, revision=revision or None))
    except _HUB_ERRORS as error:
        raise CheckpointNotFound(f"{name!r} is no folder here, and {_why(error)}") from error
    return found


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
    response = getattr(error.__cause__ or error, "response", None)
    if response is None:
        return "the Hub cannot be reached, and no whole copy is in its cache"
    return f"the Hub answered with status {response.status_code}, and no whole copy is in its cache"
