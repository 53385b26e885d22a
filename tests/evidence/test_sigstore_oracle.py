"""sigstore-python and pypi-attestations as oracles: real samples and forged ones through both, and both have to agree.

Where they cannot agree, the reason stands beside it. sigstore-python is asked with a trusted root out of a file, never with
its own cache.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.verdict import Result
from airgap.evidence import pypi, sigstore
from airgap.evidence.bundles.trusted_root import TrustedRoot
from airgap.evidence.sigstore import EvidenceError, load_bundle, open_bundle
from tests.evidence.bench import anchor, piece, pins, subject
from tests.evidence.sigstore_forge import NOON, Content, Instance, Json, Signer, instance, workflow_extensions
from tests.evidence.sigstoring import ARTIFACT, ENVELOPE, MESSAGE, digest, publisher, root_piece, signer
from tests.evidence.test_sigstore_mutations import mutants

pytestmark = [pytest.mark.online, pytest.mark.filterwarnings("ignore")]
HASHED, HASHED2 = ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")
DSSE, DSSE2 = ("dsse", "0.0.1"), ("dsse", "0.0.2")
GITHUB = "https://token.actions.githubusercontent.com"
CIRCLECI = (
    "https://circleci.com/api/v2/projects/fdd9283f-e619-46af-8f9c-851f7d3e8b2b"
    "/pipeline-definitions/8e4f8ab2-8d7c-4827-9f15-de076d6d647f"
)
BITS = "https://github.com/trailofbits"
SIGNERS = {
    "circleci": ("https://oidc.circleci.com", CIRCLECI),
    "gcb": ("https://accounts.google.com", "919436158236-compute@developer.gserviceaccount.com"),
    "gitlab": ("https://gitlab.com", "https://gitlab.com/facutuesca/gitlab-oidc-project//.gitlab-ci.yml@refs/heads/main"),
    "pypi_attestation_models": (
        GITHUB,
        f"{BITS}/pypi-attestation-models/.github/workflows/release.yml@refs/tags/v0.0.4a2",
    ),
    "pypi_attestations": (GITHUB, f"{BITS}/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19"),
    "rfc8785": ("https://github.com/login/oauth", "william@yossarian.net"),
    "spt3g": ("https://github.com/login/oauth", "william@yossarian.net"),
}


def oracle(bundle: Json, root: Path) -> str | None:
    """What sigstore-python has against a bundle; None when nothing."""
    from sigstore.errors import Error
    from sigstore.models import Bundle
    from sigstore.models import TrustedRoot as TheirRoot
    from sigstore.verify import Verifier, policy

    verifier = Verifier(trusted_root=TheirRoot.from_file(str(root)))
    try:
        theirs = Bundle.from_json(json.dumps(bundle))
        if "dsseEnvelope" in bundle:
            verifier.verify_dsse(theirs, policy.UnsafeNoOp())
        else:
            verifier.verify_artifact(ARTIFACT, theirs, policy.UnsafeNoOp())
    except (Error, ValueError, KeyError) as exc:
        return f"{type(exc).__name__}: {exc}"
    return None


def ours(bundle: Json, root: Path, asked: Callable[[str], bytes] | None = digest) -> str | None:
    try:
        open_bundle(bundle, root=TrustedRoot.parse(root.read_bytes()), key=None, digest=asked)
    except EvidenceError as exc:
        return exc.message
    return None


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    file = tmp_path / "trusted_root.json"
    file.write_bytes(instance().trusted_root())
    return file


GOOD: list[tuple[Content, Any, Any]] = [
    (MESSAGE, HASHED, {}),
    (MESSAGE, HASHED, {"version": 2}),
    (MESSAGE, HASHED, {"version": 1}),
    (MESSAGE, HASHED, {"is_stamped": True}),
    (MESSAGE, HASHED2, {"is_stamped": True}),
    (ENVELOPE, DSSE, {}),
    (ENVELOPE, DSSE, {"is_stamped": True, "is_promised": False}),
    (ENVELOPE, HASHED2, {"is_stamped": True}),
]


@pytest.mark.parametrize(("content", "kind", "settings"), GOOD)
def test_what_the_forge_makes_is_what_sigstore_python_reads(mini: Path, content: Any, kind: Any, settings: Any) -> None:
    bundle = instance().bundle(signer(), content, kind, **settings)
    assert (ours(bundle, mini), oracle(bundle, mini)) == (None, None)


@pytest.mark.parametrize(
    ("content", "kind", "settings", "reason"),
    [
        (ENVELOPE, ("intoto", "0.0.1"), {}, "only supported for dsse/hashedrekord 0.0.1"),
        (ENVELOPE, ("intoto", "0.0.2"), {}, "only supported for dsse/hashedrekord 0.0.1"),
        (ENVELOPE, HASHED, {}, "Unsupported DSSE log entry type"),
        (ENVELOPE, DSSE2, {"is_stamped": True}, "Unsupported DSSE log entry type"),
        (MESSAGE, HASHED, {"version": 1, "has_proof": False}, "inclusionProof"),
    ],
)
def test_what_sigstore_python_does_not_know(mini: Path, content: Any, kind: Any, settings: Any, reason: str) -> None:
    """npm's attestations, envelopes as cosign 3 logs them, and bundles from before checkpoints; it fails closed on all."""
    bundle = instance().bundle(signer(), content, kind, **settings)
    assert ours(bundle, mini) is None
    assert reason in (oracle(bundle, mini) or "")


def test_what_sigstore_python_cannot_be_asked(mini: Path) -> None:
    """Bundles that a key signed, and those without a log."""
    key = Signer(ec.generate_private_key(ec.SECP256R1()))
    assert "expected certificate" in (oracle(instance().bundle(key, MESSAGE), mini) or "")
    assert "tlogEntries" in (oracle(instance().bundle(signer(), ENVELOPE, None, is_stamped=True), mini) or "")
    # it hashes with SHA-256 under every key, as nobody but itself does
    long = instance().signer(key=ec.generate_private_key(ec.SECP384R1()))
    assert "invalid signature" in (oracle(instance().bundle(long, ENVELOPE, DSSE), mini) or "")


@pytest.mark.parametrize(("content", "kind", "settings"), GOOD[:1] + GOOD[4:6])
def test_both_refuse_the_same_changes(mini: Path, content: Any, kind: Any, settings: Any) -> None:
    bundle = instance().bundle(signer(), content, kind, **settings)
    lax = []
    for name, mutant in mutants(bundle):
        mine, theirs = ours(mutant, mini), oracle(mutant, mini)
        if mine is None and theirs is not None and "logIndex') gone" not in name:
            # a number that is not there is 0 in this format, they say that it has to be there
            raise AssertionError(f"{name}: taken here, refused there: {theirs}")
        if mine is not None and theirs is None:
            lax.append(name)
    assert [name for name in lax if not _is_laxer(name)] == []


def _is_laxer(name: str) -> bool:
    """Blanks and needless characters in base64 and in numbers; ids of keys, which they only take for hints."""
    return name.endswith((" blank", " longer")) or "'keyid')" in name or "'keyId')" in name


def test_both_refuse_the_same_forgeries(mini: Path) -> None:
    other = Instance()
    late = NOON.replace(hour=13)
    for bundle in (
        other.bundle(other.signer(), MESSAGE),
        instance().bundle(signer(), MESSAGE, at=late),
        instance().bundle(signer(), MESSAGE, HASHED2, is_stamped=True, at=late),
        instance().bundle(signer(), MESSAGE, HASHED2),
        instance().bundle(signer(), MESSAGE, is_promised=False),
        instance().bundle(instance().signer(is_logged=False), MESSAGE),
        instance().bundle(instance().signer(sct=lambda _: instance().sct(b"other", NOON)), MESSAGE),
        instance().bundle(signer(), MESSAGE, signature=signer().sign(b"other")),
        instance().bundle(signer(), Content(message=b"other")),
    ):
        assert ours(bundle, mini) is not None
        assert oracle(bundle, mini) is not None


@pytest.mark.parametrize(
    ("repository", "workflow", "san"),
    [
        ("acme/widget", "release.yml", ""),
        ("acme/widge", "release.yml", ""),
        ("acme/widget", "elease.yml", ""),
        ("acme/widget-evil", "release.yml", ""),
        ("acme/widget", "release.yml", "https://github.com/evil/widget/.github/workflows/release.yml@refs/tags/v1.0"),
    ],
)
def test_both_expect_the_same_publisher(repository: str, workflow: str, san: str) -> None:
    from pypi_attestations import GitHubPublisher
    from sigstore.errors import VerificationError

    config = "https://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v1.0"
    who = instance().signer(san or config, workflow_extensions(san=san or config, config=config))
    assert who.certificate is not None
    believed = publisher(issuer=GITHUB, repository=repository, workflow=workflow)
    fault = sigstore.check_identity(believed, sigstore_identity(who))
    try:
        GitHubPublisher(repository=repository, workflow=workflow)._as_policy().verify(who.certificate)
        theirs = None
    except VerificationError as exc:
        theirs = str(exc)
    if san:
        # laxer there: the workflow that signed may be anybody's, as long as the one that called it is the expected one
        assert (fault is None, theirs is None) == (False, True)
    else:
        assert (fault is None) == (theirs is None)


def sigstore_identity(who: Signer) -> sigstore.Identity:
    found = sigstore.peek_bundle(instance().bundle(who, MESSAGE), digest=digest).identity
    assert found is not None
    return found


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real distributions with their attestations, and the trusted roots of both public instances."""
    folder = tmp_path_factory.mktemp("samples")
    for name, version in (("pypi-attestations", "0.0.30"), ("sigstore", "4.5.1"), ("sigstore", "3.6.7")):
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", name, f"{name}=={version}"]
        subprocess.run([*command, "-d", str(folder)], check=True, capture_output=True)
    for archive in sorted(folder.glob("*.tar.gz")):
        with tarfile.open(archive) as opened:
            opened.extractall(folder / archive.name.removesuffix(".tar.gz"), filter="data")
    return folder


def roots(samples: Path) -> dict[str, Path]:
    found = sorted(samples.rglob("_store/*/trusted_root.json"))
    assert len(found) == 4
    return {str(file.relative_to(samples)): file for file in found}


def real(samples: Path) -> Iterator[tuple[Path, str]]:
    """Every distribution of the samples with the name of each piece of evidence about it."""
    (assets,) = samples.glob("pypi_attestations-0.0.30/*/test/assets")
    for file in sorted(assets.iterdir()):
        for suffix in (".publish.attestation", ".slsa.attestation", ".attestation", ".provenance", ".sigstore"):
            if file.name.endswith(suffix):
                yield file, file.name.removesuffix(suffix)
                break


def test_every_real_sample_goes_through_both_under_every_root(samples: Path, tmp_path: Path) -> None:
    seen = {Result.VERIFIED: 0, Result.UNTRUSTED_KEY: 0}
    for file, name in real(samples):
        issuer, san = next(who for start, who in SIGNERS.items() if name.startswith((f"{start}-", f"{start}_")))
        content = (file.parent / name).read_bytes() if (file.parent / name).exists() else None
        for root in roots(samples).values():
            raw = root.read_bytes()
            believed = pins(anchor_of(raw, issuer, san))
            for finding, bundle in judged(file, name, content, raw, believed, tmp_path):
                theirs = oracle(bundle, root)
                assert (finding.result is Result.VERIFIED) == (theirs is None), (file.name, root, finding, theirs)
                seen[finding.result] += 1
    # twelve files under the two roots of their own instance, and under those of the other
    assert seen == {Result.VERIFIED: 26, Result.UNTRUSTED_KEY: 26}


def test_pypi_attestations_agrees_about_names_digests_and_claims(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its ``verify`` itself, with a verifier that reads a file in place of its cache."""
    import pypi_attestations
    from sigstore.models import TrustedRoot as TheirRoot
    from sigstore.verify import Verifier, policy

    (root,) = (file for name, file in roots(samples).items() if "4.5.1" in name and "sigstore.dev" in name)
    verifier = Verifier(trusted_root=TheirRoot.from_file(str(root)))
    monkeypatch.setattr("pypi_attestations._impl.Verifier.production", lambda **_: verifier)
    count = 0
    for file, name in real(samples):
        start = next(start for start in SIGNERS if name.startswith((f"{start}-", f"{start}_")))
        issuer, san = SIGNERS[start]
        if not file.name.endswith("attestation") or start in {"rfc8785", "spt3g"}:
            continue
        theirs = pypi_attestations.Attestation.model_validate_json(file.read_text())
        content = (file.parent / name).read_bytes()
        for asked, given in ((name, content), (name, content + b"!"), (_renamed(name), content), ("x.exe", content)):
            made = subject(tmp_path, given, name=asked)
            evidence = piece(file.name, file.read_bytes(), role=Role.ATTESTATION)
            believed = pins(anchor_of(root.read_bytes(), issuer, san))
            (finding,) = pypi.verify(made, evidence, [root_piece(root.read_bytes())], believed)
            try:
                dist = pypi_attestations.Distribution(name=asked, digest=made.digests["sha256"].hex())
                theirs.verify(policy.Identity(identity=san, issuer=issuer), dist)
                is_good = True
            except ValueError:
                is_good = False
            assert (finding.result is Result.VERIFIED) == is_good == ((asked, given) == (name, content)), (file.name, asked)
            count += 1
    assert count == 5 * 4


def _renamed(name: str) -> str:
    return name.replace("0.0.", "0.1.")


def judged(file: Path, name: str, content: bytes | None, raw: bytes, believed: Any, tmp_path: Path) -> Iterator[Any]:
    from pypi_attestations import Attestation, Provenance

    evidence = piece(file.name, file.read_bytes(), role=Role.ATTESTATION)
    made = subject(tmp_path, content or b"", name=name)
    if content is None:
        value = json.loads(file.read_bytes())
        payload = json.loads(base64.b64decode(value["envelope"]["statement"]))
        made.digests["sha256"] = bytes.fromhex(payload["subject"][0]["digest"]["sha256"])  # type: ignore[index]
    if file.suffix == ".sigstore":
        bundles = [load_bundle(file.read_bytes())]
        findings = sigstore.verify(made, evidence, [root_piece(raw)], believed)
    else:
        text = file.read_text()
        if file.suffix == ".provenance":
            attestations = [
                one for part in Provenance.model_validate_json(text).attestation_bundles for one in part.attestations
            ]
        else:
            attestations = [Attestation.model_validate_json(text)]
        bundles = [json.loads(one.to_bundle().to_json()) for one in attestations]
        findings = pypi.verify(made, evidence, [root_piece(raw)], believed)
    assert len(findings) == len(bundles)
    yield from zip(findings, bundles, strict=True)


def anchor_of(raw: bytes, issuer: str, san: str) -> Any:
    return anchor(Kind.SIGSTORE, hashlib.sha256(raw).hexdigest(), issuer=issuer, identity=san)
