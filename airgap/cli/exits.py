"""Exit codes: the same for all commands, printed in every help text."""

from enum import IntEnum

from airgap.core.errors import AirgapError, BusyError, FormatError, PlatformError, TrustStop, UsageError
from airgap.core.reasons import Reason
from airgap.core.verdict import Standing, Verdict

EPILOG = (
    "Exit codes: 0 done; 1 internal or disk error; 2 usage; 3 bundle rejected; 4 damage or distrust found; 5 busy; "
    "6 budget used up, clean so far; 7 trust or time stop; 8 the environment cannot keep a promise."
)


class Exit(IntEnum):
    """What a command says to its caller."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    REJECTED = 3
    DAMAGE = 4
    BUSY = 5
    BUDGET = 6
    STOP = 7
    ENVIRONMENT = 8


_STOPS = {Reason.TRUST_EXPIRED, Reason.CLOCK_BEHIND, Reason.CLOCK_AHEAD}


def exit_of(exc: AirgapError) -> Exit:
    """The exit code of an error."""
    match exc:
        case UsageError():
            return Exit.USAGE
        case FormatError():
            return Exit.REJECTED
        case BusyError():
            return Exit.BUSY
        case TrustStop():
            return Exit.STOP
        case PlatformError():
            return Exit.ENVIRONMENT
        case _:
            return Exit.INTERNAL


def exit_of_verdict(verdict: Verdict) -> Exit:
    """The exit code of a verdict on a bundle."""
    if verdict.standing is Standing.ACCEPTED:
        return Exit.DONE
    return Exit.STOP if verdict.reason in _STOPS else Exit.REJECTED
