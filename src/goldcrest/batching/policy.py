"""What the settings say of waiting: classes, bounds, and how long a grid may take; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from goldcrest.names import Priority

HEAD_STARTS: Mapping[Priority, float] = {"interactive": 120.0, "default": 60.0, "bulk": 0.0}

ABOUT_S = 1.0
"""How long after its last arrival interactive work counts as being about."""

_CALM = 1 / 3
"""Of the latency aimed at: while less than that stands before a new job, small grids pay."""

_RUSHED = 3
"""Times `interactive_s` of interactive work that waits: then it keeps itself waiting."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How work of each class waits.

    Attributes:
        head_starts: seconds by which a job of a class counts as having arrived earlier.
        unnamed: the class of a job that names none.
        limit_tokens: tokens of one class that may wait.
        limit_bytes: bytes of text of one class that may wait, those to be tokenised too.
        max_wait_s: predicted seconds of waiting past which work is refused.
        interactive_s: the longest that a grid should take while interactive work is about.
        target_p99_s: latency that grids are sized for; None for none.
        hang_s: a grid that runs longer is given up as hung.
    """

    head_starts: Mapping[Priority, float] = field(default_factory=lambda: dict(HEAD_STARTS))
    unnamed: Priority = "default"
    limit_tokens: int = 65_536
    limit_bytes: int = 64_000_000
    max_wait_s: float = 30.0
    interactive_s: float = 0.02
    target_p99_s: float | None = None
    hang_s: float = 30.0

    def longest_s(
        self, *, is_interactive_about: bool, backlog_s: float, interactive_backlog_s: float = 0.0
    ) -> float | None:
        """The longest that the next grid should take; None: what its lane says of itself.

        Where a latency is aimed at, a job that arrives at the worst moment waits for a grid, for
        what stands before it, and for its own grid: together they keep to it. Once much stands
        before it, small grids would only make that more, and the rate is all that helps.

        Args:
            is_interactive_about: whether an interactive job waits, or has just arrived.
            backlog_s: seconds of work that wait.
            interactive_backlog_s: those of interactive work; where they are more than a few
                grids, it is that work itself that is too much, and needs the rate.
        """
        is_rushed = interactive_backlog_s > _RUSHED * self.interactive_s
        bounds = [self.interactive_s] if is_interactive_about and not is_rushed else []
        target_s = self.target_p99_s
        if target_s is not None and backlog_s <= _CALM * target_s:
            bounds.append((target_s - backlog_s) / 2)
        return min(bounds, default=None)
