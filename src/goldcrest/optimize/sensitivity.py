"""Which blocks stay in float, and how few of them are enough; pure: measuring is an argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


def ranked(errors: Mapping[str, float]) -> tuple[str, ...]:
    """Blocks, the most sensitive first.

    Args:
        errors: per block, what error is left of all when this one alone is in float.
    """
    return tuple(sorted(errors, key=errors.__getitem__))


def fewest(
    ranking: Sequence[str], passes: Callable[[tuple[str, ...]], bool], *, most: int
) -> tuple[str, ...] | None:
    """The shortest beginning of a ranking that passes, if blocks in float never do harm.

    One block is tried, then two, four and so on; then the gap is halved until the answer is known.

    Args:
        ranking: the most sensitive block first.
        passes: measures whether quality is kept with these blocks in float.
        most: blocks that may stay in float.

    Returns:
        None where even ``most`` of them are not enough.
    """
    most = min(most, len(ranking))
    failing, tried = 0, 1
    while most and not passes(tuple(ranking[: min(tried, most)])):
        if tried >= most:
            return None
        failing, tried = tried, 2 * tried
    return _between(ranking, passes, failing, min(tried, most)) if most else None


def _between(
    ranking: Sequence[str], passes: Callable[[tuple[str, ...]], bool], failing: int, passing: int
) -> tuple[str, ...]:
    while passing - failing > 1:
        middle = (failing + passing) // 2
        if passes(tuple(ranking[:middle])):
            passing = middle
        else:
            failing = middle
    return tuple(ranking[:passing])
