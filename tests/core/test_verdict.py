import pytest

from airgap.core.reasons import Reason
from airgap.core.verdict import Check, Finding, Result, Standing, Verdict, judge


def finding(check: Check, reason: Reason | None = None) -> Finding:
    result = Result.FAILED if reason else Result.VERIFIED
    return Finding(check=check, subject="bundle", kind="bundle", result=result, reason=reason)


GOOD = [finding(check) for check in Check]


def test_a_bundle_is_accepted_when_every_check_ran_and_nothing_speaks_against_it() -> None:
    assert judge(GOOD, required=Check) == Verdict(Standing.ACCEPTED, None, tuple(GOOD))


@pytest.mark.parametrize("left_out", Check)
def test_a_check_that_did_not_run_rejects(left_out: Check) -> None:
    verdict = judge([f for f in GOOD if f.check != left_out], required=Check)

    assert (verdict.standing, verdict.reason) == (Standing.REJECTED, Reason.CHECK_NOT_RUN)
    first = verdict.findings[0]
    assert (first.check, first.result, first.expected, first.got) == (left_out, Result.NOT_CHECKED, "checked", "not run")


@pytest.mark.parametrize("held", [None, Reason.GAP])
def test_one_finding_against_it_rejects_and_the_first_one_gives_the_reason(held: Reason | None) -> None:
    against = [finding(Check.FRAMES, Reason.FRAME_DAMAGED), finding(Check.CONTENT, Reason.CONTENT_MISMATCH)]

    verdict = judge([*GOOD, *against], required=Check, held=held)

    assert (verdict.standing, verdict.reason) == (Standing.REJECTED, Reason.FRAME_DAMAGED)


def test_checks_after_a_refusal_are_not_accused() -> None:
    refusal = finding(Check.TRUST, Reason.TRUST_UPDATE)

    assert judge([refusal], required=Check).findings == (refusal,)


def test_a_held_bundle_is_neither_accepted_nor_rejected() -> None:
    verdict = judge(GOOD, required=Check, held=Reason.EVIDENCE_MISSING)

    assert (verdict.standing, verdict.reason) == (Standing.HELD, Reason.EVIDENCE_MISSING)


def test_no_findings_at_all_are_no_acceptance() -> None:
    assert judge([], required=[Check.CONTAINER]).standing is Standing.REJECTED


def test_a_verdict_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="ask for its standing"):
        bool(judge(GOOD, required=Check))


def test_a_finding_is_told_with_all_its_members() -> None:
    said = finding(Check.CONTENT, Reason.CONTENT_MISMATCH).value()

    assert said == {
        "check": "content",
        "subject": "bundle",
        "kind": "bundle",
        "result": "failed",
        "reason": "content-mismatch",
        "expected": "",
        "got": "",
        "identity": "",
        "proof": None,
    }
