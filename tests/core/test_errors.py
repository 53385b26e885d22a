import pytest

from airgap.core.errors import AirgapError, BusyError, FormatError, PlatformError, StoreError, TrustStop, UsageError
from airgap.core.reasons import Reason


@pytest.mark.parametrize("kind", [FormatError, UsageError, StoreError, BusyError, PlatformError])
def test_every_error_is_a_sentence_with_an_optional_hint(kind: type[AirgapError]) -> None:
    error = kind("expected X, got Y", hint="do Z")

    assert isinstance(error, AirgapError)
    assert (str(error), error.message, error.hint) == ("expected X, got Y", "expected X, got Y", "do Z")
    assert kind("expected X, got Y").hint is None


def test_bytes_are_malformed_unless_somebody_knows_better() -> None:
    assert FormatError("x").reason is Reason.MALFORMED
    assert FormatError("x", reason=Reason.BAD_NAME).reason is Reason.BAD_NAME


def test_a_stop_always_says_why() -> None:
    error = TrustStop("x", reason=Reason.CLOCK_BEHIND, hint="set the clock")

    assert isinstance(error, AirgapError)
    assert (error.reason, error.hint) == (Reason.CLOCK_BEHIND, "set the clock")


def test_who_finds_the_store_locked_finds_it_unusable() -> None:
    assert issubclass(BusyError, StoreError)
