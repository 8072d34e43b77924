"""The folder that is served: variants of a graph, a tokenizer, and a manifest that vouches for them."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from goldcrest.errors import ArtifactCorrupt, ArtifactError, NoVariant
from goldcrest.names import Pooling, ProblemType, Readable

FORMAT = 1
MANIFEST = "manifest.json"


class FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the artifact and what it must be."""

    file: str
    sha256: str
    n_bytes: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an artifact is; ``manifest.json`` is this and nothing more.

    Attributes:
        format: version of the layout of the folder.
        made_by: the Goldcrest version that wrote it.
        source: the model it was made from, as it was named.
        source_digest: of that model's configuration and weights.
        family: such as "distilbert".
        dimensions: width of a state, and so of an embedding.
        max_length: tokens per item, special ones included.
        has_token_types: whether the graph takes them.
        variants: by precision: "f32", "int8" or "int8-weights".
        passed: the ways to run it that kept its quality when it was optimised, such as
            "int8+bf16"; no other is taken. Empty where nobody measured that.
        mask_token: stands in a text for a token that is to be found; empty where there is none.
        prompts: texts that an embedder was trained to see before its own, by name.
        default_prompt: the name of the one that is put there where none is asked for.
    """

    format: int
    made_by: str
    source: str
    source_digest: str
    family: str
    task: Readable
    dimensions: int
    max_length: int
    has_token_types: bool
    tokenizer: FileEntry
    variants: dict[str, FileEntry]
    labels: tuple[str, ...] = ()
    problem_type: ProblemType = "single_label_classification"
    pooling: Pooling = "cls"
    normalize: bool = False
    mask_token: str = ""
    prompts: dict[str, str] = {}
    default_prompt: str = ""
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact on disk, its manifest read.

    Attributes:
        digest: of the manifest, and so, through the digests in it, of everything.
    """

    folder: Path
    manifest: Manifest
    digest: str

    @property
    def tokenizer(self) -> Path:
        return self.folder / self.manifest.tokenizer.file

    def variant(self, precision: str) -> Path:
        """The graph of one precision.

        Raises:
            NoVariant: the artifact does not have it.
        """
        if precision not in self.manifest.variants:
            raise NoVariant(
                f"{self.folder} has no variant {precision!r}; "
                f"there are: {', '.join(self.manifest.variants)}"
            )
        return self.folder / self.manifest.variants[precision].file

    def verify(self, *precisions: str) -> None:
        """Compare the tokenizer, and the variants named, with their digests.

        Raises:
            ArtifactCorrupt: one is missing or altered; the message names it.
        """
        entries = [self.manifest.variants[precision] for precision in precisions]
        for entry in (self.manifest.tokenizer, *entries):
            _verify(self.folder, entry)


def is_artifact(folder: Path) -> bool:
    """Whether a folder claims to be one."""
    return (folder / MANIFEST).is_file()


def open_artifact(folder: Path) -> Artifact:
    """Read an artifact's manifest; ``verify`` checks the other files.

    Raises:
        ArtifactCorrupt: the manifest is missing or cannot be read.
        ArtifactError: it is of a format that this version does not know.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
        fmt = msgspec.json.decode(text, type=dict[str, object]).get("format")
        if fmt != FORMAT:
            raise ArtifactError(
                f"{folder / MANIFEST} has format {fmt}, this version reads {FORMAT}"
            )
        manifest = _reader.decode(text)
    except (OSError, msgspec.MsgspecError) as error:
        raise ArtifactCorrupt(f"{folder / MANIFEST} cannot be read: {error}", MANIFEST) from error
    return Artifact(folder, manifest, hashlib.sha256(text).hexdigest())


_reader = msgspec.json.Decoder(Manifest)
"""Made when this is imported: two threads that are the first to read a type crash in msgspec."""


class Draft:
    """An artifact in the making: files gather in a folder beside the target, then take its place.

    A process that dies half-way leaves no artifact, never half of one; what it leaves behind is
    swept away a day later by the next draft.

    Raises:
        ArtifactError: the target holds something that is not an artifact, or cannot be written.
    """

    def __init__(self, target: Path) -> None:
        self._target = target.resolve()
        self._refuse_others()
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            _sweep(self._target)
            self.folder = self._beside()
        except OSError as error:
            raise ArtifactError(f"{target} cannot be written: {error.strerror}") from error

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def publish(self, manifest: Manifest) -> Artifact:
        """Write the manifest and move the folder into place, over an older artifact if any.

        Where another process publishes at the same moment, the later one stays.

        Raises:
            ArtifactError: the target holds something that is not an artifact.
        """
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
        (self.folder / MANIFEST).write_bytes(text + b"\n")
        for file in self.folder.iterdir():
            _flush(file)
        self.folder.chmod(0o755)
        for _ in range(_ATTEMPTS):
            self._set_aside()
            try:
                self.folder.rename(self._target)
            except OSError:  # another process was quicker
                continue
            return open_artifact(self._target)
        raise ArtifactError(f"{self._target} is being written by others; try again")

    def _refuse_others(self) -> None:
        target = self._target
        if target.exists() and not target.is_dir():
            raise ArtifactError(f"{target} is a file, not a folder; it is left alone")
        if target.exists() and any(target.iterdir()) and not is_artifact(target):
            raise ArtifactError(f"{target} is not empty and not an artifact; it is left alone")

    def _set_aside(self) -> None:
        """Move an older artifact out of the way, whole, and remove it there."""
        self._refuse_others()
        aside = self._beside()
        with suppress(OSError):  # it is not there, or another process moved it first
            self._target.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)

    def _beside(self) -> Path:
        return Path(mkdtemp(prefix=f".{self._target.name}-", dir=self._target.parent))


_CHUNK_BYTES = 2**23
"""Read at once for a digest: between two chunks another thread may keep the interpreter."""

_ATTEMPTS = 5
_STALE_S = 86_400


def _sweep(target: Path) -> None:
    """Remove the drafts of processes that died."""
    for left in target.parent.glob(f".{target.name}-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left)


def _flush(file: Path) -> None:
    """Make sure that a file is on the disk before the folder takes its name."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def entry(file: Path) -> FileEntry:
    """Describe a file for the manifest."""
    return FileEntry(file.name, _sha256(file), file.stat().st_size)


def _verify(folder: Path, entry: FileEntry) -> None:
    file = folder / entry.file
    if file.parent != folder:
        raise ArtifactCorrupt(f"{entry.file!r} in {MANIFEST} lies outside the artifact", entry.file)
    if not file.is_file():
        raise ArtifactCorrupt(f"{file} is missing", entry.file)
    n_bytes = file.stat().st_size
    if n_bytes != entry.n_bytes:
        raise ArtifactCorrupt(f"{file} has {n_bytes} bytes, not {entry.n_bytes}", entry.file)
    if _sha256(file) != entry.sha256:
        raise ArtifactCorrupt(f"{file} does not match the digest in {MANIFEST}", entry.file)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        digest = hashlib.sha256()
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
        return digest.hexdigest()
