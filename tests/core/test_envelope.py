from typing import Any

import pytest

from airgap.core.authentic import Authentic
from airgap.core.envelope import MAX_SIGNATURES, STATEMENT_TYPE, Envelope, Signature, authenticate, pae
from airgap.core.errors import FormatError
from airgap.core.keys import Algorithm
from airgap.core.reasons import Reason
from tests.forge.edit import Edit, drop, flip, put
from tests.forge.keys import ALICE, BOB, MALLORY, hybrid, key
from tests.forge.text import STATEMENT, TRUST, encode, envelope

PAYLOAD = b'{"said":"this"}'
SIGNED = Envelope(STATEMENT, PAYLOAD, ()).with_signatures([ALICE, BOB])
KNOWN = {k.public.key_id: k.public for k in (ALICE, BOB)}


def refusal(value: Any) -> str:
    with pytest.raises(FormatError) as caught:
        Envelope.parse(encode(value))
    assert caught.value.reason is Reason.MALFORMED
    return caught.value.message


def unbelieved(envelope: Envelope, *, payload_type: str = STATEMENT_TYPE) -> FormatError:
    with pytest.raises(FormatError) as caught:
        authenticate(envelope, payload_type, KNOWN, what="x")
    return caught.value


def test_pae_counts_encoded_bytes_as_the_protocol_says() -> None:
    """The example of the DSSE protocol, and one whose lengths in characters are others."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", "é ".encode()) == b"DSSEv1 2 \xc3\xa9 3 \xc3\xa9 "
    assert pae("", b"") == b"DSSEv1 0  0 "


def test_type_and_payload_cannot_trade_bytes() -> None:
    assert pae("a 1", b"b") != pae("a", b"1 b")


def test_an_envelope_is_read_as_it_is_written() -> None:
    assert Envelope.parse(SIGNED.encode()) == SIGNED


def test_an_envelope_is_canonical_json_of_the_dsse_members() -> None:
    assert SIGNED.encode() == encode(envelope(STATEMENT, PAYLOAD, [ALICE, BOB]))


def test_signatures_are_sorted_however_they_were_added() -> None:
    one_by_one = Envelope(STATEMENT, PAYLOAD, ()).with_signatures([BOB]).with_signatures([ALICE])

    assert one_by_one == SIGNED


VALUE = SIGNED.value()


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        pytest.param(drop("payload"), "expected required", id="T089 no payload"),
        pytest.param(put("more", to=1), "expected additionalProperties false at 'top level'", id="T089 a member more"),
        pytest.param(put("payload", to=None), "expected type \"string\" at 'payload'", id="T089 null"),
        pytest.param(put("payload", to=""), "expected minLength 4 at 'payload'", id="nothing signed"),
        pytest.param(put("payloadType", to=""), "expected minLength 1 at 'payloadType'", id="no type"),
        pytest.param(put("signatures", 0, "alg", to="none"), "expected additionalProperties", id="T128 algorithm"),
        pytest.param(put("signatures", 0, "keyid", to="A" * 64), "expected pattern", id="key id in capitals"),
        pytest.param(put("signatures", 0, "keyid", to="a" * 64 + "\n"), "expected pattern", id="newline after a key id"),
        pytest.param(put("signatures", to=[1]), "expected type \"object\" at 'signatures[0]'", id="no signature"),
        pytest.param(put("signatures", 1, to=VALUE["signatures"][0]), "expected one signature per key", id="T123 repeated"),
        pytest.param(put("signatures", to=VALUE["signatures"][::-1]), "expected signatures sorted by key id", id="order"),
    ],
)
def test_an_envelope_of_another_shape_is_refused(edit: Edit[Any], got: str) -> None:
    assert refusal(edit(VALUE)).startswith(f"envelope: {got}")


@pytest.mark.parametrize(
    ("payload", "got"),
    [
        ("QUJD\n", "pattern"),
        ("QU JD", "pattern"),
        ("QUJDQQ", "base64, got other text"),
        ("QUJDQQ=", "base64, got other text"),
        ("QUJDQR==", "canonical base64, got another encoding of the same bytes"),
        ("QUI=QUI=", "pattern"),
        ("_-_-", "pattern"),
        ("QUJDé===", "pattern"),
    ],
)
@pytest.mark.parametrize("where", [("payload",), ("signatures", 0, "sig")], ids=str)
def test_t131_bytes_have_one_base64(where: tuple[str | int, ...], payload: str, got: str) -> None:
    assert refusal(put(*where, to=payload)(VALUE)).startswith(f"envelope: expected {got}")


def test_t142_more_than_16_signatures_are_refused_before_any_is_verified() -> None:
    many = [{"keyid": f"{number:064x}", "sig": "AAAA"} for number in range(MAX_SIGNATURES + 1)]

    assert len(Envelope.parse(encode(put("signatures", to=many[:-1])(VALUE))).signatures) == 16
    assert refusal(put("signatures", to=many)(VALUE)) == "envelope: expected maxItems 16 at 'signatures', got another value"


def test_t142_a_list_of_a_hundred_thousand_wrong_signatures_costs_one_finding() -> None:
    assert refusal(put("signatures", to=[1] * 100_000)(VALUE)).startswith("envelope: expected ")


def test_a_key_signs_an_envelope_once() -> None:
    for keys in ([BOB, BOB], [ALICE]):
        with pytest.raises(FormatError, match=r"^envelope: expected a key that has not signed yet, got one that has$"):
            Envelope(STATEMENT, PAYLOAD, ()).with_signatures([ALICE]).with_signatures(keys)


def test_sixteen_keys_may_sign_and_seventeen_may_not() -> None:
    keys = [key(f"signer {number}") for number in range(MAX_SIGNATURES + 1)]
    full = Envelope(STATEMENT, PAYLOAD, ()).with_signatures(keys[:-1])

    assert len(full.signatures) == 16
    with pytest.raises(FormatError, match=r"^envelope: expected at most 16 signatures, got 17$"):
        full.with_signatures(keys[-1:])


@pytest.mark.parametrize("algorithm", Algorithm)
def test_what_known_keys_signed_is_authentic(algorithm: Algorithm) -> None:
    signer = key("signer", algorithm)
    sealed = Envelope(STATEMENT, PAYLOAD, ()).with_signatures([signer])

    authentic = authenticate(sealed, STATEMENT, {signer.public.key_id: signer.public}, what="x")

    assert authentic == Authentic(PAYLOAD, frozenset({signer.public.key_id}))


def test_an_envelope_signed_elsewhere_is_authentic() -> None:
    assert authenticate(Envelope.from_value(envelope(STATEMENT, PAYLOAD, [ALICE])), STATEMENT, KNOWN, what="x").payload == (
        PAYLOAD
    )


def test_both_halves_of_a_hybrid_are_named() -> None:
    keys = hybrid("hybrid")
    sealed = Envelope(STATEMENT, PAYLOAD, ()).with_signatures(keys)

    authentic = authenticate(sealed, STATEMENT, {k.public.key_id: k.public for k in keys}, what="x")

    assert authentic.key_ids == {k.public.key_id for k in keys}


def test_t129_what_was_signed_for_another_purpose_is_refused() -> None:
    error = unbelieved(SIGNED, payload_type=TRUST)

    assert error.reason is Reason.MALFORMED
    assert error.message == f"x: expected payload type {TRUST}, got '{STATEMENT}'"


def test_t129_a_signature_does_not_hold_under_another_type() -> None:
    moved = Envelope(TRUST, PAYLOAD, SIGNED.signatures)

    assert unbelieved(moved, payload_type=TRUST).reason is Reason.BAD_SIGNATURE


def test_t120_nothing_is_authentic_without_a_signature() -> None:
    error = unbelieved(Envelope(STATEMENT, PAYLOAD, ()))

    assert (error.reason, error.message) == (Reason.UNSIGNED, "x: expected a signature, got none")


def test_t127_one_signature_by_an_unknown_key_refuses_the_envelope() -> None:
    error = unbelieved(SIGNED.with_signatures([MALLORY]))

    assert error.reason is Reason.UNKNOWN_SIGNER
    assert error.message == f"x: expected signatures by known keys, got one by key {MALLORY.public.key_id[:16]}"


@pytest.mark.parametrize("which", [0, 1])
def test_one_signature_that_does_not_hold_refuses_the_envelope(which: int) -> None:
    signatures = list(SIGNED.signatures)
    signatures[which] = Signature(signatures[which].key_id, flip(signatures[which].value, -1))

    error = unbelieved(Envelope(STATEMENT, PAYLOAD, tuple(signatures)))

    assert error.reason is Reason.BAD_SIGNATURE
    assert error.message == (
        f"x: expected a valid signature by key {signatures[which].key_id[:16]}, got one that does not hold"
    )


def test_a_changed_payload_is_not_signed() -> None:
    assert unbelieved(Envelope(STATEMENT, PAYLOAD + b" ", SIGNED.signatures)).reason is Reason.BAD_SIGNATURE


def test_t126_a_key_id_only_says_which_key_to_try() -> None:
    said_to_be_alice = Signature(ALICE.public.key_id, MALLORY.sign(pae(STATEMENT, PAYLOAD)))

    assert unbelieved(Envelope(STATEMENT, PAYLOAD, (said_to_be_alice,))).reason is Reason.BAD_SIGNATURE


def test_authentic_bytes_can_be_looked_at_with_some_of_their_signers() -> None:
    authentic = authenticate(SIGNED, STATEMENT, KNOWN, what="x")

    assert authentic.by({ALICE.public.key_id, MALLORY.public.key_id}) == Authentic(
        PAYLOAD, frozenset({ALICE.public.key_id})
    )
    assert authentic.by(set()).key_ids == frozenset()
