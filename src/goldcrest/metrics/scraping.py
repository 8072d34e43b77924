"""Reads what another server says of itself: its pages, and its metrics in the Prometheus format."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_PATIENCE_S = 5.0
_MAX_BYTES = 64 * 2**20
_FOUND = 200

Fetch = Callable[[str], bytes | None]
"""Gets a path of the server; None where it has no answer."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """All samples of a page of metrics, by name."""

    samples: Mapping[str, tuple[tuple[Mapping[str, str], float], ...]]

    def total(self, name: str, **labels: str) -> float:
        """The sum over all samples of a name that have these labels."""
        return sum(
            value for found, value in self.samples.get(name, ()) if labels.items() <= found.items()
        )

    def by(self, name: str, label: str) -> Mapping[str, float]:
        """The sums per value of a label."""
        sums: dict[str, float] = {}
        for found, value in self.samples.get(name, ()):
            sums[found.get(label, "")] = sums.get(found.get(label, ""), 0.0) + value
        return sums

    def __contains__(self, name: str) -> bool:
        return name in self.samples


def read_metrics(page: bytes) -> Sampled | None:
    """Read a page in the Prometheus text format; None if it is none."""
    from prometheus_client.parser import text_string_to_metric_families

    samples: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    try:
        for family in text_string_to_metric_families(page.decode()):
            for sample in family.samples:
                samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    except (ValueError, KeyError):
        return None
    return Sampled({name: tuple(rows) for name, rows in samples.items()})


def fetcher(url: str, key: str) -> Fetch:
    """A function that gets pages from a server; whatever goes wrong is no page."""

    def fetch(path: str) -> bytes | None:
        try:
            status, content = get(url, path, key)
        except (OSError, http.client.HTTPException):
            return None
        return content if status == _FOUND else None

    return fetch


def get(url: str, path: str, key: str = "") -> tuple[int, bytes]:
    """The status and the content of a page.

    Args:
        url: of the server; what path it has is left out.
        path: of the page.
        key: shown as a bearer token where there is one.

    Raises:
        OSError: the server cannot be reached.
        HTTPException: it speaks no HTTP.
    """
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            parts.hostname or "",
            parts.port,
            timeout=_PATIENCE_S,
            context=ssl.create_default_context(),
        )
    else:
        connection = http.client.HTTPConnection(
            parts.hostname or "", parts.port, timeout=_PATIENCE_S
        )
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"} if key else {})
        reply = connection.getresponse()
        return reply.status, reply.read(_MAX_BYTES)
    finally:
        connection.close()
