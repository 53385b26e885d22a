"""Many failures, one error: whoever asked for 200 files learns of all that are missing at once."""

from collections.abc import Sequence
from typing import Final

from airgap.core.errors import FormatError, UsageError

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
    first, *others = worst_first
    said = [exc.message for exc in others[: SHOWN - 1]]
    if len(worst_first) > SHOWN:
        said.append(f"and {len(worst_first) - SHOWN} more")
    first.others = tuple(said)
    raise first
