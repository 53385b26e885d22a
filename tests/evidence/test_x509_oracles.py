"""openssl and rfc3161-client say the same as we do; where one of them is laxer, the row says so."""

import base64
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Result
from airgap.evidence.cms import verify
from airgap.evidence.x509.certificates import der_of, pin_of, read_certificates
from airgap.evidence.x509.timestamp import open_token
from tests.evidence.bench import anchor, piece, pins, subject
from tests.evidence.issuing import CODE, DAY, STAMP, authority, issue, key, purpose
from tests.evidence.signing import bound, make, response, stamp
from tests.evidence.workshop import END, SIGNED, START, Workshop, open_workshop, signature_of, with_token

pytestmark = pytest.mark.online

CONTENT = b"what is signed\n"
CRITICAL = purpose(STAMP, critical=True)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(tmp_path_factory.mktemp("workshop"))


def ours(
    workshop: Workshop,
    signature: bytes,
    *,
    content: bytes = CONTENT,
    at: Any = SIGNED,
    lists: bytes = b"",
    who: str = "signer",
) -> Result:
    material = base64.b64encode(der_of(workshop.root)).decode()
    known = anchor(Kind.X509, pin_of(workshop.root), material=material, subject=f"CN={who}", eku="any")
    beside = [piece("a.crl", lists, role=Role.ANCHOR_DATA)] if lists else []
    about = subject(workshop.folder, content)
    found = verify(about, piece("a.p7s", signature), beside, pins(known, at=at))
    return found[0].result


@pytest.mark.parametrize("kind", ["p256", "p384", "p521", "rsa2048", "rsa3072"])
@pytest.mark.parametrize(
    "options", ["", "-noattr", "-keyid", "-md sha384", "-md sha512 -noattr", "-nodetach", "-nosmimecap"]
)
def test_openssl_s_signatures_hold_for_both_and_for_nothing_else(workshop: Workshop, kind: str, options: str) -> None:
    workshop.make(kind, kind)
    signature = workshop.sign(CONTENT, *options.split(), signer=kind)
    changed = signature[:-1] + bytes([signature[-1] ^ 1])

    assert workshop.is_good(CONTENT, signature)
    assert ours(workshop, signature, who=kind) is Result.VERIFIED
    assert not workshop.is_good(CONTENT, changed)
    assert ours(workshop, changed, who=kind) is Result.FAILED
    assert ours(workshop, signature, who=kind, content=b"else") is Result.FAILED
    assert not workshop.is_good(b"else", signature)
    for late in (START - DAY, END + DAY):
        assert not workshop.is_good(CONTENT, signature, at=late)
        assert ours(workshop, signature, who=kind, at=late) is Result.EXPIRED_AT_SIGNING


@pytest.mark.parametrize("options", ["", "-md sha512", "-noattr"])
def test_rsa_pss_of_openssl_holds_for_both(workshop: Workshop, options: str) -> None:
    workshop.make("pss", "rsa2048")
    for salt in ("max", "digest", "0"):
        chosen = ["-keyopt", "rsa_padding_mode:pss", "-keyopt", f"rsa_pss_saltlen:{salt}"]
        signature = workshop.sign(CONTENT, *options.split(), *chosen, signer="pss")
        assert workshop.is_good(CONTENT, signature)
        assert ours(workshop, signature, who="pss") is Result.VERIFIED


def test_where_openssl_is_laxer(workshop: Workshop) -> None:
    weak, streamed = workshop.sign(CONTENT, "-md", "sha1"), workshop.sign(CONTENT, "-stream")
    assert workshop.is_good(CONTENT, weak)
    assert ours(workshop, weak) is Result.WEAK_ALGORITHM
    assert workshop.is_good(CONTENT, streamed)
    assert ours(workshop, streamed) is Result.UNSUPPORTED


def test_openssl_too_reads_what_the_tests_write(workshop: Workshop) -> None:
    signer, own = workshop.made["signer"], key("p256", "signer")
    for plain in (True, False):
        document = make(CONTENT, signer, own, plain=plain, carried=[signer, workshop.middle])
        assert workshop.is_good(CONTENT, document)
        assert ours(workshop, document) is Result.VERIFIED


def test_attributes_as_a_file_of_their_own_fool_openssl_and_not_us(workshop: Workshop) -> None:
    signer, own = workshop.made["signer"], key("p256", "signer")
    made: list[Any] = []
    make(CONTENT, signer, own, change_signer=made.append)
    attributes = made[0]["signed_attrs"].untag().dump()

    def steal(found: Any) -> None:
        found["signature"] = made[0]["signature"].native

    stolen = make(attributes, signer, own, plain=True, change_signer=steal, carried=[signer, workshop.middle])
    assert workshop.is_good(attributes, stolen)
    assert ours(workshop, stolen, content=attributes) is Result.FAILED


@pytest.mark.parametrize("options", ["", "-noattr"])
def test_we_accept_no_change_that_openssl_refuses(workshop: Workshop, options: str) -> None:
    signature, laxer = workshop.sign(CONTENT, *options.split()), 0
    for place in range(0, len(signature), 3):
        changed = bytearray(signature)
        changed[place] ^= 0x01
        is_ours = ours(workshop, bytes(changed)) is Result.VERIFIED
        is_theirs = workshop.is_good(CONTENT, bytes(changed))
        assert is_theirs or not is_ours, place
        laxer += is_theirs and not is_ours
    assert laxer < 20  # version numbers and the list of digest algorithms, which openssl does not look at


def test_both_refuse_what_the_issuer_withdrew(workshop: Workshop) -> None:
    from tests.evidence.make_x509_vectors import _list

    signature, later = workshop.sign(CONTENT), SIGNED + timedelta(days=60)
    for serials, result in (((), Result.VERIFIED), ((workshop.made["signer"].serial_number,), Result.REVOKED)):
        raw = _list(workshop, *serials)
        pem = x509.load_der_x509_crl(raw).public_bytes(Encoding.PEM)
        (workshop.folder / "lists.pem").write_bytes((workshop.folder / "root.pem").read_bytes() + pem)
        is_good = workshop.is_good(CONTENT, signature, "-crl_check", "-CAfile", "lists.pem", at=later)
        assert is_good is (result is Result.VERIFIED)
        assert ours(workshop, signature, lists=raw, at=later) is result


def test_openssl_reads_past_a_timestamp_that_proves_the_time_to_us(workshop: Workshop) -> None:
    from tests.evidence.make_x509_vectors import token_of

    plain = workshop.sign(CONTENT)
    stamped = with_token(plain, token_of(workshop.stamp(signature_of(plain))))
    late = SIGNED + timedelta(days=400)
    assert workshop.is_good(CONTENT, stamped)
    assert not workshop.is_good(CONTENT, stamped, at=late)
    assert ours(workshop, stamped, at=late) is Result.VERIFIED


def client(workshop: Workshop, reply: bytes, message: bytes, *, is_bare: bool = False) -> bool:
    """What rfc3161-client says of a response."""
    from rfc3161_client import VerifierBuilder, decode_timestamp_response
    from rfc3161_client.errors import VerificationError

    try:
        said = decode_timestamp_response(reply)
        builder = VerifierBuilder(roots=[workshop.root], intermediates=[workshop.middle])
        if is_bare:
            builder = builder.tsa_certificate(workshop.made["tsa"])
        return builder.build().verify_message(said, message)
    except (ValueError, VerificationError):
        return False


def opens(workshop: Workshop, reply: bytes, message: bytes) -> bool:
    try:
        open_token(reply, message, roots=[workshop.root], intermediates=[workshop.middle, workshop.made["tsa"]])
    except FormatError:
        return False
    return True


TSA_KEY = key("p256", "tsa")
Forge = Callable[[Workshop], bytes]


def forged(*extensions: Any, **more: Any) -> Forge:
    """A response by a certificate with other extensions or dates."""
    dates = {"start": START, "end": END, **more}

    def forge(workshop: Workshop) -> bytes:
        leaf = issue("tsa", TSA_KEY, workshop.middle, key(name="middle"), extensions=extensions, **dates)
        return response(stamp(CONTENT, leaf, TSA_KEY, at=SIGNED))

    return forge


def written(status: int = 0, **more: Any) -> Forge:
    """A response by the right certificate with something else in it."""

    def forge(workshop: Workshop) -> bytes:
        bind = more.get("bind")
        given = {**more, "bind": bind(workshop)} if callable(bind) else more
        return response(stamp(CONTENT, workshop.made["tsa"], TSA_KEY, **{"at": SIGNED, **given}), status)

    return forge


def by_thief(workshop: Workshop) -> bytes:
    thief = authority("Middle", key(name="thief"), start=START, end=END)
    leaf = issue("tsa", TSA_KEY, thief, key(name="thief"), extensions=[CRITICAL], start=START, end=END)
    return response(stamp(CONTENT, leaf, TSA_KEY, at=SIGNED))


def changed(workshop: Workshop) -> bytes:
    reply = bytearray(written()(workshop))
    reply[-1] ^= 1
    return bytes(reply)


def twice(document: Any) -> None:
    document["signer_infos"] = [document["signer_infos"][0]] * 2


def demand(info: Any) -> None:
    info["extensions"] = [{"extn_id": "1.2.3.4", "critical": True, "extn_value": b"\x05\x00"}]


@pytest.mark.parametrize(
    ("forge", "is_ours", "is_openssl", "is_client"),
    [
        pytest.param(written(), True, True, True, id="good"),
        # rfc3161-client knows one way to grant, RFC 3161 two
        pytest.param(written(1), True, True, False, id="granted with changes"),
        pytest.param(written(bind=lambda w: [bound(w.made["tsa"], version=1)]), True, True, True, id="named by sha-1"),
        pytest.param(written(hashed="sha512", digest="sha512"), True, True, True, id="sha512"),
        pytest.param(written(2), False, False, False, id="refused"),
        pytest.param(changed, False, False, False, id="changed byte"),
        pytest.param(by_thief, False, False, False, id="other authority"),
        pytest.param(forged(purpose(STAMP)), False, False, False, id="usage not critical"),
        pytest.param(forged(purpose(CODE, critical=True)), False, False, False, id="wrong usage"),
        pytest.param(forged(purpose(STAMP, CODE, critical=True)), False, False, False, id="two usages"),
        pytest.param(forged(), False, False, False, id="no usage"),
        pytest.param(forged(CRITICAL, end=SIGNED - DAY), False, False, False, id="expired"),
        pytest.param(forged(CRITICAL, start=SIGNED + DAY), False, False, False, id="not yet valid"),
        pytest.param(written(change_document=twice), False, False, False, id="two signatures"),
        # rfc3161-client does not ask which certificate the signature names
        pytest.param(written(bind=[]), False, False, True, id="names no certificate"),
        pytest.param(written(bind=lambda w: [bound(w.middle)]), False, False, True, id="names another certificate"),
        pytest.param(written(plain=True), False, False, True, id="no signed attributes"),
        # openssl takes SHA-1, and neither looks at extensions
        pytest.param(written(hashed="sha1"), False, True, False, id="sha-1"),
        pytest.param(written(change=demand), False, True, True, id="critical extension"),
    ],
)
def test_timestamps_are_judged_alike(
    workshop: Workshop, forge: Forge, *, is_ours: bool, is_openssl: bool, is_client: bool
) -> None:
    reply = forge(workshop)
    assert opens(workshop, reply, CONTENT) is is_ours
    assert workshop.is_stamped(CONTENT, reply) is is_openssl
    assert client(workshop, reply, CONTENT) is is_client
    assert not opens(workshop, reply, b"else")
    assert not workshop.is_stamped(b"else", reply)
    assert not client(workshop, reply, b"else")


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("ess", ["sha1", "sha256"])
def test_responses_of_openssl_are_opened(workshop: Workshop, digest: str, ess: str) -> None:
    for certificates in (True, False):
        reply = workshop.stamp(CONTENT, digest=digest, ess=ess, certificates=certificates)
        assert opens(workshop, reply, CONTENT)
        assert workshop.is_stamped(CONTENT, reply)
        # openssl does not sort the certificates, and rfc3161-client insists on it
        assert client(workshop, reply, CONTENT, is_bare=not certificates) or certificates


def test_real_timestamps_are_judged_as_rfc3161_client_s_own_tests_do(tmp_path: Path) -> None:
    """Tokens of Sigstore's staging authority, of its server and of IdenTrust, all of them about ``hello``."""
    expected = {
        "identrust/issue-104.tsr": True,
        "sigstage/response-invalid-signature.tsr": False,
        "sigstage/response-no-embedded-cert.tsr": True,
        "sigstage/response-sha256.tsr": True,
        "sigstage/response-sha384.tsr": True,
        "sigstage/response-sha512.tsr": True,
        "test_tsa/other_response.tsr": False,
        "test_tsa/response-injected-certs.tsr": True,
        "test_tsa/response.tsr": True,
        "test_tsa_full_chain/response.tsr": True,
    }
    fixtures = _source(tmp_path, "rfc3161-client", "1.0.9") / "test" / "fixtures"
    for name, is_good in expected.items():
        chain = read_certificates((fixtures / name).with_name("ts_chain.pem").read_bytes())
        roots = [one for one in chain if one.subject == one.issuer]
        try:
            at = open_token((fixtures / name).read_bytes(), b"hello", roots=roots, intermediates=chain)
        except FormatError:
            at = None
        assert (at is not None) is is_good, name


BACKEND = """
import os

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = os.path.join(folder, "{normal}-{version}.dist-info")
    os.makedirs(info)
    with open(os.path.join(info, "METADATA"), "w") as out:
        out.write("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return os.path.basename(info)
"""


def _source(folder: Path, name: str, version: str) -> Path:
    """The unpacked source of a package, whose tests are not in its wheels.

    pip asks the build backend for metadata even where it only downloads; the real one would compile Rust.
    """
    (folder / "maturin.py").write_text(BACKEND.format(name=name, version=version, normal=name.replace("-", "_")))
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-build-isolation", "--no-binary", name]
    subprocess.run(
        [*command, f"{name}=={version}", "-d", folder], check=True, env={**os.environ, "PYTHONPATH": str(folder)}
    )
    (packed,) = folder.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    return Path(str(packed).removesuffix(".tar.gz"))
