import base64
import hashlib
from typing import Any

import pytest

from airgap.core.errors import FormatError
from airgap.core.merkle import leaf_hash, path_root, tree_hash
from airgap.core.verdict import Result
from airgap.evidence.bundles.bundle import Entry, read_entry
from airgap.evidence.bundles.transparency import check_entry, open_checkpoint, promised_time
from airgap.evidence.bundles.trusted_root import Log
from tests.evidence.sigstore_forge import NOON, Content, b64, instance, path_of, spki
from tests.evidence.sigstoring import ENVELOPE, MESSAGE, opened, refused, root, signer

HASHED, HASHED2 = ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")
DSSE, DSSE2 = ("dsse", "0.0.1"), ("dsse", "0.0.2")
INTOTO, INTOTO2 = ("intoto", "0.0.1"), ("intoto", "0.0.2")


def entry(**members: Any) -> Entry:
    value = instance().rekor.entry("x", "1", b"body", at=NOON)
    return read_entry(value | members)


def log() -> Log:
    return root().logs[0]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 13, 16, 33])
def test_a_path_leads_to_the_root_of_its_tree_and_to_no_other(size: int) -> None:
    leaves = [b"%d" % at for at in range(size)]
    whole = tree_hash([leaf_hash(leaf) for leaf in leaves])
    for index, leaf in enumerate(leaves):
        path, expected = path_of(leaves, index)
        assert path_root(leaf_hash(leaf), path, index=index, size=size) == expected == whole
        assert path_root(leaf_hash(leaf + b"!"), path, index=index, size=size) != whole
        assert path_root(leaf_hash(leaf), [*path, whole], index=index, size=size) is None
        wrong = [path_root(leaf_hash(leaf), path, index=at, size=size) for at in range(-1, size + 1) if at != index]
        assert whole not in wrong
        if path:
            assert path_root(leaf_hash(leaf), path[:-1], index=index, size=size) is None


def test_an_entry_needs_a_pinned_log() -> None:
    with pytest.raises(FormatError, match="expected a log of the trusted root, got log 6d79"):
        check_entry(entry(logId={"keyId": b64(b"my log")}), root().logs)


def test_an_entry_needs_a_promise_or_a_checkpoint() -> None:
    bare = entry()
    assert check_entry(bare, root().logs) == log()
    no_promise = entry(inclusionPromise=None)
    assert check_entry(no_promise, root().logs) == log()
    assert promised_time(no_promise) is None
    with pytest.raises(FormatError, match="expected a promise or a checkpoint, got neither"):
        check_entry(entry(inclusionPromise=None, inclusionProof=None), root().logs)


@pytest.mark.parametrize(
    "change", [{"integratedTime": "5"}, {"logIndex": "5"}, {"inclusionPromise": {"signedEntryTimestamp": b64(b"x" * 70)}}]
)
def test_a_promise_signs_time_and_index(change: Any) -> None:
    with pytest.raises(FormatError, match=r"expected a promise signed by 'https://rekor\.test'"):
        check_entry(entry(**change), root().logs)


def test_a_time_without_a_promise_proves_nothing() -> None:
    assert promised_time(entry()) == NOON
    assert promised_time(entry(integratedTime="0")) is None
    with pytest.raises(FormatError, match="expected a time in seconds"):
        promised_time(entry(integratedTime=str(2**52)))


def test_a_proof_has_to_lead_to_the_root_that_the_checkpoint_signs() -> None:
    proof = instance().rekor.entry("x", "1", b"body", at=None)["inclusionProof"]
    other = instance().rekor.entry("x", "1", b"other", at=None)["inclusionProof"]
    for changed, words in (
        (proof | {"logIndex": "3"}, "got one that leads elsewhere"),
        (proof | {"treeSize": "4"}, "got one that leads elsewhere"),
        (proof | {"rootHash": other["rootHash"]}, "got one that leads elsewhere"),
        (proof | {"hashes": proof["hashes"][:-1]}, "got one that leads elsewhere"),
        (proof | {"checkpoint": other["checkpoint"]}, "expected the tree of the log's checkpoint"),
    ):
        with pytest.raises(FormatError, match=words):
            check_entry(entry(inclusionProof=changed), root().logs)


def test_a_proof_without_a_checkpoint_has_to_lead_to_its_own_root_and_proves_nothing_more() -> None:
    proof = instance().rekor.entry("x", "1", b"body", at=None)["inclusionProof"] | {"checkpoint": None}
    assert check_entry(entry(inclusionProof=proof), root().logs) == log()
    for changed in (entry(inclusionProof=proof | {"logIndex": "3"}), entry(inclusionProof=proof, inclusionPromise=None)):
        with pytest.raises(FormatError, match=r"got one that leads elsewhere|got neither"):
            check_entry(changed, root().logs)


def test_a_checkpoint_counts_the_signature_of_its_log_only() -> None:
    rekor = instance().rekor
    note = rekor.checkpoint(6, b"r" * 32)
    body, _, block = note.partition("\n\n")
    witness = f"\u2014 witness.test {b64(b'wxyz' + b's' * 64)}\n"
    assert open_checkpoint(note, log()) == (6, b"r" * 32)
    assert open_checkpoint(f"{body}\n\n{witness}{block}", log()) == (6, b"r" * 32)
    assert open_checkpoint(rekor.checkpoint(6, b"r" * 32, extra="more\n"), log()) == (6, b"r" * 32)
    forged = f"\u2014 rekor.test {b64(rekor.log_id[:4] + b's' * 64)}\n"
    renamed = block.replace("rekor.test", "other.test")
    for block_ in (witness, forged, renamed):
        with pytest.raises(FormatError, match="got none that holds"):
            open_checkpoint(f"{body}\n\n{block_}", log())


@pytest.mark.parametrize(
    "note",
    [
        "",
        "a\n1\nb\n",
        "a\n1\nb\n\n",
        "a\n1\nb\n\nno dash\n",
        "a\n1\nb\n\n\u2014 name\n",
        "a\n1\nb\n\n\u2014 name !!!!\n",
        "a\n1\nb\n\n\u2014 name AAAA\n",
        "a\n1\nb\n\n\u2014  AAAAAAAA\n",
        "a\n1\nb\n\n\u2014 name AAAAAAAA",
        "a\n1\nb\n\n" + "\u2014 name AAAAAAAA\n" * 33,
        "a" * 20_000 + "\n1\nb\n\n\u2014 name AAAAAAAA\n",
    ],
)
def test_a_checkpoint_is_a_signed_note_or_none(note: str) -> None:
    with pytest.raises(FormatError, match="checkpoint: expected"):
        open_checkpoint(note, log())


@pytest.mark.parametrize("lines", ["1\n", "x\nAAAA\n", f"{'1' * 21}\nAAAA\n", "\u0661\nAAAA\n", "1\n!\n"])
def test_a_note_that_the_log_signed_still_has_to_be_a_checkpoint(lines: str) -> None:
    rekor = instance().rekor
    lines = f"rekor.test\n{lines}"
    note = f"{lines}\n\u2014 rekor.test {b64(rekor.log_id[:4] + rekor.sign(lines.encode()))}\n"
    with pytest.raises(FormatError, match=r"expected origin, size and root|expected base64"):
        open_checkpoint(note, log())


def spec(*path: str, to: Any) -> Any:
    """Change one member of an entry before the log takes it in."""

    def edit(body: Any) -> None:
        for name in path[:-1]:
            body = body[name if isinstance(body, dict) else int(name)]
        body[path[-1]] = to

    return edit


OTHER = hashlib.sha256(b"other").digest()
PEM = b64(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize(
    ("content", "kind", "edit", "words"),
    [
        (MESSAGE, HASHED, spec("spec", "data", "hash", "value", to=OTHER.hex()), "the digest of what was signed"),
        (MESSAGE, HASHED, spec("spec", "data", "hash", "value", to=OTHER.hex().upper()), "sha256, sha384 or sha512"),
        (MESSAGE, HASHED, spec("spec", "data", "hash", "value", to="xx"), "a digest in hex"),
        (MESSAGE, HASHED, spec("spec", "data", "hash", "algorithm", to="sha1"), "sha256, sha384 or sha512"),
        (MESSAGE, HASHED, spec("spec", "data", "hash", "algorithm", to=["sha256"]), "sha256, sha384 or sha512"),
        (MESSAGE, HASHED, spec("spec", "signature", "content", to=b64(b"other")), "this signature by this signer"),
        (MESSAGE, HASHED, spec("spec", "signature", "publicKey", "content", to=PEM), "this signature by this signer"),
        (MESSAGE, HASHED, spec("spec", "signature", "publicKey", "content", to=b64(b"PEM")), "in PEM, got other text"),
        (MESSAGE, HASHED, spec("spec", "signature", "publicKey", "content", to=""), "in PEM, got other text"),
        (MESSAGE, HASHED, spec("spec", "more", to=1), "expected known members only, got 'more'"),
        (MESSAGE, HASHED, spec("spec", to=[]), "expected an object"),
        (MESSAGE, HASHED, spec("kind", to="dsse"), "the kind that the bundle names"),
        (MESSAGE, HASHED, spec("apiVersion", to="0.0.2"), "the kind that the bundle names"),
        (MESSAGE, HASHED2, spec("spec", "hashedRekordV002", "data", "digest", to=b64(OTHER)), "the digest of what"),
        (MESSAGE, HASHED2, spec("spec", "hashedRekordV002", "data", "algorithm", to="MD5"), "expected one of SHA2_256"),
        (MESSAGE, HASHED2, spec("spec", "hashedRekordV002", "signature", "content", to=b64(OTHER)), "this signature by"),
        (MESSAGE, HASHED2, spec("spec", "hashedRekordV002", "signature", "verifier", "publicKey", to={}), "none or both"),
        (
            MESSAGE,
            HASHED2,
            spec("spec", "hashedRekordV002", "signature", "verifier", "x509Certificate", to=None),
            "none or",
        ),
        (ENVELOPE, DSSE, spec("spec", "payloadHash", "value", to=OTHER.hex()), "the digest of what was signed"),
        (ENVELOPE, DSSE, spec("spec", "signatures", to=[]), "this signature by this signer"),
        (ENVELOPE, DSSE, spec("spec", "signatures", "0", "signature", to=b64(OTHER)), "this signature by this signer"),
        (ENVELOPE, DSSE, spec("spec", "signatures", "0", "verifier", to=PEM), "this signature by this signer"),
        (ENVELOPE, DSSE, spec("spec", "signatures", to=[1, 2]), "a list of at most 1"),
        (ENVELOPE, DSSE2, spec("spec", "dsseV002", "payloadHash", "digest", to=b64(OTHER)), "the digest of what was"),
        (ENVELOPE, DSSE2, spec("spec", "dsseV002", "signatures", to=[]), "this signature by this signer"),
        (ENVELOPE, INTOTO, spec("spec", "content", "hash", "value", to=OTHER.hex()), "the hash of this envelope"),
        (ENVELOPE, INTOTO, spec("spec", "content", "payloadHash", "value", to=OTHER.hex()), "the digest of what was"),
        (ENVELOPE, INTOTO, spec("spec", "publicKey", to=PEM), "this signature by this signer"),
        (ENVELOPE, INTOTO2, spec("spec", "content", "payloadHash", "value", to=OTHER.hex()), "the digest of what was"),
        (ENVELOPE, INTOTO2, spec("spec", "content", "envelope", "payloadType", to="text/plain"), "the payload type of"),
        (ENVELOPE, INTOTO2, spec("spec", "content", "envelope", "signatures", to=[]), "this signature by this signer"),
        (
            ENVELOPE,
            INTOTO2,
            spec("spec", "content", "envelope", "signatures", "0", "sig", to=b64(b"\xff")),
            "a signature in base64 twice",
        ),
    ],
)
def test_t133_an_entry_has_to_be_about_this_signature(content: Content, kind: Any, edit: Any, words: str) -> None:
    stamped = kind in {HASHED2, DSSE2}
    refused(instance().bundle(signer(), content, kind, is_stamped=stamped, edit_body=edit), words)


@pytest.mark.parametrize("kind", [DSSE, DSSE2, INTOTO2])
def test_an_entry_about_an_envelope_is_none_about_an_artifact(kind: Any) -> None:
    def edit(body: Any) -> None:
        content = body["spec"].get("content")
        if content:
            content["envelope"]["payloadType"] = ""

    refused(instance().bundle(signer(), MESSAGE, kind, edit_body=edit), "got one about an envelope")


def test_an_entry_of_an_unknown_kind_is_not_supported() -> None:
    bundle = instance().bundle(signer(), MESSAGE)
    body = b'{"apiVersion":"0.0.1","kind":"rpm","spec":{}}'
    bundle["verificationMaterial"]["tlogEntries"] = [instance().rekor.entry("rpm", "0.0.1", body, at=NOON)]

    refused(bundle, "expected a known kind, got 'rpm' '0.0.1'", Result.UNSUPPORTED)


def test_an_entry_may_leave_out_the_hash_of_the_envelope() -> None:
    def edit(body: Any) -> None:
        del body["spec"]["content"]["hash"]

    assert opened(instance().bundle(signer(), ENVELOPE, INTOTO2, edit_body=edit)).signed_at == NOON


def test_all_entries_have_to_hold() -> None:
    bundle = instance().bundle(signer(), MESSAGE)
    other = instance().bundle(signer(), Content(message=b"other"))
    entries = bundle["verificationMaterial"]["tlogEntries"]
    entries.append(entries[0])
    assert opened(bundle).signed_at == NOON
    entries.append(other["verificationMaterial"]["tlogEntries"][0])

    refused(bundle, "expected this signature by this signer")


def test_the_log_id_of_the_second_generation_is_made_of_its_name() -> None:
    """Source: C2SP signed-note; the forge follows it, and the pinned root says it, so that no code here has to."""
    found = next(log for log in root().logs if log.url == "https://log2.rekor.test")
    raw = base64.b64decode(b64(spki(instance().rekor2.key)))[-32:]
    assert found.log_id == hashlib.sha256(b"log2.rekor.test\n\x01" + raw).digest()
