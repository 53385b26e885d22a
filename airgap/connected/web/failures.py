"""Many failures, one error: whoever asked for 200 files learns of all that are missing at once."""

from collections.abc import Sequence
from typing import Final

from airgap.core.errors import AirgapError, FormatError, UsageError

SHOWN: Final = 20


def raise_all(errors: Sequence[FormatError | UsageError]) -> None:
    """Raise what is wrong with all of them, each on a line of its own; nothing when nothing is.

    Raises:
        FormatError: some bytes were wrong; their lines come first, and their reason counts.
        UsageError: all that failed could not be had.
    """
    worst_first = sorted(errors, key=lambda exc: isinstance(exc, UsageError))
    if not worst_first:
        return
    lines = [exc.message for exc in worst_first[:SHOWN]]
    if len(worst_first) > SHOWN:
        lines.append(f"and {len(worst_first) - SHOWN} more")
    raise _as_first(worst_first[0], "\n".join(lines))


def _as_first(first: FormatError | UsageError, message: str) -> AirgapError:
    if isinstance(first, FormatError):
        return FormatError(message, reason=first.reason, hint=first.hint)
    return UsageError(message, hint=first.hint)
