"""T070 and T173 without exception: no byte of a bundle can be changed, no part cut off, without a reason code."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

from collections.abc import Iterator
from pathlib import Path

import pytest

from airgap.bundle.argument import examine
from airgap.core.reasons import Reason
from airgap.core.verdict import Standing
from tests.forge.build import PREFIX, Bundle, bundle
from tests.forge.edit import flip
from tests.forge.site import asker, fault, look_at
from tests.forge.trust import document, trust_envelope

NOISE = bytes(n * n * 7919 % 65521 % 256 for n in range(3000))
SMALL = bundle({"artifacts/files/a": b"text\n" * 200, "artifacts/files/noise": NOISE}, frame_size=65536, room=8)
UPDATED = bundle(updates=[trust_envelope(document(2))])
ASKER = asker()
DENSE = 4096


def places(made: Bundle) -> Iterator[int]:
    """Every byte of the first and last 4 KiB and around every boundary, and every 97th of the rest."""
    size = len(made.raw)
    bounds, at = [0, 8, 16, PREFIX], PREFIX
    for area in made.areas:
        at += len(area)
        bounds.append(at)
    for frame in made.manifest["frames"]:
        at += frame[0]
        bounds.append(at)
    near = {bound + step for bound in bounds for step in range(-2, 3)}
    wanted = near | set(range(DENSE)) | set(range(size - DENSE, size)) | set(range(0, size, 97))
    yield from sorted(place for place in wanted if 0 <= place < size)


def reason_of(path: Path, raw: bytes) -> Reason:
    path.write_bytes(raw)
    found = fault(examine([str(path)], ASKER).verdict)
    assert found.reason is not None
    assert found.expected
    return found.reason


def test_the_bundle_of_these_tests_is_accepted(tmp_path: Path) -> None:
    for made in (SMALL, UPDATED):
        assert look_at(made.write(tmp_path / "x")).verdict.standing is Standing.ACCEPTED


def test_T173_one_flipped_bit_anywhere_is_refused(tmp_path: Path) -> None:
    reasons = {reason_of(tmp_path / "x", flip(SMALL.raw, at, at % 8)) for at in places(SMALL)}

    assert {Reason.NOT_A_BUNDLE, Reason.UNSUPPORTED_VERSION, Reason.BAD_SIGNATURE, Reason.FRAME_DAMAGED} < reasons


def test_T173_one_flipped_bit_in_a_trust_update_is_refused(tmp_path: Path) -> None:
    update = range(PREFIX, PREFIX + len(UPDATED.areas[0]))
    reasons = {reason_of(tmp_path / "x", flip(UPDATED.raw, at, at % 8)) for at in update}

    assert {Reason.BAD_SIGNATURE, Reason.MALFORMED, Reason.UNKNOWN_SIGNER} <= reasons


def test_T070_a_bundle_cut_anywhere_is_refused(tmp_path: Path) -> None:
    reasons = {reason_of(tmp_path / "x", SMALL.raw[:at]) for at in places(SMALL)}

    assert reasons == {Reason.NOT_A_BUNDLE, Reason.WRONG_SIZE}


@pytest.mark.parametrize("gap", [1, 512, 4096])
def test_T070_a_bundle_with_bytes_taken_out_or_put_in_is_refused(tmp_path: Path, gap: int) -> None:
    raw = SMALL.raw
    for at in range(0, len(raw) - gap, 251):
        reason_of(tmp_path / "x", raw[:at] + raw[at + gap :])
        reason_of(tmp_path / "x", raw[:at] + bytes(gap) + raw[at:])
        reason_of(tmp_path / "x", raw[:at] + raw[at + gap :] + bytes(gap))
