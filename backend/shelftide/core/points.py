"""Named moments at which a process may die, so that the proofs of durability can kill it exactly there.

Nothing in the product arms them: no setting and no environment variable does. A test's own entry point calls `arm` in
the process that it is about to lose. Unarmed, `reached` costs one comparison.
"""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """Where a crash is hardest to survive."""

    CLAIM_NOT_COMMITTED = "claim_not_committed"
    CLAIMED = "claimed"
    MID_READ = "mid_read"
    WRITTEN_CURSOR_NOT_SAVED = "written_cursor_not_saved"
    ROLL_UP_NOT_COMMITTED = "roll_up_not_committed"
    COMPLETION_NOT_COMMITTED = "completion_not_committed"
    COMPLETED = "completed"
    REFRESH_NOT_STORED = "refresh_not_stored"
    HINT_SENT = "hint_sent"
    QUEUED_NOT_COMMITTED = "queued_not_committed"


_action: Callable[[Point], None] | None = None


def reached(point: Point) -> None:
    """Mark a moment. Does nothing unless a test armed this process."""
    if _action is not None:
        _action(point)


def arm(action: Callable[[Point], None] | None) -> None:
    """Call `action` at every point from now on; None disarms."""
    global _action  # noqa: PLW0603  # one process, one action
    _action = action
