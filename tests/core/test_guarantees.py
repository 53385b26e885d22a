"""Which guarantee is promised at which boundary."""

import pytest

from airgap.core.guarantees import Counted, guarantees
from airgap.core.reasons import Reason
from airgap.core.verdict import Check, Finding, Result, Vouches, judge
from airgap.core.vouching import Vouching

PUBLISHER = Vouching(frozenset({Vouches.PUBLISHER}), frozenset({Result.VERIFIED}))
REGISTRY = Vouching(frozenset({Vouches.REGISTRY}), frozenset({Result.VERIFIED}))
NOBODY = Vouching(frozenset(), frozenset({Result.UNTRUSTED_KEY}))


def finding(check: Check, reason: Reason | None = None) -> Finding:
    result = Result.FAILED if reason else Result.VERIFIED
    return Finding(check=check, subject="bundle", kind="bundle", result=result, reason=reason)


def test_an_accepted_bundle_is_proven_by_whoever_signed() -> None:
    verdict = judge([finding(check) for check in Check], required=Check)

    promised = guarantees(verdict, Counted.of(5, [PUBLISHER, REGISTRY, NOBODY]))

    assert promised["provenance"]["producer"] == "1 of 5 artifacts, by the producer's own signature"
    assert promised["provenance"]["registry"] == "1 of 5 artifacts, by the registry's own signature"
    assert promised["integrity"]["mirror"].startswith("2 of 5 artifacts")
    assert promised["integrity"]["media"] == promised["integrity"]["importer"] == "holds"
    assert promised["accountability"]["exporter"] == "holds"


def test_of_a_rejected_bundle_nothing_holds_whatever_its_evidence_said() -> None:
    verdict = judge([*(finding(check) for check in Check), finding(Check.HISTORY, Reason.ROLLBACK)], required=Check)

    promised = guarantees(verdict, Counted.of(1, [PUBLISHER]))

    assert {text for boundary in promised.values() for text in boundary.values()} == {
        "does not hold",
        "0 of 1 artifacts, by the producer's own signature",
        "0 of 1 artifacts, by the registry's own signature",
        "0 of 1 artifacts: what came between could not change them unnoticed",
    }


def test_a_bundle_whose_content_is_here_already_proves_nothing_about_the_medium() -> None:
    checks = [check for check in Check if check is not Check.CONTENT]
    verdict = judge([finding(check) for check in checks], required=checks)

    assert guarantees(verdict, Counted.of(0, []))["integrity"]["media"].startswith("not read")


@pytest.mark.parametrize("one", [PUBLISHER, REGISTRY])
def test_who_has_both_signatures_counts_once_between(one: Vouching) -> None:
    both = Vouching(PUBLISHER.vouches | REGISTRY.vouches)
    assert Counted.of(2, [both, one]).either == 2
