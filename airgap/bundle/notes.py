"""The findings of one argument, written down step by step."""

from airgap.core.errors import FormatError
from airgap.core.verdict import Check, Finding, Result


class Notes:
    """Findings so far, and the step that is being made."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.check = Check.CONTAINER

    def passed(self, got: str, *, identity: str = "") -> None:
        """The step holds."""
        self.note(Result.VERIFIED, got, identity=identity)

    def note(self, result: Result, got: str, *, identity: str = "") -> None:
        """Something to know that speaks against nothing."""
        self.findings.append(
            Finding(check=self.check, subject="bundle", kind="bundle", result=result, got=got, identity=identity)
        )

    def failed(self, exc: FormatError) -> None:
        """The step does not hold."""
        said, _, got = exc.message.partition(", got ")
        subject, _, expected = said.partition(": expected ")
        self.findings.append(
            Finding(
                check=self.check,
                subject=subject if expected else "bundle",
                kind="bundle",
                result=Result.FAILED,
                reason=exc.reason,
                expected=expected or "a bundle",
                got=got or exc.message,
            )
        )
