"""What fitting a cascade came to, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from goldcrest.optimize.cascade import rows_needed
from goldcrest.optimize.cascade_fitting import Confirmed, Fitting


def verdict(fitting: Fitting) -> Iterator[str]:
    """What it comes to, and what to mind."""
    if fitting.confirmed is None:
        yield _without(fitting)
        return
    found, limit = fitting.confirmed, fitting.wish.max_drop
    drop = found.drop
    yield (
        f"{found.measured.escalated:.0%} of the texts escalate; the cascade answers "
        f"{speedup(fitting, found):.2f} times the texts per second of {fitting.members[-1].name} "
        f"alone, and {_lost(drop.points)} {fitting.metric} (95 %: {drop.low:+.2f} to "
        f"{drop.high:+.2f} points lost), on {drop.n_rows} rows that it was not fitted on."
    )
    if not fitting.is_within:
        yield (
            f"That is more than the limit of {limit:g}: fit it on more rows, or allow a larger drop."
        )
    elif drop.high > limit:
        yield f"Only more rows could show for sure that the drop is within the limit of {limit:g}."


def speedup(fitting: Fitting, found: Confirmed) -> float:
    """Texts per second of the cascade, of those of the last model alone."""
    return fitting.seconds[-1] / found.measured.seconds


def _lost(points: float) -> str:
    return f"loses {points:.2f} points of" if points >= 0 else f"wins {-points:.2f} points of"


def _without(fitting: Fitting) -> str:
    """Why there is no cascade."""
    (kept,) = fitting.fitted.kept
    names, limit = [one.name for one in fitting.members], fitting.wish.max_drop
    chosen, last, n_rows = fitting.fitted.chosen, names[-1], fitting.n_fitted
    if kept < len(names) - 1:
        return (
            f"No cascade is needed: {names[kept]} alone loses at most {chosen.most:.2f} points "
            f"against {last}, within the limit of {limit:g}."
        )
    if min(fitting.seconds[:-1]) >= fitting.seconds[-1]:
        return f"No cascade helps: no other model is faster than {last}."
    if n_rows < rows_needed(limit):
        return (
            f"No cascade can be fitted: {n_rows} rows cannot show that at most {limit:g} points "
            f"are lost; it takes {rows_needed(limit)} or more, and as many again to confirm it."
        )
    return (
        f"No cascade helps: wherever answers of another model stand in place of those of {last}, "
        f"less than a tenth of the time is won, or it is not sure that at most {limit:g} points are lost."
    )
