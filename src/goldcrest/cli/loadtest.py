"""``goldcrest loadtest``: what a server bears."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from goldcrest.cli.load_options import Options
from goldcrest.errors import ConfigError

if TYPE_CHECKING:
    from goldcrest.loadtest.course import Course
    from goldcrest.loadtest.profiles import Profile
    from goldcrest.loadtest.result import LoadReport, Mode
    from goldcrest.loadtest.started import Started

_SEARCH_S, _STEP_S = 5.0, 10.0
_TIMEOUT_MS = 30_000.0
_TO_BE_STARTED = "http://127.0.0.1:1"


def loadtest(options: Options) -> None:
    """Put a server under load, and report what it bears; ends with 1 if that is not within --slo."""
    from goldcrest.loadtest.course import check

    signal.signal(signal.SIGTERM, _end)  # else a server that was started would stay
    if (options.url is None) == (options.serve is None):
        raise ConfigError("give the URL of a server, or --serve with what to serve; not both")
    if (options.limit_cpus or options.limit_memory) and options.serve is None:
        raise ConfigError("--limit-cpus and --limit-memory hold a server that --serve starts")
    course = _course(options)
    check(course)  # before a server is started for it
    _check_cpus(options.limit_cpus)
    _check_out(options.out)
    with _server(options) as (where, started):
        report = _watched(replace(course, url=where), started)
    _write(report, options.out)
    if not report.keeps_slo:
        sys.exit(1)


def _course(options: Options) -> Course:
    from goldcrest.loadtest.arrivals import read_spike
    from goldcrest.loadtest.course import Course
    from goldcrest.loadtest.objective import read_slo
    from goldcrest.loadtest.replay import read_recorded

    recorded = read_recorded(options.replay) if options.replay else None
    return Course(
        url=_allowed(options.url, yes=options.yes) if options.url else _TO_BE_STARTED,
        profile=_profile(options),
        api=options.api,
        model=options.model,
        key_variable=options.key_env,
        timeout_ms=options.timeout_ms or _TIMEOUT_MS,
        tells_timeout=options.timeout_ms is not None,
        is_kept_fine=not options.no_cache,
        mode=_mode(options),
        rates=_rates(options),
        clients=_clients(options.clients or ""),
        ramps=options.ramp,
        spike=read_spike(options.spike) if options.spike else None,
        recorded=recorded.faster(options.speed) if recorded else None,
        seconds=options.seconds or (_SEARCH_S if options.find_max else _STEP_S),
        warm_up_s=options.warm_up,
        slo=read_slo(options.slo) if options.slo else None,
        finds_max=options.find_max,
        max_steps=options.max_steps,
        n_processes=options.processes,
        max_connections=options.max_connections,
        seed=options.seed,
        command=("goldcrest", *map(without_secrets, sys.argv[1:])),
    )


def _rates(options: Options) -> tuple[float, ...]:
    if options.rate is None:
        return _numbers(options.steps or "", "--steps")
    if options.steps is not None:
        raise ConfigError("--rate is one step, --steps are several; give one of them")
    return (options.rate,)


def _clients(text: str) -> tuple[int, ...]:
    numbers = _numbers(text, "--clients")
    if any(number % 1 for number in numbers):
        raise ConfigError(f"--clients {text!r} is not valid; write whole numbers, as in 1,8,64")
    return tuple(map(int, numbers))


def without_secrets(argument: str) -> str:
    """What stands in the report, so that a password given to --serve does not."""
    from goldcrest.config import masked

    keys = "|".join(map(re.escape, masked.SECRETS))
    return re.sub(
        rf"({keys})=([^\s'\"]+)",
        lambda found: f"{found[1]}={masked.without_secrets(found[2])}",
        argument,
    )


def _mode(options: Options) -> Mode:
    if options.replay:
        return "replay"
    if options.clients:
        return "closed"
    return "even" if options.even else "poisson"


def _profile(options: Options) -> Profile:
    import msgspec

    from goldcrest.loadtest.profiles import find, read_mix

    return msgspec.structs.replace(
        find(options.profile),
        classes=read_mix(options.mix) if options.mix else {},
        texts_per_request=options.texts,
        repeats=options.repeat,
    )


def _numbers(text: str, option: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        numbers = (0.0,)
    if any(not 0 < number < 1e7 for number in numbers):
        raise ConfigError(f"{option} {text!r} is not valid; write numbers above 0, as in 100,200")
    return numbers


@contextmanager
def _server(options: Options) -> Iterator[tuple[str, Started | None]]:
    """Yield the URL of the server under test, and what is known of it if we started it."""
    if options.serve is None:
        yield _allowed(options.url or "", yes=options.yes), None
        return
    from goldcrest.loadtest.constraint import hold, read_mib
    from goldcrest.loadtest.groups import Limits
    from goldcrest.loadtest.started import server

    memory_mib = read_mib(options.limit_memory) if options.limit_memory else 0
    limits = Limits(options.limit_cpus, memory_mib)
    arguments, usable = _split(options.serve), frozenset(os.sched_getaffinity(0))
    held = hold(limits, usable=usable)
    for caveat in held.constraint.caveats:
        print(f"goldcrest: {caveat}", file=sys.stderr)
    with server(arguments, held) as started:
        if held.client_cores is not None:
            os.sched_setaffinity(0, held.client_cores)
        yield started.url, started


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"--serve {without_secrets(text)!r} is not valid: {error}") from error


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _allowed(url: str, *, yes: bool) -> str:
    """The URL, if load may go there: to this machine, or where the caller says so twice."""
    from urllib.parse import urlsplit

    from goldcrest.loadtest.course import check_url, is_loopback

    whole = url if "://" in url else f"http://{url}"
    check_url(whole)
    host = urlsplit(whole).hostname or ""
    if not (yes or is_loopback(host)):
        raise ConfigError(f"{host!r} is not this machine; if you may load it, say so with --yes")
    return whole


def _watched(course: Course, started: Started | None) -> LoadReport:
    from goldcrest.cli.watching import watching
    from goldcrest.loadtest.trial import load_test

    with watching() as watch:
        return load_test(course, watch, started)


def _check_cpus(wanted: float) -> None:
    if not wanted <= (n_cores := len(os.sched_getaffinity(0))):
        raise ConfigError(
            f"--limit-cpus {wanted:g} is not valid; this process may use {n_cores} cores itself"
        )


def _check_out(out: Path) -> None:
    """Refuse a place for the report before the test rather than after it."""
    if out.suffix == ".json":
        raise ConfigError(f"--out {out} is for the page; its JSON goes beside it, under that name")
    if out.is_dir() or not os.access(out.parent, os.W_OK):
        raise ConfigError(f"--out {out} cannot be written: it must be a file in a folder of yours")


def _write(report: LoadReport, out: Path) -> None:
    from goldcrest.loadtest.page import headline, html
    from goldcrest.loadtest.result import write

    beside = out.with_suffix(".json")
    try:
        out.write_text(html(report), encoding="utf-8")
        write(report, beside)
    except OSError as error:
        raise ConfigError(f"the report {out} cannot be written: {error.strerror}") from error
    print(headline(report))
    if report.found is not None:
        print(report.found.note)
    print(f"report: {out}, {beside}")
