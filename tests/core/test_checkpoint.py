import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from airgap.core.checkpoint import Checkpoint, _key_hash
from airgap.core.errors import FormatError, UsageError
from airgap.core.keys import Algorithm, PrivateKey, PublicKey
from tests.forge.edit import flip
from tests.forge.keys import key

SITE = key("site")
CHECKPOINT = Checkpoint("lab", 12, bytes(range(32)))
NOTE = CHECKPOINT.sign(SITE)

UNSIGNED = "checkpoint: expected a signature of the site's key, got another"
NO_NOTE = "checkpoint: expected a signed note, got other text"


def refusal(note: str, by: PublicKey = SITE.public) -> str:
    with pytest.raises(FormatError) as caught:
        Checkpoint.parse(note, by)
    return caught.value.message


def test_a_checkpoint_is_a_signed_note_of_origin_size_and_root() -> None:
    origin, size, root, blank, signature, end = NOTE.split("\n")

    assert (origin, size, blank, end) == ("airgap/lab", "12", "", "")
    assert base64.b64decode(root) == bytes(range(32))
    assert signature.startswith("— airgap/lab ")


def test_a_checkpoint_is_read_as_it_is_written() -> None:
    assert Checkpoint.parse(NOTE, SITE.public) == CHECKPOINT


def test_the_signature_covers_the_text_before_the_blank_line() -> None:
    signature = base64.b64decode(NOTE.split(" ")[-1])

    assert SITE.public.is_signed(NOTE.partition("\n\n")[0].encode() + b"\n", signature[4:])


def test_the_published_example_of_a_signed_note_has_this_key_hash_and_signature() -> None:
    """The key and the note of Peter Neumann, from the tests of golang.org/x/mod/sumdb/note."""
    seed = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    peter = PrivateKey(Algorithm.ED25519, ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"

    assert b"\x01" + peter.public.raw == base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert _key_hash("PeterNeumann", peter.public).hex() == "c74f20a3"
    assert base64.b64encode(_key_hash("PeterNeumann", peter.public) + peter.sign(text.encode())).decode() == (
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("airgap/lab", "airgap/bad", id="another site"),
        pytest.param("\n12\n", "\n13\n", id="another size"),
        pytest.param("AAEC", "AAED", id="another root"),
    ],
)
def test_a_changed_checkpoint_is_not_signed(old: str, new: str) -> None:
    assert refusal(NOTE.replace(old, new)) == UNSIGNED


def test_a_checkpoint_by_another_key_is_refused() -> None:
    assert refusal(NOTE, key("other").public) == UNSIGNED


@pytest.mark.parametrize("at", [0, 3, 4, 35, 67])
def test_no_bit_of_the_signature_may_change(at: int) -> None:
    said = NOTE.split(" ")[-1]
    changed = base64.b64encode(flip(base64.b64decode(said), at)).decode()

    assert refusal(NOTE.replace(said, changed + "\n")) == UNSIGNED


def test_a_signature_by_the_same_key_for_another_site_is_refused() -> None:
    assert refusal(NOTE.replace("— airgap/lab", "— airgap/other")) == NO_NOTE


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("", id="nothing"),
        pytest.param(NOTE[:-1], id="no newline at the end"),
        pytest.param(NOTE + "\n", id="a newline more"),
        pytest.param(NOTE + NOTE.split("\n\n")[1], id="a second signature"),
        pytest.param(NOTE.replace("\n12\n", "\n012\n"), id="leading zero"),
        pytest.param(NOTE.replace("\n12\n", "\n-1\n"), id="negative size"),
        pytest.param(NOTE.replace("\n12\n", "\n" + "9" * 17 + "\n"), id="huge size"),
        pytest.param(NOTE.replace("\n\n", "\nextension\n\n"), id="extension line"),
        pytest.param(NOTE.replace("—", "-"), id="hyphen for the dash"),
        pytest.param(NOTE.replace("\n", "\r\n"), id="carriage returns"),
        pytest.param(NOTE.replace("airgap/lab", "airgap/Lab"), id="site in capitals"),
        pytest.param(NOTE.replace("airgap/lab", "airgap/"), id="no site"),
    ],
)
def test_any_other_text_is_no_checkpoint(note: str) -> None:
    assert refusal(note) == NO_NOTE


def test_stray_bits_and_broken_groups_of_base64_are_refused() -> None:
    head, _, said = NOTE.rpartition(" ")
    short = head + " " + said.rstrip("=\n") + "\n"
    padded = base64.b64encode(base64.b64decode(said) + b"x").decode()
    root = NOTE.split("\n")[2]

    assert refusal(short) == "checkpoint: expected base64, got other text"
    assert refusal(f"{head} {padded}\n") == UNSIGNED
    assert root.endswith("8=")
    assert refusal(NOTE.replace(root, root[:-2] + "9=")) == "checkpoint: expected canonical base64, got another encoding"


def test_only_ed25519_signs_notes() -> None:
    with pytest.raises(UsageError, match=r"^key: expected ed25519, got ecdsa-p256$"):
        CHECKPOINT.sign(key("site", Algorithm.ECDSA_P256))
