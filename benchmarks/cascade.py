"""What a cascade gains at equal quality: `python -m benchmarks.cascade SMALL LARGE --data FILE`.

Fits the cascade with `goldcrest optimize --cascade`, then serves it, the large model alone and the
small one alone over HTTP, in turns, and sends each the same texts: the rows that the thresholds were
not fitted on. Kept answers are off. Writes `benchmarks/results/cascade.md` and `.json`. The exit
code is 1 when the cascade loses more than it may, is not faster, or a server answered with an error.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.answers import Reference
from benchmarks.cascade_results import (
    ALONE,
    N_ALONE,
    TOGETHER,
    Contender,
    Results,
    Turn,
    as_json,
    as_markdown,
)
from benchmarks.machine import this_machine
from benchmarks.measure import Bench, Level, level_of, settle, snapshot, warm_up
from benchmarks.peer import Site
from benchmarks.process import BenchmarkError, run_to_end
from benchmarks.server import Server, exchange, free_port, serving
from benchmarks.under_load.serving import Readings
from benchmarks.workload import Script, Size
from goldcrest.evaluate import TextSet, paired, read_set
from goldcrest.evaluate.asking import Said
from goldcrest.evaluate.quality import quality
from goldcrest.optimize.cascade_fitting import halves

ROOT = Path(__file__).parents[1]
N_WARM_UP = 640


def parse(words: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.cascade", description=__doc__)
    parser.add_argument("small", type=Path)
    parser.add_argument("large", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="labelled texts")
    parser.add_argument("--max-drop", type=float, default=0.5, help="points; default: 0.5")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each; default: 3")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    return parser.parse_args(words)


def fit(given: argparse.Namespace, home: Path) -> dict[str, Any]:
    """Fit the cascade as its user would; what the report says.

    Raises:
        BenchmarkError: there is none to be fitted.
    """
    out = home / "cascade.toml"
    command = (
        *(sys.executable, "-m", "goldcrest.cli.main", "optimize", "--cascade"),
        *(str(given.small.resolve()), str(given.large.resolve())),
        *("--data", str(given.data.resolve()), "--max-drop", str(given.max_drop)),
        *("-o", str(out), "--set", f"cache.folder={home / 'cache'}"),
    )
    run_to_end(command, folder=home, log=home / "logs" / "fit.log")
    found: dict[str, Any] = json.loads(out.with_suffix(".json").read_text())
    if found["confirmed"] is None:
        raise BenchmarkError(found["verdict"])
    return found


def contenders(fitted: dict[str, Any], home: Path) -> tuple[Contender, ...]:
    """The cascade, and its members alone as they are in it."""
    small, large = fitted["members"][0], fitted["members"][-1]
    return (
        Contender("cascade", "cascade", ("--config", str(home / "cascade.toml"))),
        Contender("large", f"{large['name']} alone", _alone(large)),
        Contender("small", f"{small['name']} alone", _alone(small)),
    )


def _alone(member: dict[str, Any]) -> tuple[str, ...]:
    return (member["source"], "--precision", member["precision"])


def take_turn(one: Contender, bench: Bench, fitting: TextSet, rows: TextSet) -> Turn:
    """Start it, warm it with the rows for fitting, and send it the others."""
    home = bench.home
    site = Site(Path(sys.executable), home, home, home, home, port=free_port())
    script = Script([], [], list(fitting.sample(N_WARM_UP).texts), {})
    with serving(one.peer, site, probes=fitting.texts[:3], log=bench.log(one.peer)) as server:
        warm_up(server, bench, script)
        alone, _ = measured(server, bench, rows.texts[:N_ALONE], ALONE)
        settle(server)
        before = _readings(server)
        together, bodies = measured(server, bench, rows.texts, TOGETHER)
        escalated = _readings(server).since(before, "cascade_items_total", outcome="escalated")
    is_cascade = one.name == "cascade"
    return Turn(
        contender=one.name,
        alone=alone,
        together=together,
        labels=tuple(label_of(body) for body in bodies),
        escalated=escalated / len(rows) if is_cascade else None,
    )


def measured(
    server: Server, bench: Bench, texts: Sequence[str], clients: int
) -> tuple[Level, list[str]]:
    """Send every text once; the level, and the answers in the order of the texts.

    Raises:
        BenchmarkError: a text was not answered.
    """
    before = snapshot(server)
    keep = tuple(range(len(texts)))
    outcome = bench.load(server, texts, clients=clients, at_least=len(texts), keep=keep)
    level = level_of(clients, outcome, before=before, after=snapshot(server))
    if len(outcome.kept) < len(texts):
        raise BenchmarkError(f"{server.peer.title} left texts unanswered: {outcome.first_error}")
    return level, [outcome.kept[place] for place in keep]


def _readings(server: Server) -> Readings:
    return Readings.parse(exchange(server.port, "GET", "/metrics"))


def label_of(body: str) -> str:
    """The likeliest label of an answer."""
    said = json.loads(body)
    row = said["predictions"][0]
    label: str = said["labels"][row.index(max(row))]
    return label


def measure(given: argparse.Namespace, home: Path, command: str) -> Results:
    """Fit, then let everybody take turns, every second time in reverse."""
    fitted = fit(given, home)
    fitting, rows = halves(read_set(given.data))
    bench = Bench(ROOT, home, Size(), Reference({}))
    found = contenders(fitted, home)
    turns = []
    for repeat in range(given.repeats):
        for one in found if repeat % 2 == 0 else found[::-1]:
            print(f"turn {repeat + 1} of {given.repeats}: {one.title}", file=sys.stderr)
            turns.append(take_turn(one, bench, fitting, rows))
    truths = [str(row.label) for row in rows.rows]
    qualities = {
        one.name: quality("accuracy", Said(_first(turns, one.name).labels, 0), truths)
        for one in found
    }
    drop = paired(qualities["large"], qualities["cascade"], rows)
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Results(date, command, this_machine(), fitted, found, tuple(turns), qualities, drop)


def _first(turns: Sequence[Turn], name: str) -> Turn:
    return next(turn for turn in turns if turn.contender == name)


def main() -> int:
    """Runs it, and writes what it found."""
    given = parse(sys.argv[1:])
    command = (
        f"python -m benchmarks.cascade {given.small.name} {given.large.name} "
        f"--data {given.data.name} --max-drop {given.max_drop:g} --repeats {given.repeats}"
    )
    (ROOT / ".bench").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".bench", prefix="cascade-") as folder:
        try:
            results = measure(given, Path(folder), command)
        except (BenchmarkError, OSError, ValueError) as error:
            print(f"FAILED: {error}", file=sys.stderr)
            return 1
    given.output.mkdir(parents=True, exist_ok=True)
    (given.output / "cascade.json").write_text(json.dumps(as_json(results), indent=1) + "\n")
    page = as_markdown(results)
    (given.output / "cascade.md").write_text(page)
    print(page)
    return 0 if results.is_met else 1


if __name__ == "__main__":
    sys.exit(main())
