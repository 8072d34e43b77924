"""The settings and headers that several benchmarks start and ask with."""

from __future__ import annotations

from benchmarks.under_load.plan import Stream
from benchmarks.under_load.texts import body

NO_CACHE: dict[str, object] = {
    "cache.answers_mib": 0,
    "web.server_timing": "true",
    "engine.warm": "all",
}
"""Every text is run, every answer says how long it took, and nothing is still being warmed."""


def headers(
    *, priority: str | None = None, timeout_s: float | None = None, fresh: bool = False
) -> dict[str, str]:
    """How urgent a request is, in Goldcrest's words."""
    found: dict[str, str] = {}
    if priority is not None:
        found["X-Goldcrest-Priority"] = priority
    if timeout_s is not None:
        found["X-Goldcrest-Timeout-Ms"] = f"{timeout_s * 1e3:.0f}"
    if fresh:
        found["Cache-Control"] = "no-cache"
    return found


def singles(texts: list[str]) -> tuple[str, ...]:
    """A body for each text."""
    return tuple(body(text) for text in texts)


def open_loop(
    name: str,
    texts: list[str],
    rate: float,
    seconds: float,
    *,
    sent: dict[str, str] | None = None,
    seed: int = 1,
) -> Stream:
    """One text a request at a rate, each text as often as the others."""
    return Stream(
        name=name,
        bodies=singles(texts),
        rate=rate,
        seconds=seconds,
        headers=sent or {},
        seed=seed,
    )
