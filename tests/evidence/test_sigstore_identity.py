from typing import Any

import pytest
from cryptography import x509

from airgap.core.anchors import Anchor, Kind
from airgap.core.errors import FormatError
from airgap.evidence.bundles.identity import Identity, check_identity, read_identity
from tests.evidence.bench import anchor
from tests.evidence.sigstore_forge import ARC, ISSUER, REF, REPOSITORY, WORKFLOW, instance, workflow_extensions
from tests.evidence.stamp_forge import tlv


def read(san: str = WORKFLOW, **settings: Any) -> Identity:
    certificate = instance().signer(san, **settings).certificate
    assert certificate is not None
    return read_identity(certificate)


def expecting(**settings: str) -> Anchor:
    return anchor(Kind.SIGSTORE, "0" * 64, **({"issuer": ISSUER} | settings))


def test_the_identity_of_a_workflow_is_read_from_its_certificate() -> None:
    found = read()
    assert (found.san, found.issuer) == (WORKFLOW, ISSUER)
    assert (found.repository, found.workflow, found.ref) == (REPOSITORY, "release.yml", REF)
    assert found.workflow_path == ".github/workflows/release.yml"
    assert str(found) == f"'{WORKFLOW}' ('{ISSUER}')"


def test_the_extensions_of_the_first_generation_are_enough() -> None:
    old = {number: text for number, text in workflow_extensions().items() if len(number) == 1 and number < "7"}
    found = read(extensions=old)
    assert (found.issuer, found.repository, found.workflow, found.ref) == (ISSUER, REPOSITORY, "release.yml", REF)
    assert check_identity(expecting(repository=REPOSITORY, workflow="release.yml", ref=REF), found) is None


def test_people_and_machines_have_a_mail_address() -> None:
    found = read("joe@acme.test", extensions={"8": "https://mail.test"})
    assert (found.san, found.issuer, found.repository, found.workflow, found.ref) == (
        "joe@acme.test", "https://mail.test", "", "", "",
    )  # fmt: skip
    assert check_identity(expecting(issuer="https://mail.test", identity="joe@acme.test"), found) is None


def test_a_user_name_stands_in_a_name_of_its_own_kind() -> None:
    name = x509.OtherName(x509.ObjectIdentifier(f"{ARC}7"), tlv(0x0C, b"joe!acme"))
    assert read(names=[name]).san == "joe!acme"


@pytest.mark.parametrize(
    ("extensions", "words"),
    [
        ({"2": "push"}, "expected one issuer of its identity, got 0"),
        ({"1": "https://a", "8": "https://b"}, "expected one issuer of its identity, got 2"),
        ({"8": "https://a", "5": "acme/widget", "12": "https://github.com/acme/other"}, "expected one repository, got two"),
    ],
)
def test_what_contradicts_itself_is_refused(extensions: dict[str, str], words: str) -> None:
    with pytest.raises(FormatError, match=words):
        read(extensions=extensions)


@pytest.mark.parametrize("size", [0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF])
def test_texts_of_every_length_are_read(size: int) -> None:
    assert read(extensions={"8": "i", "20": "x" * size}).extensions["20"] == "x" * size


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x0c", b"\x0c\x02a", b"\x0c\x01ab", b"\x13\x01a", b"\x0c\x81\x01a", b"\x0c\x80a\x00\x00", b"\x0c\x01\xff"],
)
def test_an_extension_that_is_no_text_is_refused(raw: bytes) -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{ARC}14"), raw)
    with pytest.raises(FormatError, match=r"expected an UTF8String in DER|expected text in UTF-8"):
        read(extensions={"8": "i"}, more=[(odd, False)])


def test_bare_text_has_to_be_text() -> None:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{ARC}2"), b"\xff")
    with pytest.raises(FormatError, match="expected text in UTF-8"):
        read(extensions={"8": "i"}, more=[(odd, False)])


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"repository": REPOSITORY}, None),
        ({"repository": f"https://github.com/{REPOSITORY}"}, None),
        ({"repository": REPOSITORY, "workflow": "release.yml"}, None),
        ({"repository": REPOSITORY, "ref": REF}, None),
        ({"repository": REPOSITORY, "identity": WORKFLOW}, None),
        ({"identity": WORKFLOW}, None),
        ({"repository": "acme/widge"}, "expected repository 'acme/widge', got 'acme/widget'"),
        ({"repository": "acme"}, "expected repository 'acme', got"),
        ({"repository": "widget"}, "expected repository 'widget', got"),
        ({"repository": "Acme/widget"}, "expected repository 'Acme/widget', got"),
        ({"repository": f"https://gitlab.com/{REPOSITORY}"}, "expected repository 'https://gitlab.com/acme/widget'"),
        ({"repository": REPOSITORY, "workflow": "build.yml"}, "expected workflow 'build.yml', got 'release.yml'"),
        ({"repository": REPOSITORY, "workflow": "lease.yml"}, "expected workflow 'lease.yml', got 'release.yml'"),
        ({"repository": REPOSITORY, "ref": "refs/tags/v1"}, "expected ref 'refs/tags/v1', got 'refs/tags/v1.0'"),
        ({"repository": REPOSITORY, "issuer": f"{ISSUER}/"}, f"expected issuer '{ISSUER}/', got"),
        ({"identity": WORKFLOW[:-1]}, "expected identity"),
        ({"identity": WORKFLOW, "repository": "other/one"}, "expected repository 'other/one'"),
        ({"repository": REPOSITORY, "issuer": ""}, "expected an anchor with an issuer"),
        ({}, "expected an anchor with an issuer and an identity or a repository, got neither"),
    ],
)
def test_the_publisher_is_the_expected_one_to_the_letter(settings: Any, fault: str | None) -> None:
    said = check_identity(expecting(**settings), read())
    assert (said is None) == (fault is None)
    assert fault is None or (said or "").startswith(fault)


@pytest.mark.parametrize(
    "repository", ["evil/acme", "acme/widget-evil", "acme/widget/x", "evil/acme/widget", "acme/widgetx"]
)
def test_a_repository_with_a_name_like_the_expected_one_does_not_pass(repository: str) -> None:
    san = f"https://github.com/{repository}/.github/workflows/release.yml@{REF}"
    found = read(san, extensions=workflow_extensions(repository, san=san))
    assert check_identity(expecting(repository=REPOSITORY), found) == (
        f"expected repository '{REPOSITORY}', got '{repository}'"
    )


@pytest.mark.parametrize(
    "san",
    [
        "https://github.com/evil/widget/.github/workflows/release.yml@refs/tags/v1.0",
        "https://github.com/acme/widget-evil/.github/workflows/release.yml@refs/tags/v1.0",
        "https://evil.test/acme/widget/.github/workflows/release.yml@refs/tags/v1.0",
        "http://github.com/acme/widget/.github/workflows/release.yml@refs/tags/v1.0",
        "https://github.com/acme/widget/.github/workflows/borrowed.yml@refs/tags/v1.0",
        "acme/widget/.github/workflows/release.yml@refs/tags/v1.0",
    ],
)
def test_a_borrowed_workflow_signs_under_its_own_name_which_has_to_be_pinned_too(san: str) -> None:
    found = read(san, extensions=workflow_extensions(san=san, config=WORKFLOW))
    assert found.repository == REPOSITORY
    assert (check_identity(expecting(repository=REPOSITORY), found) or "").startswith(
        "expected a workflow of 'acme/widget' itself"
    )
    assert check_identity(expecting(repository=REPOSITORY, identity=san), found) is None


def test_a_forge_with_a_host_of_its_own_is_pinned_by_its_issuer() -> None:
    san = "https://gitlab.com/group/sub/project//ci/publish.yml@refs/heads/main"
    said = {"8": "https://gitlab.com", "12": "https://gitlab.com/group/sub/project", "14": "refs/heads/main", "18": san}
    found = read(san, extensions=said)
    assert (found.repository, found.workflow, found.workflow_path) == ("group/sub/project", "publish.yml", "ci/publish.yml")
    assert (
        check_identity(
            expecting(issuer="https://gitlab.com", repository="group/sub/project", workflow="publish.yml"), found
        )
        is None
    )
    assert check_identity(expecting(repository="group/sub/project"), found) is not None


def test_a_pipeline_without_the_repository_in_its_name_is_pinned_by_identity() -> None:
    san = "https://circleci.com/api/v2/projects/1/pipeline-definitions/2"
    found = read(san, extensions={"8": "https://oidc.circleci.com", "12": "github.com/acme/widget"})
    issuer = "https://oidc.circleci.com"
    assert (found.repository, found.workflow) == (REPOSITORY, "")
    assert "itself" in (check_identity(expecting(issuer=issuer, repository=REPOSITORY), found) or "")
    assert check_identity(expecting(issuer=issuer, identity=san), found) is None


def test_a_ref_may_hold_an_at_sign_and_a_build_may_name_its_commit() -> None:
    san = f"https://github.com/{REPOSITORY}/.github/workflows/release.yml@refs/tags/@acme/widget@1.0"
    found = read(san, extensions=workflow_extensions(san=san, ref="refs/tags/@acme/widget@1.0"))
    assert found.workflow == "release.yml"
    commit = f"https://github.com/{REPOSITORY}/.github/workflows/release.yml@{'ab' * 20}"
    assert read(commit, extensions=workflow_extensions(san=commit)).workflow == "release.yml"
