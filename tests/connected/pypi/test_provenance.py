"""Attestations: taken where an index has them, and where not, which of the two reasons it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from airgap.core.entries import Role
from tests.connected.pypi.shop import Got, Host, Index, collect, selling, wheel
from tests.connected.web.server import Site, body

ONE, TWO = wheel("one"), wheel("two")
PROVENANCE = json.dumps({"version": 1, "attestation_bundles": []}).encode()


def got(host: Host, site: Site, index: Index) -> Got:
    index.fill(site)
    host.set(PIP_INDEX_URL=f"{site.url}/simple")
    lock = host.write("r.txt", f"{ONE.pin()}\n{TWO.pin()}\n")
    return collect(host.resolve(requirements=(lock,), targets=("cp311-win_amd64",)))


def losses(found: Got) -> dict[str, tuple[str, str]]:
    return {loss.purl: (loss.what, loss.detail) for loss in found.losses}


def beside(name: str) -> str:
    return f"/integrity/{name}/1.0/{name}-1.0-py3-none-any.whl/provenance"


@pytest.mark.parametrize("speaks_json", [True, False])
def test_attestations_that_an_index_names_travel_with_their_file(host: Host, speaks_json: bool) -> None:
    said: dict[str, dict[str, Any]] = {ONE.name: {"provenance": "/p/one"}, TWO.name: {"provenance": None}}
    with selling() as site:
        site.answers["/p/one"] = body(PROVENANCE, "application/vnd.pypi.integrity.v1+json")
        found = got(host, site, Index([ONE, TWO], api="1.3", said=said, speaks_json=speaks_json))

        ((source, role, media),) = found.artifacts[ONE.name].evidence
        assert (source.path, role, media) == (f"documents/pypi/{ONE.name}.provenance", Role.ATTESTATION, "application/json")
        assert Path(source.file).read_bytes() == PROVENANCE
        what, detail = losses(found)["pkg:pypi/two@1.0"]
        # a page in HTML does not say that there is none, even where it names that of others
        assert what == ("unsigned-upstream" if speaks_json else "withheld-by-mirror")
        assert detail.startswith(f"{TWO.name}: the index")


def test_an_index_that_says_nothing_is_asked_beside_it_once(host: Host) -> None:
    with selling() as site:
        found = got(host, site, Index([ONE, TWO]))

        assert {what for what, _ in losses(found).values()} == {"withheld-by-mirror"}
        assert site.requests[beside("one")] == 1
        assert site.requests[beside("two")] == 0


def test_where_it_answers_beside_it_all_files_are_asked_for(host: Host) -> None:
    with selling() as site:
        site.answers[beside("one")] = body(PROVENANCE)
        found = got(host, site, Index([ONE, TWO]))

        assert found.artifacts[ONE.name].evidence
        assert losses(found) == {
            "pkg:pypi/two@1.0": (
                "unsigned-upstream",
                f"{TWO.name}: the index has no attestations of it, and has them of other files",
            )
        }


@pytest.mark.parametrize("junk", [b"<html>welcome</html>", b"[]", b'{"attestation_bundles": 1}', b"[" * 100_000])
def test_a_mirror_that_answers_every_question_with_a_page_proves_nothing(host: Host, junk: bytes) -> None:
    said = {ONE.name: {"provenance": "/p/one"}}
    with selling() as site:
        site.answers["/p/one"] = site.answers[beside("two")] = body(junk)
        found = got(host, site, Index([ONE, TWO], said=said))

        assert losses(found) == {
            "pkg:pypi/one@1.0": (
                "withheld-by-mirror",
                f"{ONE.name}: the index names attestations, and answers with something else",
            ),
            "pkg:pypi/two@1.0": (
                "withheld-by-mirror",
                f"{TWO.name}: the index does not say whether there are attestations",
            ),
        }


def test_attestations_that_are_named_and_not_given_are_withheld(host: Host) -> None:
    with selling() as site:
        found = got(host, site, Index([ONE, TWO], said={ONE.name: {"provenance": "/p/one"}}))

        assert losses(found)["pkg:pypi/one@1.0"] == (
            "withheld-by-mirror",
            f"{ONE.name}: the index names attestations, and answers with status 404",
        )


def test_an_index_that_cannot_be_asked_withholds(host: Host) -> None:
    with selling() as site:
        Index([ONE, TWO], root="/other").fill(site)
        host.set(PIP_INDEX_URL=f"{site.url}/other")
        for made in (ONE, TWO):
            site.answers[f"/files/{made.name}"] = body(made.content)
        found = collect(host.resolve(requirements=(host.write("r.txt", ONE.pin()),), targets=("cp311-win_amd64",)))

        assert [loss.detail for loss in found.losses] == [
            f"{ONE.name}: the index cannot say whether there are attestations"
        ]
