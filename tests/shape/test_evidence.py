"""The page about evidence is true: every kind, every pin and every result of the program is in it."""

from pathlib import Path

import pytest

from airgap.core.anchors import MAX_MATERIAL, Kind
from airgap.core.verdict import Result
from airgap.evidence.expectation import ANCHORS
from airgap.evidence.recognise import Format

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/evidence.md").read_text()
TABLE = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 6]
WORDS = {
    Format.OPENPGP: "OpenPGP, detached",
    Format.OPENPGP_CLEAR: "OpenPGP, clearsigned",
    Format.SSHSIG: "SSH signature",
    Format.CMS: "CMS / PKCS #7",
    Format.RAW: "raw signature with a PEM key",
    Format.COSIGN_BLOB: "cosign sign-blob",
    Format.DSSE: "in-toto attestation in DSSE",
    Format.SIGSTORE: "Sigstore bundle",
    Format.PEP740: "PEP 740",
    Format.NPM_SIGNATURE: "npm registry signature",
    Format.NPM_ATTESTATION: "npm provenance, npm publish attestation",
    Format.MODEL_SIGNING: "OpenSSF model signature",
    Format.COSIGN_IMAGE: "cosign image signature",
    Format.DEBIAN: "Debian",
    Format.SUMS: "| checksum list (",
}


@pytest.mark.parametrize("format_", Format)
def test_every_format_has_a_row_that_names_the_anchors_that_it_is_pinned_by(format_: Format) -> None:
    rows = [line for line in TABLE if WORDS.get(format_, format_) in line]

    assert rows
    pinned = {kind for kind in Kind if f"`{kind}`" in rows[0]}
    expected = {Format.OPENPGP_CLEAR: {Kind.OPENPGP}, Format.SUMS: set(), Format.SIGSTORE: {Kind.SIGSTORE}}
    assert pinned == expected.get(format_, ANCHORS.get(format_))


@pytest.mark.parametrize("result", set(Result) - {Result.WITHHELD, Result.ABSENT, Result.NOT_CHECKED})
def test_every_result_of_a_verifier_is_explained(result: Result) -> None:
    assert f"| `{result}` | " in PAGE


def test_the_page_about_trust_tells_every_kind_of_pin_and_its_room() -> None:
    page = (ROOT / "docs/trust.md").read_text()

    assert [kind for kind in Kind if f"`{kind}`" not in page] == []
    assert f"{MAX_MATERIAL:,} bytes" in page
