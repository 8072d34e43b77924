"""Which of the waiting jobs run next, in which grid, and which of them share a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from goldcrest.names import Reason
from goldcrest.packing.ladder import MAX_JOBS
from goldcrest.values import Plan, Shape

SHARE = 0.95
"""How much of the best rate is enough for a grid."""

_Rows = list[list[int]]
"""Indices of jobs, row by row."""


class NoShape(LookupError):
    """No shape on offer is wide enough for a job.

    Attributes:
        n_tokens: length of the job.
    """

    def __init__(self, n_tokens: int) -> None:
        super().__init__(f"no grid shape on offer is wide enough for a text of {n_tokens} tokens")
        self.n_tokens = n_tokens


def plan(
    lengths: Sequence[int],
    costs: Mapping[Shape, float],
    *,
    objective_s: float,
    share: float = SHARE,
    n_urgent: int | None = None,
    between_s: float = 0.0,
) -> Plan:
    """Choose the next grid and the jobs in it.

    The most urgent job is always among them. The others follow in order of rank while a row has
    room, and shorter ones from further down fill what is left. Of the shapes whose cost is within
    ``objective_s``, the cheapest is taken that reaches ``share`` of the best rate (real tokens per
    second) that any of them gives for these jobs: a grid grows with the load up to the knee of the
    throughput, and a lone text runs in the cheapest shape that holds it. Where no shape within the
    objective holds the most urgent job, the cheapest that does is taken.

    Args:
        lengths: tokens of the jobs that wait, the most urgent first; not empty.
        costs: the shapes that are warm, and the seconds each is predicted to take.
        objective_s: seconds that a grid should not exceed.
        share: how much of the best rate is enough.
        n_urgent: how many jobs decide the shape, from the first on; the others fill what room they
            leave in it, which costs nothing. None means that all decide.
        between_s: seconds that pass between two grids: of small grids there are more.

    Raises:
        NoShape: if no warm shape holds the most urgent job. Others behind it may fit, yet to let
            them pass could starve it, so the caller must add a shape that holds it (cold ones only
            run slower the first time) and ask again.
    """
    deciding = lengths[:n_urgent]
    rows = _best(deciding, _candidates(lengths[0], costs, objective_s), share, between_s)
    planned = _tightened(rows, deciding, costs)
    return planned if len(deciding) == len(lengths) else _filled(planned, lengths)


def reason(
    planned: Plan,
    lengths: Sequence[int],
    costs: Mapping[Shape, float],
    *,
    objective_s: float,
    n_urgent: int,
    between_s: float = 0.0,
) -> Reason:
    """Why `plan` chose what it did, of warm shapes; the arguments are the same."""
    chosen = planned.chosen
    if len(chosen) == len(lengths):
        return "lone" if len(lengths) == 1 else "all"
    n_chosen = sum([index < n_urgent for index in chosen])
    if n_chosen == n_urgent:
        return "urgent"
    rate = sum([lengths[index] for index in chosen if index < n_urgent]) / (
        costs[planned.shape] + between_s
    )
    waiting = sum(lengths[:n_urgent])
    beyond = [
        min(s.n_slots, waiting) / (cost + between_s)
        for s, cost in costs.items()
        if cost > objective_s
    ]
    return "objective" if SHARE * max(beyond, default=0.0) > rate else "knee"


def first_fit(lengths: Sequence[int], width: int, n_rows: int) -> _Rows:
    """Put each job, in the given order, into the first row that has room, or leave it out.

    What stands in the first rows does not depend on how many rows follow, so one result for the
    most rows holds the results for all lower counts. Stops at ``MAX_JOBS`` jobs.

    Returns:
        For each row in use, the indices of its jobs.
    """
    rows: _Rows = [[] for _ in range(n_rows)]
    return _poured(range(len(lengths)), lengths, rows, width)


def _filled(planned: Plan, lengths: Sequence[int]) -> Plan:
    """The same plan, and in what room it leaves as many of the other jobs as fit, in order."""
    taken = set(planned.chosen)
    others = [index for index in range(len(lengths)) if index not in taken]
    rows = [list(row) for row in planned.rows]
    rows += [[] for _ in range(planned.shape.rows - len(rows))]
    poured = _poured(others, lengths, rows, planned.shape.width)
    return Plan(planned.shape, tuple(map(tuple, poured)))


def _poured(order: Sequence[int], lengths: Sequence[int], rows: _Rows, width: int) -> _Rows:
    """Put jobs, in that order, each into the first row with room, until nothing more fits."""
    shortest = min([lengths[index] for index in order], default=0)
    room = [width - sum([lengths[index] for index in row]) for row in rows]
    # the rows that could still take the shortest job
    is_open = [row for row in range(len(rows)) if room[row] >= shortest]
    places = MAX_JOBS - sum(map(len, rows))
    for index in order:
        if not (is_open and places):
            break
        n_tokens = lengths[index]
        for row in is_open:
            if n_tokens <= room[row]:
                rows[row].append(index)
                room[row] -= n_tokens
                places -= 1
                if room[row] < shortest:
                    is_open.remove(row)
                break
    return [row for row in rows if row]


def _candidates(
    n_tokens: int, costs: Mapping[Shape, float], objective_s: float
) -> list[tuple[float, Shape]]:
    """The shapes that hold the most urgent job within the objective, else the cheapest of all."""
    holding = [(cost, shape) for shape, cost in costs.items() if shape.width >= n_tokens]
    if not holding:
        raise NoShape(n_tokens)
    return [pair for pair in holding if pair[0] <= objective_s] or [min(holding)]


def _best(
    lengths: Sequence[int],
    candidates: list[tuple[float, Shape]],
    share: float,
    between_s: float,
) -> _Rows:
    """The rows of the cheapest shape that reaches ``share`` of the best rate."""
    waiting = sum(lengths)
    hopes = [
        (min(shape.n_slots, waiting) / (cost + between_s), cost, shape)
        for cost, shape in candidates
    ]
    hopes.sort(reverse=True)
    packed: dict[int, _Rows] = {}
    rated: list[tuple[float, float, Shape]] = []
    best = 0.0
    for hope, cost, shape in hopes:
        if hope < share * best:  # even if full, neither it nor those that follow would do
            break
        if shape.width not in packed:
            n_rows = max(other.rows for _, _, other in hopes if other.width == shape.width)
            packed[shape.width] = first_fit(lengths, shape.width, n_rows)
        rows = packed[shape.width][: shape.rows]
        rate = sum([lengths[index] for row in rows for index in row]) / (cost + between_s)
        rated.append((rate, cost, shape))
        best = max(best, rate)
    _, shape = min((cost, shape) for rate, cost, shape in rated if rate >= share * best)
    return packed[shape.width][: shape.rows]


def _tightened(rows: _Rows, lengths: Sequence[int], costs: Mapping[Shape, float]) -> Plan:
    """Put the chosen jobs into the cheapest shape that holds them all."""
    order = sorted((index for row in rows for index in row), key=lengths.__getitem__, reverse=True)
    n_tokens = sum(lengths[index] for index in order)
    large_enough = sorted(
        (cost, other)
        for other, cost in costs.items()
        if other.n_slots >= n_tokens and other.width >= lengths[order[0]]
    )
    return next(
        Plan(tight, tuple(map(tuple, packed)))
        for _, tight in large_enough
        if (packed := _packed_into(tight, rows, order, lengths))
    )


def _packed_into(
    shape: Shape, rows: _Rows, order: Sequence[int], lengths: Sequence[int]
) -> _Rows | None:
    """The same jobs in a shape: in their rows, or the longest first where that needs fewer."""
    tokens = [sum(lengths[index] for index in row) for row in rows]
    fits = len(rows) <= shape.rows and max(tokens) <= shape.width
    if fits and (len(rows) - 1) * shape.width < sum(tokens):  # no packing needs fewer
        return rows
    sizes = [lengths[index] for index in order]
    descending = first_fit(sizes, shape.width, shape.rows)
    is_whole = sum(map(len, descending)) == len(order)
    if is_whole and not (fits and len(rows) <= len(descending)):
        return [[order[place] for place in row] for row in descending]
    return rows if fits else None
