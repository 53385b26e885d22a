"""A package's path says what its package URL says, because clients go by the one and scopes by the other."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from airgap.core.entries import Artifact, Document, Role
from airgap.core.errors import FormatError
from airgap.core.placed import check_artifact, check_document
from airgap.core.purl import check_purl
from airgap.core.reasons import Reason
from airgap.core.versions import normalise


def artifact(path: str, purl: str) -> Artifact:
    check_purl(purl)
    return Artifact(f"artifacts/{path}", 1, bytes(32), purl)


@pytest.mark.parametrize(
    ("path", "purl"),
    [
        ("pypi/six-1.0-py3-none-any.whl", "pkg:pypi/six@1.0"),
        ("pypi/Six-1.0-1-py3-none-any.whl", "pkg:pypi/six@1.0"),
        ("pypi/zope.interface-01.0.tar.gz", "pkg:pypi/zope-interface@1.0"),
        ("pypi/a_b-2021.05.30.zip", "pkg:pypi/a-b@2021.5.30"),
        ("pypi/torch-1!2.0+cu118-cp311-cp311-linux_x86_64.whl", "pkg:pypi/torch@1%212.0%2Bcu118"),
        ("npm/left/-/left-1.0.0.tgz", "pkg:npm/left@1.0.0"),
        ("npm/@types/node/-/node-1.0.0-rc.1+b.2.tgz", "pkg:npm/%40types/node@1.0.0-rc.1%2Bb.2"),
        ("files/six-1.0.tar.gz", "pkg:generic/anything"),
        ("maven/x.jar", "pkg:maven/g/a@1"),
    ],
)
def test_a_path_that_its_package_url_speaks_of_passes(path: str, purl: str) -> None:
    check_artifact(artifact(path, purl))


@pytest.mark.parametrize(
    ("path", "purl"),
    [
        ("pypi/six-1.0-py3-none-any.whl", "pkg:pypi/mine@1.0"),
        ("pypi/six-1.0-py3-none-any.whl", "pkg:pypi/six@1.1"),
        ("pypi/six-1.0-py3-none-any.whl", "pkg:pypi/six"),
        ("pypi/six-1.0-py3-none-any.whl", "pkg:pypi/six@1.0?a=b"),
        ("pypi/six-01.0-py3-none-any.whl", "pkg:pypi/six@01.0"),
        ("pypi/six-1.0-py3-none-any.whl", "pkg:generic/six@1.0"),
        ("pypi/six-1.0-py3-none-any.whl", "pkg:npm/six@1.0"),
        ("pypi/six-1.0.1.tar.gz", "pkg:pypi/six@1.0-1"),
        ("npm/left/-/left-1.0.0.tgz", "pkg:npm/mine@1.0.0"),
        ("npm/left/-/left-1.0.0.tgz", "pkg:npm/left@1.0.1"),
        ("npm/@a/left/-/left-1.0.0.tgz", "pkg:npm/left@1.0.0"),
    ],
)
def test_a_path_of_another_package_is_refused_with_both_names(path: str, purl: str) -> None:
    with pytest.raises(FormatError, match=r"expected pkg:(pypi|npm)/.*, got pkg:") as caught:
        check_artifact(artifact(path, purl))
    assert caught.value.reason is Reason.BAD_NAME


@pytest.mark.parametrize(
    "path",
    [
        "pypi/six.html",
        "pypi/six-1.0.tar.bz2",
        "pypi/six-banana.tar.gz",
        "pypi/simple",
        "pypi/sub/six-1.0-py3-none-any.whl",
        "npm/left/-/right-1.0.0.tgz",
        "npm/left/-/left-1.0.tgz",
        "npm/left/-/left-1.0.0.tar",
        "npm/left/x/-/left-1.0.0.tgz",
        "npm/index.html",
    ],
)
def test_a_path_of_no_package_is_refused(path: str) -> None:
    with pytest.raises(FormatError, match="expected the name of a package's file, got another"):
        check_artifact(artifact(path, "pkg:pypi/six@1.0"))


@pytest.mark.parametrize(
    "name",
    ["six-9.whl", "six-9.tar.gz", "six-9.TAR.bz2", "six-9.zip", "x.html", "x.HTM", "x.html.gz", "six-9.txz", "x.whl.exe"],
)
@pytest.mark.parametrize("folder", ["pypi", "npm/left/-"])
def test_a_document_that_clients_would_take_for_a_package_is_refused(name: str, folder: str) -> None:
    """Because pip takes it from a folder that ``--find-links`` names."""
    document = Document(f"documents/{folder}/{name}", 1, bytes(32), Role.INDEX, "text/plain")
    with pytest.raises(FormatError, match="expected a document beside a package of its bundle") as caught:
        check_document(document, frozenset())
    assert caught.value.reason is Reason.BAD_NAME


OWN = frozenset({"pypi/six-1.0-py3-none-any.whl", "pypi/six-1.0.tar.gz", "npm/left/-/left-1.0.0.tgz"})


@pytest.mark.parametrize(
    "path",
    [
        "pypi/six-1.0-py3-none-any.whl.metadata",
        "pypi/six-1.0.tar.gz.asc",
        "pypi/six-1.0.tar.gz.asc.sig",
        "pypi/SHA256SUMS",
        "npm/left/-/left-1.0.0.tgz.npm-signature.json",
        "files/page.html",
        "files/other-1.0.tar.gz.asc",
        "index/npm/left/0123456789abcdef.json",
    ],
)
def test_a_document_beside_a_package_of_its_bundle_or_elsewhere_passes(path: str) -> None:
    check_document(Document(f"documents/{path}", 1, bytes(32), Role.INDEX, "text/plain"), OWN)


@pytest.mark.parametrize(
    "path",
    [
        "pypi/other-1.0-py3-none-any.whl.metadata",
        "pypi/six-1.0.tar.metadata",
        "pypi/six-1.0.tar.gz.zip.asc",
        "npm/other/-/left-1.0.0.tgz.attestations.json",
    ],
)
def test_a_document_beside_a_package_of_another_bundle_is_refused(path: str) -> None:
    """Because it would take the place of what another channel brought about its own package."""
    with pytest.raises(FormatError, match="got one of another name"):
        check_document(Document(f"documents/{path}", 1, bytes(32), Role.INDEX, "text/plain"), OWN)


WRITTEN = (
    r"v?(\d!)?\d{1,3}(\.\d{1,3}){0,3}([-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d?)?"
    r"(-\d|[-_.]?(post|rev|r)[-_.]?\d?)?([-_.]?dev[-_.]?\d?)?(\+[a-zA-Z0-9]{1,3}([-_.][a-z0-9]{1,3}){0,2})?"
)


@given(
    st.text("0123456789.abcdeilnoprstvuw-_+!", max_size=16) | st.from_regex(re.compile(WRITTEN, re.ASCII), fullmatch=True)
)
def test_versions_are_normalised_as_packaging_does_it(text: str) -> None:
    try:
        expected: str | None = str(Version(text))
    except InvalidVersion:
        expected = None
    assert normalise(text) == expected


def test_a_version_that_is_longer_than_any_is_none() -> None:
    assert normalise("1" * 201) is None
