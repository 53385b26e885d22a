"""What people pin: key files, pins as they write them, settings."""

import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from airgap.core.anchors import MAX_MATERIAL, Anchor, Kind
from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.evidence.anchoring import check_anchor, held_material, plain_pin, read_material, see_anchor

VECTORS = Path(__file__).parent / "vectors" / "anchoring"
SHA = "ab" * 32
FINGERPRINT = "b8c3bbb609b40154a1c5d6070a7ddd6c2b8b0ded"
OTHER = "cd" * 20
MINISIGN = "RWSjlTd4gsRhnk3REYDUg5iNx+nlK53jfhBUhrbPv9uFNniw8dye0KDb"
SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHx+R554IZ41hpYM5ThtxuUQ5pgU6V8LTMbIEr3QAUxS"
SPKI = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/WGMAtXeCYNt5rvMOFBdRSeQ58ky"
    "5uEIBq/KSe2l2TdMUNPS+4LxEEiG67NqjyzmE9PaImcJKBnb5zxDkfTRUQ=="
)
CA = "269e1ae8be947b3767352a36c898e06ec95861acc801876a039a11feb0d14797"
GITHUB = {"issuer": "https://token.actions.githubusercontent.com", "repository": "https://github.com/a/b"}
FILES = [
    ("minisign.pub", Kind.MINISIGN, MINISIGN),
    ("signify.pub", Kind.SIGNIFY, "RWQQ6KwzzpNXdp5kYGxw+9v8I+G3kzWcko/ttNqc3XXfuMHLtjgjgPe3"),
    ("ssh.pub", Kind.SSH, SSH),
    ("pem.pub", Kind.PEM, SPKI),
    ("../npm/keys.json", Kind.NPM, None),
    ("../npm/keys-target.json", Kind.NPM, None),
    ("openpgp.asc", Kind.OPENPGP, FINGERPRINT),
    ("openpgp.gpg", Kind.OPENPGP, FINGERPRINT),
    ("ca.pem", Kind.X509, CA),
    ("trusted_root.json", Kind.SIGSTORE, None),
]
GOOD = [
    (Kind.OPENPGP, FINGERPRINT, {}),
    (Kind.OPENPGP, f"{FINGERPRINT} {OTHER}", {"tier": "strict"}),
    (Kind.OPENPGP, SHA, {"tier": "pinned-lenient", "reason": "its key is of 2009"}),
    (Kind.DEBIAN, FINGERPRINT, {"suite": "bookworm"}),
    (Kind.NPM, SHA, {}),
    (Kind.SIGSTORE, SHA, {**GITHUB, "identity": "x"}),
    (Kind.SIGSTORE, SHA, GITHUB),
    (Kind.SIGSTORE, SHA, {**GITHUB, "workflow": "release.yml", "ref": "refs/heads/main", "tsa-only": "yes"}),
    (Kind.SIGSTORE, SHA, {"issuer": "https://accounts.example", "identity": "releases@example.org"}),
    (Kind.MINISIGN, MINISIGN, {}),
    (Kind.SIGNIFY, MINISIGN, {}),
    (Kind.SSH, SSH, {}),
    (Kind.SSH, SSH, {"namespace": "git", "principal": "releases@example.org"}),
    (Kind.X509, SHA, {"subject": "CN=Release,O=Example"}),
    (Kind.X509, SHA, {"email": "releases@example.org", "eku": "email-protection"}),
    (Kind.MODEL, SPKI, {}),
    (Kind.COSIGN, SPKI, {"reference": "registry.example/app"}),
    (Kind.PEM, SPKI, {"hash": "sha512", "format": "dsse"}),
]
BAD = [
    (Kind.OPENPGP, FINGERPRINT.upper(), {}, "pin: expected full OpenPGP fingerprints"),
    (Kind.OPENPGP, FINGERPRINT[:16], {}, "pin: expected full OpenPGP fingerprints"),
    (Kind.OPENPGP, f"{FINGERPRINT}\n", {}, "pin: expected full OpenPGP fingerprints"),
    (Kind.OPENPGP, f"{FINGERPRINT}  {OTHER}", {}, "pin: expected full OpenPGP fingerprints"),
    (Kind.OPENPGP, FINGERPRINT, {"tier": "lenient"}, "setting tier: expected strict or pinned-lenient, got 'lenient'"),
    (Kind.OPENPGP, FINGERPRINT, {"tier": "pinned-lenient"}, "expected a reason for tier pinned-lenient, got none"),
    (Kind.OPENPGP, FINGERPRINT, {"tier": "pinned-lenient", "reason": ""}, "setting reason: expected some text, got none"),
    (Kind.OPENPGP, FINGERPRINT, {"reason": "old"}, "got a reason without it"),
    (Kind.OPENPGP, FINGERPRINT, {"suite": "x"}, "settings of openpgp: expected material, reason, tier, got 'suite'"),
    (Kind.DEBIAN, OTHER[:-1], {}, "pin: expected full OpenPGP fingerprints"),
    (Kind.DEBIAN, FINGERPRINT, {"tier": "strict"}, "settings of debian-keyring: expected material, suite, got 'tier'"),
    (Kind.NPM, FINGERPRINT, {}, "pin: expected a SHA-256"),
    (Kind.NPM, SHA.upper(), {}, "pin: expected a SHA-256"),
    (Kind.SIGSTORE, SHA, {}, "settings of sigstore: expected issuer, got none"),
    (Kind.SIGSTORE, SHA, {"issuer": "x"}, "settings of sigstore: expected identity or repository, got neither"),
    (Kind.SIGSTORE, SHA, {"issuer": "x", "identity": "x", "ref": "x"}, "setting ref: expected it beside repository"),
    (Kind.SIGSTORE, SHA, {"issuer": "x", "identity": "x", "workflow": "x"}, "setting workflow: expected it beside"),
    (Kind.SIGSTORE, SHA, {**GITHUB, "tsa-only": "no"}, "setting tsa-only: expected yes, got 'no'"),
    (Kind.SIGSTORE, SHA, {**GITHUB, "issuer": ""}, "setting issuer: expected some text, got none"),
    (Kind.SIGSTORE, SHA, {**GITHUB, "\x1b[2J": "x"}, r"got '\x1b[2J'"),
    (Kind.MINISIGN, MINISIGN[:-4], {}, "expected 42 bytes, got 39"),
    (Kind.MINISIGN, f"{MINISIGN}\nx", {}, "pin: expected plain ASCII text"),
    (Kind.MINISIGN, MINISIGN, {"material": ""}, "settings of minisign: expected no settings, got 'material'"),
    (Kind.SIGNIFY, "é", {}, "pin: expected plain ASCII text"),
    (Kind.SIGNIFY, "QUJD", {}, "expected 42 bytes, got 3"),
    (Kind.SSH, SSH.split()[1], {}, "SSH public key: expected a type and a key"),
    (Kind.SSH, f"{SSH} comment", {}, "pin: expected its one canonical form"),
    (Kind.SSH, SSH, {"options": "x"}, "settings of ssh: expected namespace, principal, got 'options'"),
    (Kind.X509, SHA, {}, "settings of x509: expected subject or email, got neither"),
    (Kind.X509, SHA, {"subject": "CN=x", "email": "x"}, "expected subject or email, got both"),
    (Kind.X509, SHA, {"subject": "CN=x", "eku": "server"}, "setting eku: expected code-signing or email-protection or any"),
    (Kind.MODEL, "QUJD", {}, "public key: expected"),
    (Kind.COSIGN, "?", {}, "pin: expected base64"),
    (Kind.COSIGN, SPKI, {"reference": ""}, "setting reference: expected some text"),
    (Kind.PEM, SPKI.rstrip("="), {}, "pin: expected base64"),
    (Kind.PEM, SPKI, {"hash": "sha1"}, "setting hash: expected sha256 or sha384 or sha512, got 'sha1'"),
    (Kind.PEM, SPKI, {"format": "x"}, "setting format: expected raw or dsse, got 'x'"),
]


def anchor(kind: Kind, pin: str, settings: dict[str, str]) -> Anchor:
    return Anchor(name="up", kind=kind, pin=pin, artifacts=("pkg:*",), settings=settings)


def file(name: str) -> bytes:
    return (VECTORS / name).read_bytes()


def refusal(kind: Kind, pin: str, settings: dict[str, str]) -> str:
    with pytest.raises(FormatError) as caught:
        check_anchor(anchor(kind, pin, settings))
    return caught.value.message


def held(raw: bytes) -> dict[str, str]:
    return {"material": b64encode(raw).decode()}


@pytest.mark.parametrize(("name", "kind", "pin"), FILES)
def test_the_form_of_a_key_file_tells_its_kind(name: str, kind: Kind, pin: str | None) -> None:
    raw = file(name)
    ((found, pinned),) = read_material(None, raw)

    assert (found, pinned.pin) == (kind, pin or sha256(raw).hex())
    assert pinned.fingerprint
    assert read_material(kind, raw) == [(kind, pinned)]


@pytest.mark.parametrize(("name", "kind", "pin"), FILES)
def test_what_a_key_file_gives_is_an_anchor_that_can_vouch(name: str, kind: Kind, pin: str | None) -> None:
    raw = file(name)
    ((_, pinned),) = read_material(kind, raw)
    more = {Kind.SIGSTORE: GITHUB, Kind.X509: {"subject": "CN=x"}}.get(kind, {})
    material = held_material(kind, pinned.pin, raw)
    has_room = material is not None and len(material) <= MAX_MATERIAL
    settings = {**pinned.settings, **more, **(held(material) if material and has_room else {})}
    seen = see_anchor(anchor(kind, pinned.pin, settings))

    assert seen.fault is None
    assert seen.fingerprint.replace(" ", "").lower() == pinned.fingerprint.removeprefix("openpgp:").replace(" ", "").lower()


def test_reading_every_kind_of_key_file_opens_no_way_to_a_network() -> None:
    paths = [str(VECTORS / name) for name, _, _ in FILES]
    code = (
        "import sys; from pathlib import Path; from airgap.evidence.anchoring import read_material\n"
        "for path in sys.argv[1:]: read_material(None, Path(path).read_bytes())\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *paths], check=True, capture_output=True, text=True)

    network = {"socket", "ssl", "http", "asyncio", "subprocess", "urllib3", "requests"}
    # cryptography's X.509 names bring the mail package, and that one the socket module; nothing of ours calls it, and the
    # audit hook refuses whoever would
    assert network & set(done.stdout.split()) <= {"socket"}


@pytest.mark.parametrize(
    ("raw", "kinds"),
    [
        (f"{MINISIGN}\n".encode(), [Kind.SIGNIFY, Kind.MINISIGN]),
        (f"untrusted comment: our key\n{MINISIGN}\n".encode(), [Kind.SIGNIFY, Kind.MINISIGN]),
        (f"untrusted comment: minisign public key\n{MINISIGN}\n".encode(), [Kind.SIGNIFY]),
        (f'releases@example.org namespaces="file" {SSH}\n'.encode(), [Kind.SSH]),
    ],
)
def test_a_file_that_may_be_either_gives_both(raw: bytes, kinds: list[Kind]) -> None:
    assert [kind for kind, _ in read_material(None, raw)] == kinds


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"{}",
        b'{"tlogs"',
        b"{" * 100_000,
        b'["tlogs"]',
        b"\xff\xfe",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
        b"0\x82\x01\x00",
    ],
)
def test_a_file_of_no_known_form_is_refused_and_asks_for_the_kind(raw: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_material(None, raw)
    assert caught.value.message == "key file: expected one whose form tells its kind, got another"
    assert caught.value.hint == "say --kind KIND"


@pytest.mark.parametrize("kind", list(Kind))
def test_a_file_that_is_none_of_the_kind_is_refused(kind: Kind) -> None:
    for raw in (b"", b"hello\n", b"\x99\x00", b"{}", bytes(range(256))):
        with pytest.raises(FormatError):
            read_material(kind, raw)


@pytest.mark.parametrize(("kind", "pin", "settings"), GOOD)
def test_an_anchor_that_says_what_its_kind_needs_is_taken(kind: Kind, pin: str, settings: dict[str, str]) -> None:
    check_anchor(anchor(kind, pin, settings))
    seen = see_anchor(anchor(kind, pin, settings))

    assert seen.fault is None
    assert seen.fingerprint
    assert seen.value()["pin"] == pin


@pytest.mark.parametrize(("kind", "pin", "settings", "words"), BAD)
def test_an_anchor_that_cannot_vouch_is_refused_in_one_sentence(
    kind: Kind, pin: str, settings: dict[str, str], words: str
) -> None:
    said = refusal(kind, pin, settings)

    assert words in said
    assert said.isprintable()
    assert see_anchor(anchor(kind, pin, settings)).fault == said
    assert see_anchor(anchor(kind, pin, settings)).value()["fingerprint"] is None


def test_material_has_to_be_what_the_pin_names() -> None:
    raw = file("../npm/keys.json")
    right, wrong = sha256(raw).hex(), sha256(b"another").hex()
    check_anchor(anchor(Kind.NPM, right, held(raw)))

    assert refusal(Kind.NPM, wrong, held(raw)) == f"material: expected what the pin names, got sha256 {right}"
    assert refusal(Kind.NPM, right, {"material": "?"}).endswith("expected material in base64, got other text")
    with pytest.raises(FormatError):
        held_material(Kind.NPM, wrong, raw)


def test_material_of_openpgp_holds_all_pinned_keys_and_may_hold_more() -> None:
    raw = file("openpgp.asc")
    check_anchor(anchor(Kind.OPENPGP, FINGERPRINT, held(raw)))
    check_anchor(anchor(Kind.DEBIAN, FINGERPRINT, held(raw)))

    assert refusal(Kind.OPENPGP, f"{FINGERPRINT} {OTHER}", held(raw)) == f"material: expected the key {OTHER}, got others"


def test_material_beyond_what_a_setting_has_room_for_is_refused() -> None:
    raw = bytes(MAX_MATERIAL + 1)

    assert f"at most {MAX_MATERIAL} bytes, got {MAX_MATERIAL + 1}" in refusal(Kind.NPM, sha256(raw).hex(), held(raw))
    assert held_material(Kind.SIGSTORE, sha256(raw).hex(), raw) == raw


def test_a_key_that_is_its_own_pin_needs_no_material() -> None:
    assert held_material(Kind.MINISIGN, MINISIGN, file("minisign.pub")) is None


def test_a_certificate_is_held_in_der_whichever_way_its_file_writes_it() -> None:
    der = held_material(Kind.X509, CA, file("ca.pem"))

    assert der is not None
    assert sha256(der).hex() == CA
    assert held_material(Kind.X509, CA, der) == der
    with pytest.raises(FormatError):
        held_material(Kind.X509, SHA, file("ca.pem"))


@pytest.mark.parametrize(
    ("kind", "text", "pin"),
    [
        (Kind.OPENPGP, "B8C3 BBB6 09B4 0154 A1C5  D607 0A7D DD6C 2B8B 0DED", FINGERPRINT),
        (Kind.OPENPGP, f"0x{FINGERPRINT.upper()}", FINGERPRINT),
        (Kind.DEBIAN, f"{FINGERPRINT.upper()}  0x{OTHER.upper()}", f"{FINGERPRINT} {OTHER}"),
        (Kind.OPENPGP, "0A7DDD6C2B8B0DED", "0a7ddd6c2b8b0ded"),
        (Kind.NPM, f"sha256:{SHA.upper()}", SHA),
        (Kind.X509, ":".join(["AB"] * 32), SHA),
        (Kind.MINISIGN, f" {MINISIGN} ", MINISIGN),
        (Kind.SSH, f"{SSH}\n", SSH),
    ],
)
def test_a_pin_as_people_write_it_becomes_the_one_form(kind: Kind, text: str, pin: str) -> None:
    assert plain_pin(kind, text) == pin
