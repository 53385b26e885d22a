"""Everything this program raises on purpose.

AirgapError
  FormatError       the bytes are no value of the format; carries the reason code a rejection reports
  UsageError        the call makes no sense (exit 2)
  StoreError        the local repository cannot be used as it is (exit 1)
    BusyError       somebody else holds the lock (exit 5)
  TrustStop         a trust document or the clock forbids to go on (exit 7)
  PlatformError     the environment cannot keep a promise (exit 8)
"""

from airgap.core.reasons import Reason


class AirgapError(Exception):
    """Base of all errors: one sentence, and a hint that says the next action.

    Attributes:
        others: sentences about what failed besides, when one step failed for several things at once.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.others: tuple[str, ...] = ()


class FormatError(AirgapError):
    """Bytes that are not what the format says; never admits anything."""

    def __init__(self, message: str, *, reason: Reason = Reason.MALFORMED, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class UsageError(AirgapError):
    """The command line or the request asks for something that makes no sense."""


class StoreError(AirgapError):
    """The local repository is missing, foreign or broken."""


class BusyError(StoreError):
    """Another process holds the store's lock."""


class TrustStop(AirgapError):  # noqa: N818 -- it stops the run; "error" would blame the program
    """A trust document that does not hold, or a clock that cannot be believed."""

    def __init__(self, message: str, *, reason: Reason, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class PlatformError(AirgapError):
    """The operating system or file system cannot keep a promise the store makes."""
