"""Evidence that people bring along, and keys that anchors name."""

import json
from pathlib import Path

import pytest

from airgap.core.errors import UsageError
from tests.connected.npm.registry import Bench, lock_of

NAME = "npm-signature.json"


def put(bench: Bench, path: str, content: bytes = b"evidence") -> None:
    file = bench.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


@pytest.fixture
def two(bench: Bench) -> Bench:
    """Two packages whose tarballs have one file name."""
    for name in ("@a/core", "@b/core", "c"):
        bench.registry.publish(name, "1.0.0")
    (bench.folder / "package-lock.json").write_text(
        json.dumps(lock_of(("@a/core", "1.0.0"), ("@b/core", "1.0.0"), ("c", "1.0.0")))
    )
    return bench


@pytest.mark.parametrize(
    "path",
    [f"ev/@a/core/-/core-1.0.0.tgz.{NAME}", f"ev/a-core-1.0.0.tgz.{NAME}", f"ev/deep/@a/core/-/core-1.0.0.tgz.{NAME}"],
)
def test_evidence_goes_to_the_package_that_its_path_names(two: Bench, path: str) -> None:
    put(two, path)
    put(two, "ev/c-1.0.0.tgz.asc")
    outcome = two.collect(lockfiles=("package-lock.json",), evidence=("ev",))

    assert outcome.evidence("@a/core/-/core-1.0.0.tgz") == {
        f"npm/@a/core/-/core-1.0.0.tgz.{NAME}": ("signature", b"evidence")
    }
    assert outcome.evidence("@b/core/-/core-1.0.0.tgz") == {}
    assert outcome.evidence("c/-/c-1.0.0.tgz") == {"npm/c/-/c-1.0.0.tgz.asc": ("signature", b"evidence")}
    assert outcome.lost("withheld-by-mirror").keys() == {"pkg:npm/%40b/core@1.0.0"}


def test_a_name_that_two_packages_share_is_no_name(two: Bench) -> None:
    put(two, f"ev/core-1.0.0.tgz.{NAME}")

    with pytest.raises(
        UsageError, match=r"expected evidence of one package, got 'core-1\.0\.0\.tgz\.npm-signature\.json' for"
    ) as caught:
        two.resolve(lockfiles=("package-lock.json",), evidence=("ev",))
    assert caught.value.hint


@pytest.mark.parametrize("name", ["d-1.0.0.tgz.asc", "c-1.0.0.tgz", "readme", f"core-2.0.0.tgz.{NAME}"])
def test_evidence_of_nothing_is_a_mistake_in_the_request(two: Bench, name: str) -> None:
    put(two, f"ev/{name}")

    with pytest.raises(UsageError, match="expected a package for the evidence"):
        two.resolve(lockfiles=("package-lock.json",), evidence=("ev",))


def test_what_people_supply_goes_before_what_the_registry_says(bench: Bench) -> None:
    bench.registry.publish("c", "1.0.0", dist={"signatures": [{"keyid": "k", "sig": "s"}], "attestations": {"url": "x"}})
    put(bench, f"ev/c-1.0.0.tgz.{NAME}", b"own")
    put(bench, "ev/c-1.0.0.tgz.attestations.json", b"own")
    outcome = bench.collect(lock_of(("c", "1.0.0")), evidence=("ev",))

    assert {content for _, content in outcome.evidence("c/-/c-1.0.0.tgz").values()} == {b"own"}
    assert not outcome.losses


def test_keys_go_with_what_has_evidence(two: Bench, tmp_path: Path) -> None:
    put(two, "ev/c-1.0.0.tgz.asc")
    put(two, "keys/carol.asc", b"key")
    outcome = two.collect(lockfiles=("package-lock.json",), evidence=("ev",), keys=("keys",))

    assert outcome.evidence("c/-/c-1.0.0.tgz")["keys/carol.asc"] == ("key", b"key")
    assert outcome.evidence("@a/core/-/core-1.0.0.tgz") == {}


def test_links_among_the_evidence_are_no_evidence(two: Bench) -> None:
    put(two, "ev/c-1.0.0.tgz.asc")
    (two.folder / "ev/link.asc").symlink_to("c-1.0.0.tgz.asc")
    outcome = two.collect(lockfiles=("package-lock.json",), evidence=("ev",))

    assert outcome.lost("not-selected") == {"pkg:generic/link.asc": "a symbolic link"}
