"""What a site signs for the other side: requests, and receipts that prove how its ledger grew."""

import os
from pathlib import Path

import pytest

from airgap.connected.baseline import check_histories, read_receipts
from airgap.core.errors import BusyError, FormatError
from airgap.core.merkle import leaf_hash, tree_hash
from airgap.core.receipt import MAX_EARLIER, Receipt, read_receipt
from airgap.core.wish import Confirmed, Wish
from airgap.isolated.receipts import prove_growth, read_kept
from airgap.isolated.store.lock import locked
from airgap.isolated.wishes import make_wish
from tests.isolated.scene import FILES, NOW, Bundle, Scene, rot, tree


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(str(tmp_path))
    scene.set_up()
    return scene


def lost(scene: Scene) -> list[str]:
    return [one.path for one in make_wish(scene.open(), (), NOW).damaged]


def receipts(scene: Scene) -> list[Receipt]:
    """All receipts of a store, oldest first."""
    store = scene.open()
    folder = Path(store.layout.receipt(0)).parent
    return [
        read_receipt(path.read_bytes(), store.public_key()) for path in sorted(folder.iterdir(), key=lambda p: int(p.stem))
    ]


def import_many(scene: Scene, count: int) -> list[Bundle]:
    bundles: list[Bundle] = []
    for number in range(count):
        files = {**FILES, "number": b"%d" % number}
        bundles.append(scene.export(files, name=f"n{number}", after=bundles[-1] if bundles else None))
        scene.take_in(bundles[-1])
    return bundles


def test_an_empty_store_has_nothing_and_lacks_nothing(scene: Scene) -> None:
    wish = make_wish(scene.open(), ["pkg:npm/b", "pkg:npm/a", "pkg:npm/b"], NOW)

    assert (wish.site, wish.channels, wish.damaged, wish.needed) == ("plant-7", {}, (), ("pkg:npm/a", "pkg:npm/b"))
    assert wish.ledger.size == 1


def test_a_wish_names_the_last_bundle_of_every_channel(scene: Scene) -> None:
    one = scene.export()
    two = scene.export({"two": b"2"}, name="two", after=one)
    other = scene.export({"other": b"o"}, name="other", channel="other")
    for bundle in (one, two, other):
        scene.take_in(bundle)
    store = scene.open()
    wish = make_wish(store, (), NOW)

    assert wish.channels == {"main": Confirmed(2, two.manifest), "other": Confirmed(1, other.manifest)}
    assert wish.ledger.root == store.ledger.read(store.public_key()).root
    assert Wish.open(wish.sign(store.private_key()).encode(), store.public_key()) == wish


def test_a_wish_names_what_is_missing_or_cut_or_in_quarantine_and_leaves_the_store_alone(scene: Scene) -> None:
    scene.take_in(scene.export({"gone": b"1", "cut": b"22", "rotten": b"333", "sound": b"4444"}))
    os.unlink(scene.object_of(b"1"))
    os.chmod(scene.object_of(b"22"), 0o644)
    os.truncate(scene.object_of(b"22"), 1)
    assert lost(scene) == ["artifacts/files/cut", "artifacts/files/gone"]
    rot(scene.object_of(b"333"))
    scene.check()
    before = tree(scene.store_path)

    assert lost(scene) == ["artifacts/files/cut", "artifacts/files/gone", "artifacts/files/rotten"]
    assert tree(scene.store_path) == before


def test_an_object_is_named_once_by_the_newest_name(scene: Scene) -> None:
    one = scene.export({"old": b"same", "x": b"x"})
    scene.take_in(one)
    scene.take_in(scene.export({"new": b"same"}, name="two", after=one))
    os.unlink(scene.object_of(b"same"))

    assert lost(scene) == ["artifacts/files/new"]


def test_no_wish_is_written_while_an_import_runs(scene: Scene) -> None:
    store = scene.open()
    with locked(store.layout.lock), pytest.raises(BusyError):
        make_wish(store, (), NOW)


def test_every_receipt_proves_growth_since_those_before_it(scene: Scene) -> None:
    import_many(scene, 4)
    scene.check()
    found = receipts(scene)

    assert [receipt.ledger.size for receipt in found] == [3, 5, 7, 9]
    assert [[one.size for one in receipt.earlier] for receipt in found] == [[], [3], [5, 3], [7, 5, 3]]
    check_histories(found)
    check_histories([found[0], found[3]])


def test_a_receipt_proves_growth_since_the_last_few_only_but_those_of_a_store_hang_together(scene: Scene) -> None:
    import_many(scene, MAX_EARLIER + 3)
    found = receipts(scene)

    assert [one.size for one in found[-1].earlier] == [receipt.ledger.size for receipt in found[-2 : -2 - MAX_EARLIER : -1]]
    store = scene.open()
    check_histories(read_receipts([os.path.dirname(store.layout.receipt(0))], store.public_key()))


def test_receipts_that_were_deleted_or_damaged_only_prove_less(scene: Scene) -> None:
    bundles = import_many(scene, 3)
    store = scene.open()
    os.unlink(store.layout.receipt(1))
    os.chmod(store.layout.receipt(2), 0o644)
    Path(store.layout.receipt(2)).write_bytes(b"rot")
    Path(os.path.dirname(store.layout.receipt(0)), "notes.txt").write_text("of somebody")
    Path(os.path.dirname(store.layout.receipt(0)), "x.json").write_text("of somebody")
    scene.take_in(scene.export({"more": b"m"}, name="more", after=bundles[-1]))

    assert [one.size for one in read_kept(scene.open(), None).earlier] == [7]


def test_an_edited_ledger_contradicts_the_receipt_that_was_carried_away(scene: Scene) -> None:
    (one,) = import_many(scene, 1)
    (carried,) = receipts(scene)
    store = scene.open()
    log = Path(store.layout.log)
    log.write_bytes(log.read_bytes().replace(b"08:00:00Z", b"08:00:09Z", 1))
    scene.take_in(scene.export({"more": b"m"}, name="more", after=one))
    newer = read_kept(scene.open(), None)

    assert newer.earlier[0].size == carried.ledger.size
    assert newer.earlier[0].root != carried.ledger.root
    with pytest.raises(FormatError, match="got a history without it"):
        check_histories([carried, newer])


def test_the_roots_of_proofs_are_those_of_the_ledger_as_it_stands(scene: Scene) -> None:
    import_many(scene, 2)
    store = scene.open()
    lines = store.ledger.read(store.public_key()).lines
    proofs = prove_growth(store, [*lines, b"more"])

    assert [(one.size, one.root) for one in proofs] == [
        (size, tree_hash([leaf_hash(line) for line in lines[:size]])) for size in (5, 3)
    ]
    assert [one.size for one in prove_growth(store, lines)] == [3]
