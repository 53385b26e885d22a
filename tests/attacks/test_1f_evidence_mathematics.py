"""Threats 1f against producers' evidence: other spellings, malleable and cut signatures, and weak keys.

T131 leaves the armour of CMS and OpenPGP out: their standards (RFC 7468, RFC 9580) let base64 be broken into lines as
anybody likes, and nothing is counted or named by such text.
"""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from airgap.core.verdict import Result
from tests.attacks.certified import certified
from tests.attacks.forms import (
    CONTENT,
    Form,
    cosign_bundle,
    edited,
    image_signature,
    larger,
    model,
    packed,
    pinned,
    plain,
    signify,
    ssh_blob,
    sshsig,
    vouches,
)
from tests.evidence.plain import ANYTHING, SMALL_ORDER, base64_variants, with_high_s, with_larger_s, with_strange_r
from tests.evidence.sigstoring import change, paths
from tests.forge.producers import CAROL, attestation, minisig, pem_anchor, raw_signature
from tests.forge.text import base64_of

FORMS = {form.kind: form for form in (*plain(), *larger(), *certified())}
Signing = Callable[[bytes], bytes]


# -- T131 --------------------------------------------------------------------------------------------------------------


def respelled(form: Form) -> Iterator[tuple[str, bytes]]:
    """A piece with one of its base64 texts spelled in another way, at every place."""
    if not form.good.startswith(b"{"):
        for at, line in enumerate(lines := form.good.decode().split("\n")):
            if len(line) > 60 and " " not in line:
                for what, other in base64_variants(line).items():
                    yield f"{what} in line {at}", "\n".join([*lines[:at], other, *lines[at + 1 :]]).encode()
        return
    said = json.loads(form.good)
    for way in paths(said):
        text = said
        for step in way:
            text = text[step]
        if not _is_base64(text):
            continue
        for what, other in base64_variants(text).items():
            copy = json.loads(form.good)
            put_at(copy, way, other)
            yield f"{what} at {way}", json.dumps(copy).encode()


def put_at(value: Any, way: Sequence[Any], to: str) -> None:
    change(value, way, lambda _: to)


def _is_base64(text: Any) -> bool:
    if not isinstance(text, str) or len(text) < 40 or set(text) <= set("0123456789abcdef"):
        return False
    try:
        return len(base64.b64decode(text, validate=True)) > 16
    except ValueError:
        return False


@pytest.mark.parametrize("kind", FORMS.keys() - {"raw", "cms", "openpgp"})
def test_T131_another_spelling_of_the_same_base64_vouches_for_nothing(tmp_path: Path, kind: str) -> None:
    form = FORMS[kind]
    tried = 0
    for what, piece in respelled(form):
        found = form.prove(tmp_path, piece)
        assert vouches(form, found) == frozenset(), what
        tried += 1
    assert tried > 2


def test_T131_a_bare_signature_in_base64_may_be_broken_into_lines_and_nothing_else(tmp_path: Path) -> None:
    form, text = FORMS["raw"], base64.b64encode(FORMS["raw"].good).decode()
    broken = f"{text[:64]}\n{text[64:]}\n".encode()

    assert vouches(form, form.prove(tmp_path, broken))
    for what, other in base64_variants(text).items():
        assert not vouches(form, form.prove(tmp_path, other.encode())), what


# -- T136 to T139: Ed25519 ---------------------------------------------------------------------------------------------


class Crooked:
    """A holder of an Ed25519 key whose signatures come out as a test likes."""

    def __init__(self, edit: Callable[[Ed25519PrivateKey, bytes], bytes], public: bytes = b"") -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self._edit = edit
        self._public = public or self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._edit(self._private, message)

    @property
    def public(self) -> Any:
        return self

    @property
    def raw(self) -> bytes:
        return self._public

    @property
    def spki(self) -> bytes:
        return bytes.fromhex("302a300506032b6570032100") + self._public

    @property
    def key_id(self) -> str:
        return hashlib.sha256(self.spki).hexdigest()


def ed25519_forms(by: Any) -> dict[str, tuple[str, bytes, Mapping[str, Any]]]:
    """All forms that an Ed25519 key signs: place of the piece, piece, anchor."""
    pin = pinned("ssh", f"ssh-ed25519 {base64_of(ssh_blob(by))}")
    minisign = pinned("minisign", packed(by, by.public.raw).decode())
    return {
        "raw": ("files/a.txt.sig", raw_signature(CONTENT, by=by), pem_anchor(by=by)),
        "dsse": ("files/a.txt.intoto.json", attestation(CONTENT, "a.txt", by=by), pem_anchor(by=by)),
        "minisign": ("files/a.txt.minisig", minisig(CONTENT, by=by), minisign),
        "signify": ("files/a.txt.sig", signify(CONTENT, by), {**minisign, "kind": "signify"}),
        "sshsig": ("files/a.txt.sig", sshsig(CONTENT, by), pin),
    }


def ed25519_results(folder: Path, by: Any) -> dict[str, Result]:
    found = {}
    for kind, (place, piece, anchor) in ed25519_forms(by).items():
        form = Form(kind=kind, place=place, good=piece, forged=b"", anchor=anchor, key_id="")
        (finding,) = findings = form.prove(folder)
        assert bool(vouches(form, findings)) == (finding.result is Result.VERIFIED)
        found[kind] = finding.result
    return found


def test_the_crooked_ones_are_verified_when_they_sign_as_they_should(tmp_path: Path) -> None:
    straight = Crooked(lambda private, message: private.sign(message))

    assert set(ed25519_results(tmp_path, straight).values()) == {Result.VERIFIED}


Edit = Callable[[Ed25519PrivateKey, bytes], bytes]
STRANGE_R = [
    raw for raw in SMALL_ORDER if raw.hex() in {"01" + "00" * 30 + "80", "ee" + "ff" * 30 + "7f", "ee" + "ff" * 31}
]
"""The identity, in the ways in which it must not be written."""


def strange(r: bytes) -> Edit:
    return lambda private, message: with_strange_r(private, message, r)


CROOKED: dict[str, Edit] = {
    "T136 S + L": lambda private, message: with_larger_s(private.sign(message)),
    "T137 a byte less": lambda private, message: private.sign(message)[:63],
    "T137 a byte more": lambda private, message: private.sign(message) + b"\0",
    "T137 half of it": lambda private, message: private.sign(message)[:32],
    "T137 twice": lambda private, message: private.sign(message) * 2,
    "T137 zeros": lambda *_: bytes(64),
    **{f"T138 R {r.hex()[:2]}...{r.hex()[-2:]}": strange(r) for r in STRANGE_R},
}


@pytest.mark.parametrize("edit", CROOKED.values(), ids=CROOKED)
def test_T136_T137_T138_a_malleable_or_cut_signature_of_ed25519_is_a_failure(tmp_path: Path, edit: Edit) -> None:
    assert set(ed25519_results(tmp_path, Crooked(edit)).values()) == {Result.FAILED}


@pytest.mark.parametrize("public", SMALL_ORDER, ids=[raw.hex()[:4] + raw.hex()[-4:] for raw in SMALL_ORDER])
def test_T139_a_pinned_key_of_low_order_under_which_anything_is_signed_matches_nothing(
    tmp_path: Path, public: bytes
) -> None:
    found = ed25519_results(tmp_path, Crooked(lambda *_: ANYTHING, public))

    assert set(found.values()) <= {Result.UNTRUSTED_KEY, Result.WEAK_ALGORITHM, Result.FAILED}


@pytest.mark.parametrize("kind", ["raw", "cosign-blob", "model-signing", "cms", "npm-signature"])
def test_T137_a_cut_or_longer_signature_of_other_algorithms_vouches_for_nothing(tmp_path: Path, kind: str) -> None:
    form = FORMS[kind]
    for piece in (form.good[:-1], form.good + b"\0", form.good[: len(form.good) // 2]):
        assert vouches(form, form.prove(tmp_path, piece)) == frozenset()


# -- T140 --------------------------------------------------------------------------------------------------------------


class Twin:
    """A holder of the producer's ECDSA key who writes the other one of the two signatures that hold."""

    def __init__(self, by: Any) -> None:
        self._by, self.public = by, by.public

    def sign(self, message: bytes) -> bytes:
        return with_high_s(self._by.sign(message))


def twin_of(kind: str) -> bytes:
    twin: Any = Twin(CAROL)
    return {
        "raw": lambda: raw_signature(CONTENT, by=twin),
        "dsse": lambda: attestation(CONTENT, "a.txt", by=twin),
        "cosign-blob": lambda: cosign_bundle(CONTENT, twin),
        "model-signing": lambda: model(twin),
        "cosign-image": lambda: image_signature(twin),
    }[kind]()


@pytest.mark.parametrize("kind", ["raw", "dsse", "cosign-blob", "model-signing", "cosign-image"])
def test_T140_the_twin_of_an_ecdsa_signature_is_the_same_word_of_the_same_key(tmp_path: Path, kind: str) -> None:
    form, twin = FORMS[kind], twin_of(kind)

    assert twin != form.good
    assert form.prove(tmp_path, twin) == form.prove(tmp_path)


def test_T140_a_log_holds_one_of_the_twins_and_no_other(tmp_path: Path) -> None:
    signature = base64.b64decode(json.loads(FORMS["sigstore"].good)["messageSignature"]["signature"])
    twin = edited(FORMS["sigstore"].good, "messageSignature", "signature", to=base64_of(with_high_s(signature)))

    assert vouches(FORMS["sigstore"], FORMS["sigstore"].prove(tmp_path, twin)) == frozenset()
