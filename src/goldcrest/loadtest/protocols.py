"""How a server is asked in each protocol, and how its answer is known to be one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from goldcrest.errors import ConfigError
from goldcrest.serving.urgency import PRIORITY, TIMEOUT

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request before it is written.

    Attributes:
        texts: at least one.
        model: empty for the server's default.
        priority: a class; empty for none.
        timeout_ms: that the server is told of; 0 for none.
    """

    texts: Sequence[str]
    model: str = ""
    priority: str = ""
    timeout_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way to ask.

    Attributes:
        route: that it has by default.
        body: the JSON to send.
        rows: the list in the answer that has a row per text.
        about: for the help.
    """

    route: str
    body: Callable[[Asked], Body]
    rows: Callable[[Any], Any]
    about: str

    def is_answer(self, content: bytes, n_texts: int) -> bool:
        """Whether a body has a row, not an empty one, per text."""
        try:
            found = self.rows(msgspec.json.decode(content))
        except (msgspec.MsgspecError, LookupError, TypeError):
            return False
        return isinstance(found, list) and len(found) == n_texts and all(map(bool, found))


def _named(asked: Asked, body: Body) -> Body:
    return {**body, "model": asked.model} if asked.model else body


def _one_or_list(asked: Asked) -> str | list[str]:
    return asked.texts[0] if len(asked.texts) == 1 else list(asked.texts)


def _embeddings(asked: Asked) -> Body:
    return {"input": _one_or_list(asked), "model": asked.model or "default"}


PROTOCOLS: Mapping[str, Protocol] = {
    "classify": Protocol(
        "/classify",
        lambda asked: _named(asked, {"text": _one_or_list(asked)}),
        lambda reply: reply["predictions"],
        "Goldcrest's own: probabilities per label",
    ),
    "openai": Protocol(
        "/v1/embeddings",
        _embeddings,
        lambda reply: [row["embedding"] for row in reply["data"]],
        "OpenAI's embeddings",
    ),
    "tei-embed": Protocol(
        "/embed",
        lambda asked: {"inputs": _one_or_list(asked), "truncate": True},
        lambda reply: reply,
        "text-embeddings-inference: embeddings",
    ),
    "tei-predict": Protocol(
        "/predict",
        lambda asked: {
            "inputs": asked.texts[0] if len(asked.texts) == 1 else [[t] for t in asked.texts],
            "truncate": True,
        },
        lambda reply: reply if isinstance(reply[0], list) else [reply],
        "text-embeddings-inference: classification",
    ),
    "infinity-classify": Protocol(
        "/classify",
        lambda asked: {"input": list(asked.texts), "model": asked.model or "default"},
        lambda reply: reply["data"],
        "Infinity: classification",
    ),
    "infinity-embed": Protocol(
        "/embeddings",
        lambda asked: {"input": list(asked.texts), "model": asked.model or "default"},
        lambda reply: [row["embedding"] for row in reply["data"]],
        "Infinity: embeddings",
    ),
}


def protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in PROTOCOLS:
        raise ConfigError(f"--api {name!r} is not known; there are: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def head(*, route: str, host: str, key: str = "", is_kept_fine: bool = True) -> bytes:
    """What all requests of a load test begin with.

    Args:
        route: with a slash before it.
        host: and port.
        key: to show; empty for none.
        is_kept_fine: whether an answer will do that the server kept from earlier.
    """
    lines = [f"POST {route} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if not is_kept_fine:
        lines.append("Cache-Control: no-cache")
    return "\r\n".join(lines).encode("latin-1")


def written(beginning: bytes, asking: Protocol, asked: Asked) -> bytes:
    """One request, whole: after ``beginning`` its class, its timeout, and its body."""
    content = msgspec.json.encode(asking.body(asked))
    extra = b""
    if asked.priority:
        extra += f"\r\n{PRIORITY}: {asked.priority}".encode()
    if asked.timeout_ms:
        extra += f"\r\n{TIMEOUT}: {asked.timeout_ms:g}".encode()
    return b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (beginning, extra, len(content), content)
