"""Start to first answer: with an empty cache folder, and again with what the first start left."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.markdown import Row, middle, middle_and_range, table
from benchmarks.peer import Peer, Site
from benchmarks.server import serving

FIRST, SECOND = "first", "second"


@dataclass(frozen=True)
class Start:
    """One start of one server: seconds to its first answer, and of the processor until then."""

    peer: str
    title: str
    which: str
    seconds: float
    cpu_s: float


@dataclass(frozen=True)
class Starter:
    """What starts servers: a site with a port and a cache of its own, texts to ask, a log."""

    site: Callable[[Peer], Site]
    probes: Sequence[str]
    log: Callable[[Peer], Path]

    def twice(self, peer: Peer) -> Iterator[Start]:
        """A first and a second start; only one where the server keeps nothing between them."""
        with tempfile.TemporaryDirectory() as folder:
            for which in (FIRST, SECOND) if keeps_a_cache(peer) else (SECOND,):
                yield self._once(peer, which, Path(folder))

    def _once(self, peer: Peer, which: str, home: Path) -> Start:
        site = replace(self.site(peer), home=home)
        with serving(peer, site, probes=self.probes, log=self.log(peer)) as server:
            cpu_s = server.started.usage().cpu_s
            return Start(peer.name, peer.title, which, server.start_s, cpu_s)


def keeps_a_cache(peer: Peer) -> bool:
    """Whether the server is given a folder to keep things in."""
    return any("{home}" in value for value in peer.env.values())


def section(starts: Sequence[Start]) -> tuple[str, str, str]:
    """Heading, table and what the numbers are."""
    note = (
        "From the start of the process to the end of the first answer; medians, in brackets the "
        "least and the most. A first start finds an empty cache folder, the second what the first "
        "left there; a server that keeps nothing has only the second. CPU is that of all its "
        "processes until then. The servers take turns."
    )
    return "## Start to first answer", starts_table(starts), note


def starts_table(starts: Sequence[Start]) -> str:
    """A row per server: seconds and processor seconds of both starts."""
    titles = dict.fromkeys(start.title for start in starts)
    header = ["server", "first start, s", "CPU, s", "second start, s", "CPU, s", "starts"]
    return table(header, (_row(title, starts) for title in titles))


def _row(title: str, starts: Sequence[Start]) -> Row:
    row, n_starts = [title], 0
    for which in (FIRST, SECOND):
        these = [start for start in starts if (start.title, start.which) == (title, which)]
        seconds = [start.seconds for start in these]
        row += [middle_and_range(seconds, 2), middle([start.cpu_s for start in these], 2)]
        n_starts += len(these)
    return [*row, str(n_starts)]
