"""Indexes of the views say what signed manifests say, for every generation anew, and a check holds them to that."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.collected import Carried, Collected
from airgap.core.entries import Document, Role
from airgap.core.errors import FormatError
from airgap.core.packument import MAX_PACKUMENT
from airgap.core.reasons import Reason
from airgap.core.statement import Base
from airgap.core.trust import Revoked
from airgap.core.verdict import Standing
from airgap.isolated.indexes import check_documents
from airgap.isolated.intake import update_trust
from tests.isolated.packages import core_metadata, document, packument, source, tarball, wheel
from tests.isolated.scene import Bundle, Scene, faults, rot, signed, trust_of

SIX = "six-1.0-py3-none-any.whl"
SEVEN = "six-1.1-py3-none-any.whl"


class Shop:
    """A scene whose bundles carry packages."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.last: Bundle | None = None
        self._count = 0

    def deliver(self, *items: Collected | Carried, **changes: Any) -> Bundle:
        """Export and import; the bundle follows the last of its channel."""
        self._count += 1
        artifacts = [item for item in items if isinstance(item, Collected)]
        documents = [item for item in items if isinstance(item, Carried)]
        after = None if "channel" in changes else self.last
        bundle = self.scene.export(
            {}, name=f"b{self._count}", after=after, artifacts=artifacts, documents=documents, **changes
        )
        assert self.scene.take_in(bundle).verdict.standing is Standing.ACCEPTED
        if "channel" not in changes:
            self.last = bundle
        return bundle

    def read(self, path: str) -> str:
        """A file of the current generation."""
        return (Path(self.scene.store_path) / "current" / path).read_text()

    def packument(self, name: str) -> dict[str, Any]:
        """The packument that clients get."""
        found: dict[str, Any] = json.loads(self.read(f"npm/{name}/index.html"))
        return found

    def check(self) -> list[tuple[str, str | None]]:
        """What a check finds."""
        return faults(self.scene.check().findings)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    scene = Scene(str(tmp_path))
    scene.set_up()
    return Shop(scene)


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """A store with one package of each kind."""
    root = shop.scene.root
    shop.deliver(
        wheel(root, SIX, b"six", **{"requires-python": ">=3.8"}),
        core_metadata(root, SIX, b"Name: six\n"),
        tarball(root, "left", "1.0.0", b"left"),
        packument(root, "left", {"1.0.0": {"dependencies": {"right": "^2"}}}, latest="1.0.0"),
        packument(root, "right", {"2.0.0": {"os": ["win32"]}}, latest="2.0.0"),
    )
    return shop


def test_packages_stand_where_their_clients_look(filled: Shop) -> None:
    digest, described = (hashlib.sha256(content).hexdigest() for content in (b"six", b"Name: six\n"))
    page = filled.read("pypi/simple/six/index.html")

    assert filled.read(f"pypi/{SIX}") == "six"
    assert f'href="../../{SIX}#sha256={digest}"' in page
    assert f'data-core-metadata="sha256={described}"' in page
    assert json.loads(filled.read("pypi/simple/six/index.json"))["files"][0]["requires-python"] == ">=3.8"
    assert filled.read("npm/left/-/left-1.0.0.tgz") == "left"
    assert filled.packument("left")["versions"]["1.0.0"]["dependencies"] == {"right": "^2"}
    assert filled.check() == []


def test_a_package_that_does_not_travel_is_described_all_the_same(filled: Shop) -> None:
    """Because the newest pnpm asks for the metadata of every entry of a lock."""
    assert filled.packument("right")["versions"]["2.0.0"]["os"] == ["win32"]


def test_a_package_is_described_also_where_no_package_is_shown(shop: Shop) -> None:
    root = shop.scene.root
    plain = Collected(source(root, "artifacts/files/a", b"a"), "pkg:generic/a")
    shop.deliver(plain, packument(root, "right", {"2.0.0": {}}, latest="2.0.0"))

    assert shop.packument("right")["dist-tags"] == {"latest": "2.0.0"}
    assert shop.check() == []


def test_a_package_is_described_also_when_all_packages_are_recalled(filled: Shop) -> None:
    new = replace(trust_of("alice", revoked_artifacts=["pkg:pypi/*", "pkg:npm/*"]), version=2)
    update_trust(filled.scene.open(), signed(new, "alice").encode() + b"\n", filled.scene.order())
    filled.check()

    assert filled.packument("right")["dist-tags"] == {"latest": "2.0.0"}
    assert {reason for _, reason in filled.check()} == {Reason.REVOKED_ARTIFACT}


def test_the_next_bundle_adds_to_the_indexes(filled: Shop) -> None:
    root = filled.scene.root
    filled.deliver(
        wheel(root, SEVEN, b"seven"),
        tarball(root, "left", "1.1.0", b"more"),
        packument(root, "left", {"1.1.0": {}}, latest="1.1.0"),
    )

    assert [file["filename"] for file in json.loads(filled.read("pypi/simple/six/index.json"))["files"]] == [SIX, SEVEN]
    said = filled.packument("left")
    assert sorted(said["versions"]) == ["1.0.0", "1.1.0"]
    assert said["dist-tags"] == {"latest": "1.1.0"}
    assert filled.check() == []


def test_a_delta_lists_what_it_stands_on_with_what_it_brings(filled: Shop) -> None:
    root = filled.scene.root
    filled.deliver(
        wheel(root, SIX, b"six"),
        core_metadata(root, SIX, b"Name: six\n"),
        wheel(root, SEVEN, b"seven"),
        base=Base(bytes(32), 1),
        held={f"artifacts/pypi/{SIX}": hashlib.sha256(b"six").digest()},
    )

    files = json.loads(filled.read("pypi/simple/six/index.json"))["files"]
    assert [file["filename"] for file in files] == [SIX, SEVEN]
    assert "core-metadata" in files[0]
    assert filled.read(f"pypi/{SIX}") == "six"
    assert filled.check() == []


def test_a_trust_update_keeps_the_indexes(filled: Shop) -> None:
    store = filled.scene.open()
    new = replace(filled.scene.trust, version=2)
    update_trust(store, signed(new, "alice").encode() + b"\n", filled.scene.order())

    assert SIX in filled.read("pypi/simple/six/index.html")
    assert filled.check() == []


@pytest.mark.parametrize("path", ["pypi/simple/six/index.html", "pypi/simple/index.json", "npm/left/index.html"])
def test_an_index_that_somebody_wrote_to_is_found_and_the_next_import_puts_it_right(path: str, filled: Shop) -> None:
    rot(os.path.join(filled.scene.store_path, "current", path), at=30)

    assert filled.check() == [(path, Reason.VIEW_MISMATCH)]
    filled.deliver(wheel(filled.scene.root, SEVEN, b"seven"))
    assert filled.check() == []


def test_an_index_that_is_gone_or_too_many_is_found(filled: Shop) -> None:
    current = Path(filled.scene.store_path) / "current"
    (current / "npm/left/index.html").unlink()
    (current / "pypi/simple/evil").mkdir()
    (current / "pypi/simple/evil/index.html").write_text("<a href=x>evil</a>")

    assert sorted(filled.check()) == [
        ("npm/left/index.html", Reason.VIEW_MISMATCH),
        ("pypi/simple/evil/index.html", Reason.EXTRA_FILE),
    ]


def test_an_index_that_is_a_link_is_found(filled: Shop) -> None:
    index = Path(filled.scene.store_path) / "current/npm/left/index.html"
    index.rename(filled.scene.root + "/elsewhere")
    index.symlink_to(filled.scene.root + "/elsewhere")

    assert filled.check() == [("npm/left/index.html", Reason.VIEW_MISMATCH)]


@pytest.mark.parametrize(
    ("content", "index", "is_listed"),
    [
        (b"six", "pypi/simple/index.html", lambda page: "six" in page),
        (b"left", "npm/left/index.html", lambda page: "1.0.0" in page),
    ],
)
def test_a_damaged_package_goes_out_of_its_index_and_comes_back_healed(
    content: bytes, index: str, is_listed: Callable[[str], bool], filled: Shop
) -> None:
    rot(filled.scene.object_of(content))
    assert Reason.OBJECT_ROTTEN in {reason for _, reason in filled.check()}

    path = Path(filled.scene.store_path) / "current" / index
    assert not path.exists() or not is_listed(path.read_text())

    assert filled.last is not None
    assert filled.scene.take_in(filled.last).verdict.standing is Standing.ACCEPTED
    assert is_listed(path.read_text())
    assert filled.check() == []


def test_a_damaged_packument_is_reported_once_and_comes_back_healed(filled: Shop) -> None:
    assert filled.last is not None
    head = filled.scene.open().head(filled.last.manifest)
    (found,) = [document for document in head.manifest().documents if "npm/left" in document.path]
    rot(filled.scene.open().layout.object(found.sha256))

    assert [reason for _, reason in filled.check()] == [Reason.OBJECT_ROTTEN]
    assert [reason for _, reason in filled.check()] == [Reason.OBJECT_MISSING]
    assert filled.last is not None
    assert filled.scene.take_in(filled.last).verdict.standing is Standing.ACCEPTED
    assert filled.packument("left")["versions"]["1.0.0"]["dependencies"] == {"right": "^2"}
    assert filled.check() == []


def test_a_recalled_package_is_in_no_index(filled: Shop) -> None:
    new = replace(trust_of("alice", revoked_artifacts=["pkg:pypi/six@1.0", "pkg:npm/left@1.0.0"]), version=2)
    update_trust(filled.scene.open(), signed(new, "alice").encode() + b"\n", filled.scene.order())
    filled.check()

    current = Path(filled.scene.store_path) / "current"
    assert not (current / "pypi" / SIX).exists()
    assert not (current / "pypi/simple/six").exists()
    assert not (current / "npm/left/-/left-1.0.0.tgz").exists()
    index = current / "npm/left/index.html"
    assert not index.exists() or "1.0.0" not in json.loads(index.read_text())["versions"]
    assert {reason for _, reason in filled.check()} == {Reason.REVOKED_ARTIFACT}


def poisoned(shop: Shop) -> str:
    """Bob, who may export then, describes packages of alice otherwise. Returns the digest of his packument."""
    root = shop.scene.root
    evil = packument(root, "left", {"1.0.0": {"dependencies": {"evil": "*"}}}, latest="1.0.0")
    shop.deliver(
        wheel(root, SIX, b"six", **{"requires-python": ">=3.8"}),
        core_metadata(root, SIX, b"Requires-Dist: evil\n"),
        tarball(root, "left", "1.0.0", b"left"),
        evil,
        by=["bob"],
    )
    assert shop.packument("left")["versions"]["1.0.0"]["dependencies"] == {"evil": "*"}
    return hashlib.sha256(Path(evil.source.file).read_bytes()).hexdigest()


@pytest.fixture
def shared(tmp_path: Path) -> Shop:
    """A store with a package of each kind of alice's, which bob then described otherwise."""
    scene = Scene(str(tmp_path), trust=trust_of("alice", "bob"))
    scene.set_up()
    shop = Shop(scene)
    shop.deliver(
        wheel(scene.root, SIX, b"six", **{"requires-python": ">=3.8"}),
        tarball(scene.root, "left", "1.0.0", b"left"),
        packument(scene.root, "left", {"1.0.0": {"dependencies": {"right": "^2"}}}, latest="1.0.0"),
    )
    return shop


def test_what_a_withdrawn_exporter_said_about_packages_that_others_vouch_for_does_not_count(shared: Shop) -> None:
    poisoned(shared)
    new = trust_of("alice", "bob", version=2, revoked_keys=["bob"])
    update_trust(shared.scene.open(), signed(new, "alice").encode() + b"\n", shared.scene.order())
    assert {reason for _, reason in shared.check()} == {Reason.TRUST_WITHDRAWN}

    assert shared.packument("left")["versions"]["1.0.0"]["dependencies"] == {"right": "^2"}
    assert "core-metadata" not in json.loads(shared.read("pypi/simple/six/index.json"))["files"][0]
    assert (Path(shared.scene.store_path) / "current/npm/left/-/left-1.0.0.tgz").exists()
    assert {reason for _, reason in shared.check()} == {Reason.TRUST_WITHDRAWN}


def test_a_recalled_packument_does_not_count_and_counts_again_when_the_recall_is_taken_back(shared: Shop) -> None:
    digest = poisoned(shared)
    recall = {digest: Revoked(digest, "recalled", shared.scene.trust.issued)}
    for version, revoked, wish in ((2, recall, {"right": "^2"}), (3, {}, {"evil": "*"})):
        new = replace(trust_of("alice", "bob", version=version), revoked_digests=revoked)
        update_trust(shared.scene.open(), signed(new, "alice").encode() + b"\n", shared.scene.order())
        shared.check()

        assert shared.packument("left")["versions"]["1.0.0"]["dependencies"] == wish
        assert {reason for _, reason in shared.check()} == ({Reason.REVOKED_ARTIFACT} if revoked else set())


def test_a_recalled_packument_counts_when_a_bundle_brings_it_anew(shared: Shop) -> None:
    poisoned(shared)
    new = trust_of("alice", "bob", version=2, revoked_keys=["bob"])
    update_trust(shared.scene.open(), signed(new, "alice").encode() + b"\n", shared.scene.order())
    shared.check()
    evil = packument(shared.scene.root, "left", {"1.0.0": {"dependencies": {"evil": "*"}}}, latest="1.0.0")
    shared.deliver(tarball(shared.scene.root, "left", "1.0.0", b"left"), evil)

    assert shared.packument("left")["versions"]["1.0.0"]["dependencies"] == {"evil": "*"}
    shared.check()
    assert shared.packument("left")["versions"]["1.0.0"]["dependencies"] == {"evil": "*"}


def test_a_packument_is_named_after_its_digest(filled: Shop) -> None:
    root = filled.scene.root
    right = packument(root, "left", {"1.1.0": {}})
    wrong = right._replace(source=right.source._replace(path="documents/index/npm/left/x.json"))

    assert refused(filled, tarball(root, "left", "1.1.0", b"x"), wrong) == Reason.MALFORMED


def test_metadata_of_another_channel_changes_nothing_about_a_package(filled: Shop) -> None:
    root = filled.scene.root
    filled.deliver(
        wheel(root, "other-1.0-py3-none-any.whl", b"other"),
        packument(root, "left", {"1.0.0": {"dependencies": {"evil": "*"}}, "9.9.9": {}}, latest="9.9.9"),
        channel="other",
    )

    said = filled.packument("left")
    assert said["versions"]["1.0.0"]["dependencies"] == {"right": "^2"}
    assert said["dist-tags"] == {"latest": "1.0.0"}
    assert "9.9.9" not in said["versions"]


def test_a_channel_describes_the_versions_alone_that_it_brought(filled: Shop) -> None:
    root = filled.scene.root
    said = {"1.0.0": {"dependencies": {"evil": "*"}}, "2.0.0": {"dependencies": {"new": "*"}}}
    filled.deliver(tarball(root, "left", "2.0.0", b"two"), packument(root, "left", said, latest="2.0.0"), channel="other")

    found = filled.packument("left")
    assert found["versions"]["1.0.0"]["dependencies"] == {"right": "^2"}
    assert found["versions"]["2.0.0"]["dependencies"] == {"new": "*"}
    assert filled.check() == []


def test_a_package_that_comes_again_through_another_channel_keeps_its_metadata(filled: Shop) -> None:
    root = filled.scene.root
    before = [filled.read(path) for path in ("npm/left/index.html", "pypi/simple/six/index.html")]
    again = wheel(root, SIX, b"six", **{"requires-python": ">=3.8"})
    filled.deliver(again, tarball(root, "left", "1.0.0", b"left"), channel="other")

    assert [filled.read(path) for path in ("npm/left/index.html", "pypi/simple/six/index.html")] == before
    assert filled.check() == []


def test_core_metadata_of_a_file_that_was_replaced_does_not_count(filled: Shop) -> None:
    filled.deliver(wheel(filled.scene.root, SIX, b"another six"))

    assert "core-metadata" not in json.loads(filled.read("pypi/simple/six/index.json"))["files"][0]
    assert filled.check() == []


def test_a_document_about_a_package_comes_only_with_the_package(filled: Shop) -> None:
    """Else another channel could take the place of core metadata and attestations, or keep it from those whose it is."""
    root = filled.scene.root
    own = wheel(root, "mine-1.0-py3-none-any.whl", b"mine")

    assert refused(filled, own, core_metadata(root, SIX, b"evil")) == Reason.BAD_NAME
    assert refused(filled, own, core_metadata(root, SEVEN, b"evil")) == Reason.BAD_NAME
    assert "core-metadata" in json.loads(filled.read("pypi/simple/six/index.json"))["files"][0]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"name": "right", "versions": {}, "dist-tags": {}, "time": {}}', b"\xff", b"[" * 5000],
)
def test_a_packument_that_is_none_refuses_the_bundle_and_changes_nothing(content: bytes, filled: Shop) -> None:
    root = filled.scene.root
    bundle = filled.scene.export(
        {},
        name="bad",
        after=filled.last,
        artifacts=[tarball(root, "left", "1.2.0", b"x")],
        documents=[document(root, "left", content)],
    )

    outcome = filled.scene.take_in(bundle)

    assert (outcome.verdict.standing, outcome.verdict.reason) == (Standing.REJECTED, Reason.MALFORMED)
    assert sorted(filled.packument("left")["versions"]) == ["1.0.0"]
    assert filled.check() == []


def test_a_packument_that_is_too_large_is_not_read() -> None:
    entry = Document("documents/index/npm/left/x.json", MAX_PACKUMENT + 1, bytes(32), Role.INDEX, "application/json")
    with pytest.raises(FormatError, match="expected at most 67108864 bytes"):
        check_documents([(entry, "/nowhere")])


def test_an_entry_that_fits_no_view_is_kept_and_shown_nowhere(filled: Shop) -> None:
    root = filled.scene.root
    odd = wheel(root, SIX, b"odd")
    filled.deliver(
        odd._replace(source=odd.source._replace(path="artifacts/maven/x")),
        Carried(odd.source._replace(path="documents/pypi/simple"), Role.INDEX, "text/plain"),
        Carried(odd.source._replace(path="documents/npm/x"), Role.INDEX, "text/plain"),
        Carried(odd.source._replace(path="documents/pypi/of-nothing.metadata"), Role.INDEX, "text/plain"),
    )

    current = Path(filled.scene.store_path) / "current"
    assert (current / "pypi/simple").is_dir()
    assert not (current / "npm/x").exists()
    assert not (current / "maven").exists()
    assert filled.check() == []


@pytest.fixture
def narrow(tmp_path: Path) -> Shop:
    """A store whose channel ``other`` may bring the packages called mine, and no others."""
    trust = trust_of("alice")
    other = replace(trust.channels["other"], artifacts=("pkg:pypi/mine@*", "pkg:npm/mine@*"))
    scene = Scene(str(tmp_path), trust=replace(trust, channels={**trust.channels, "other": other}))
    scene.set_up()
    return Shop(scene)


def refused(shop: Shop, *items: Collected | Carried) -> str | None:
    """Why a bundle of the channel ``other`` is refused."""
    artifacts = [item for item in items if isinstance(item, Collected)]
    documents = [item for item in items if isinstance(item, Carried)]
    name = f"narrow{len(os.listdir(shop.scene.root))}"
    bundle = shop.scene.export({}, name=name, channel="other", artifacts=artifacts, documents=documents)
    verdict = shop.scene.take_in(bundle).verdict
    return None if verdict.standing is Standing.ACCEPTED else verdict.reason


def test_a_channel_cannot_bring_a_file_of_another_package_under_the_url_of_its_own(narrow: Shop) -> None:
    root = narrow.scene.root
    foreign = wheel(root, SIX, b"six")._replace(purl="pkg:pypi/mine@1.0")
    package = tarball(root, "left", "9.9.9", b"left")._replace(purl="pkg:npm/mine@9.9.9")

    assert refused(narrow, foreign) == Reason.BAD_NAME
    assert refused(narrow, package, packument(root, "left", {"9.9.9": {}}, latest="9.9.9")) == Reason.BAD_NAME
    assert refused(narrow, wheel(root, SIX, b"six")) == Reason.OUT_OF_SCOPE
    assert refused(narrow, wheel(root, "mine-1.0-py3-none-any.whl", b"mine")) is None


def test_a_document_that_looks_like_a_package_is_refused_because_a_folder_of_files_is_an_index_too(narrow: Shop) -> None:
    root = narrow.scene.root
    own = wheel(root, "mine-1.0-py3-none-any.whl", b"mine")
    look_alike = wheel(root, SIX, b"evil").source._replace(path=f"documents/pypi/{SIX}")

    assert refused(narrow, own, Carried(look_alike, Role.INDEX, "text/plain")) == Reason.BAD_NAME
