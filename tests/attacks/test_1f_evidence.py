"""Threats 1f against producers' evidence, in every form: whose signature it is, and whether that is believed.

What was signed (T128 to T130, T132 to T135, T141) is in ``test_1f_evidence_meaning.py``; spelling and mathematics (T131,
T136 to T140) in ``test_1f_evidence_mathematics.py``; T142 and T143 in ``test_1f_evidence_amount.py``. What a number means
for an exporter's envelope is in ``test_1f_signatures.py``.

T122 cannot be said of producers: there are no thresholds among them, so none can be zero. One verified signature vouches,
none does not; how many exporters have to stand behind an artifact is for the channel and ``approvals`` to say.
"""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from airgap.core.guarantees import Counted
from airgap.core.reasons import Reason
from airgap.core.verdict import Result
from airgap.core.vouching import Vouching
from tests.attacks.certified import authority, certified, cms
from tests.attacks.forms import CONTENT, Form, edited, larger, plain, sshsig, strings, vouches
from tests.forge.keys import key
from tests.forge.producers import CAROL, MINA, pem_anchor
from tests.forge.text import base64_of

FORMS = {form.kind: form for form in (*plain(), *larger(), *certified())}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@every_form
def test_every_form_is_verified_when_nothing_is_wrong_with_it(tmp_path: Path, form: Form) -> None:
    (finding,) = found = form.prove(tmp_path)

    assert (finding.kind, finding.result, finding.reason) == (form.kind, Result.VERIFIED, None)
    assert len(vouches(form, found)) == 1


def put_signers(said: Any) -> None:
    """Leave all signatures out of a CMS document."""
    said["signer_infos"] = []


EMPTY = [
    ("raw", b"", Result.UNSUPPORTED),
    ("dsse", edited(FORMS["dsse"].good, "signatures", to=[]), Result.FAILED),
    ("dsse", edited(FORMS["dsse"].good, "signatures", to=None), Result.FAILED),
    ("dsse", edited(FORMS["dsse"].good, "signatures", 0, "sig", to=""), Result.FAILED),
    ("cosign-blob", edited(FORMS["cosign-blob"].good, "base64Signature", to=""), Result.FAILED),
    ("cosign-blob", edited(FORMS["cosign-blob"].good, "base64Signature", to=None), Result.FAILED),
    ("minisign", b"untrusted comment: x\n\ntrusted comment: y\n\n", Result.FAILED),
    ("signify", b"untrusted comment: x\n\n", Result.FAILED),
    ("sshsig", b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n", Result.FAILED),
    ("model-signing", edited(FORMS["model-signing"].good, "dsseEnvelope", "signatures", to=[]), Result.FAILED),
    ("cosign-image", edited(FORMS["cosign-image"].good, "layers", to=[]), Result.FAILED),
    ("npm-signature", edited(FORMS["npm-signature"].good, "signatures", to=[]), Result.FAILED),
    ("sigstore", edited(FORMS["sigstore"].good, "messageSignature", "signature", to=""), Result.FAILED),
    ("pep740", b'{"version": 1, "attestation_bundles": []}', Result.FAILED),
    ("cms", cms(authority("ca"), "ca", change_document=put_signers), Result.FAILED),
    ("openpgp", b"-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n", Result.FAILED),
]


@pytest.mark.parametrize(("kind", "piece", "result"), EMPTY, ids=[kind for kind, _, _ in EMPTY])
def test_T120_T121_evidence_without_a_signature_in_it_vouches_for_nothing(
    tmp_path: Path, kind: str, piece: bytes, result: Result
) -> None:
    (finding,) = FORMS[kind].prove(tmp_path, piece)

    assert finding.result is result


def repeated(kind: str) -> bytes:
    """The good piece with its signature twice."""
    form = FORMS[kind]
    said = json.loads(form.good) if form.good.startswith(b"{") else {}
    for members in ("signatures", "layers"):
        if members in said:
            return json.dumps({**said, members: said[members] * 2}).encode()
    return form.good * 2


@pytest.mark.parametrize("kind", ["dsse", "npm-signature", "cosign-image", "openpgp"])
def test_T123_a_signature_that_is_repeated_counts_once(tmp_path: Path, kind: str) -> None:
    form = FORMS[kind]

    found = form.prove(tmp_path, repeated(kind))

    assert {finding.result for finding in found} == {Result.VERIFIED}
    assert vouches(form, found) == vouches(form, form.prove(tmp_path))
    assert Counted.of(1, [Vouching.of(f"artifacts/files/{form.name}", found)]).either == 1


def test_T124_one_key_under_two_ids_signs_once(tmp_path: Path) -> None:
    said = json.loads(FORMS["dsse"].good)
    twice = [{**said["signatures"][0], "keyid": name} for name in ("one", "two")]

    assert len(FORMS["dsse"].prove(tmp_path, edited(FORMS["dsse"].good, "signatures", to=twice))) == 1


def test_T124_one_key_under_two_anchors_signs_once(tmp_path: Path) -> None:
    anchors = [pem_anchor(name="one"), pem_anchor(name="two")]

    for kind in ("raw", "dsse"):
        assert len(FORMS[kind].prove(tmp_path, anchors=anchors)) == 1


def test_T125_a_pin_in_another_encoding_does_not_hide_a_key_from_its_revocation(tmp_path: Path) -> None:
    spki = CAROL.public.spki
    point = bytes([2 + (spki[-1] & 1)]) + spki[-64:-32]
    compressed = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    anchor = {**pem_anchor(), "pin": base64_of(compressed)}

    (good,) = FORMS["raw"].prove(tmp_path, anchors=[anchor])
    (gone,) = FORMS["raw"].prove(tmp_path, anchors=[anchor], withdrawn=CAROL.public.key_id)

    assert good.proof is not None
    assert good.proof.fingerprint == f"sha256:{CAROL.public.key_id}"
    assert gone.result is Result.REVOKED


def named(kind: str) -> bytes:
    """Eve's signature under the name of the producer's key."""
    form = FORMS[kind]
    match kind:
        case "dsse":
            return edited(form.forged, "signatures", 0, "keyid", to=CAROL.public.key_id)
        case "npm-signature":
            own = json.loads(form.good)["signatures"][0]["keyid"]
            return edited(form.forged, "signatures", 0, "keyid", to=own)
        case "cosign-blob":
            return edited(form.forged, "cert", to=json.loads(form.good)["cert"])
        case "model-signing":
            return edited(form.forged, "verificationMaterial", to=json.loads(form.good)["verificationMaterial"])
        case "sshsig":
            return sshsig(CONTENT, key("eve"), blob=strings(b"ssh-ed25519", MINA.public.raw))
        case _:
            ours, theirs = (base64.b64decode(piece.split(b"\n")[1]) for piece in (form.good, form.forged))
            return form.forged.replace(base64.b64encode(theirs), base64.b64encode(ours[:10] + theirs[10:]))


@pytest.mark.parametrize("kind", ["dsse", "npm-signature", "cosign-blob", "model-signing", "sshsig", "minisign", "signify"])
def test_T126_the_name_of_a_pinned_key_on_another_key_s_signature_is_a_failure(tmp_path: Path, kind: str) -> None:
    (finding,) = FORMS[kind].prove(tmp_path, named(kind))

    assert (finding.result, finding.reason) == (Result.FAILED, Reason.EVIDENCE_FAILED)


def test_T126_a_wrong_name_on_a_pinned_key_s_signature_changes_nothing(tmp_path: Path) -> None:
    (finding,) = FORMS["dsse"].prove(tmp_path, edited(FORMS["dsse"].good, "signatures", 0, "keyid", to="ff" * 32))

    assert finding.result is Result.VERIFIED


@every_form
def test_T127_a_key_that_came_along_is_no_reason_to_trust_and_where_another_is_pinned_one_not_to(
    tmp_path: Path, form: Form
) -> None:
    (expected,) = found = form.prove(tmp_path, form.forged, beside=form.carried)
    (unexpected,) = also = form.prove(tmp_path, form.forged, beside=form.carried, anchors=[])

    assert (expected.result, expected.reason) == (Result.UNTRUSTED_KEY, Reason.EVIDENCE_UNTRUSTED)
    assert (unexpected.result, unexpected.reason) == (Result.UNTRUSTED_KEY, None)
    assert vouches(form, found) == vouches(form, also) == frozenset()
