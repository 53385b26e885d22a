"""A cut at every durable operation: the store is the old or the new one, and the same command then ends the same."""

import itertools
import os

import pytest

from airgap.core.verdict import Standing
from airgap.isolated.intake import update_trust
from tests.crash.disks import HARSH, LOSSES, Cut, Dying
from tests.crash.sweeps import lasting, outcome_of, sweep
from tests.isolated.packages import packument, tarball, wheel
from tests.isolated.scene import NOW, Bundle, Scene, faults, rot, signed, trust_of

SHARED = b"in both bundles\n"
FIRST = {"a.txt": b"a\n", "shared/one.txt": SHARED}
SECOND = {"a.txt": b"a, second edition\n", "deep/er/b.bin": b"b" * 5000, "shared/two.txt": SHARED}


@pytest.fixture(autouse=True)
def _no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulated disks say what is durable; the real one need not work for it."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def scene(tmp_path: object) -> Scene:
    scene = Scene(str(tmp_path))
    scene.set_up()
    return scene


@pytest.fixture
def bundles(scene: Scene) -> tuple[Bundle, Bundle]:
    first = scene.export(FIRST)
    second = scene.export(SECOND, name="two", after=first)
    scene.take_in(first)
    return first, second


@pytest.mark.parametrize("loss", LOSSES)
def test_a_cut_import_leaves_the_old_or_the_new_generation_and_ends_the_same_when_repeated(
    loss: str, scene: Scene, bundles: tuple[Bundle, Bundle]
) -> None:
    work = sweep(scene, lambda disk: scene.take_in(bundles[1], disk=disk))
    old, new = outcome_of(work)
    seen = set()
    for steps in work.cuts(loss):
        scene.open().recover(NOW)
        found = lasting(scene.store_path)
        assert found in (old, new), steps
        assert faults(scene.check().findings) == [], steps
        seen.add(found == new)

        assert scene.take_in(bundles[1]).verdict.standing is Standing.ACCEPTED
        assert lasting(scene.store_path) == new, steps
        assert faults(scene.check().findings) == [], steps
    assert seen == {False, True}


@pytest.mark.parametrize("loss", HARSH)
def test_a_cut_recovery_is_finished_by_the_next_one(loss: str, scene: Scene, bundles: tuple[Bundle, Bundle]) -> None:
    work = sweep(scene, lambda disk: scene.take_in(bundles[1], disk=disk))
    old, new = outcome_of(work)
    for _ in itertools.islice(work.cuts(loss), 12, None, 6):
        for steps in itertools.count():
            disk = Dying(steps, loss, os.path.join(scene.root, "shadow"))
            try:
                scene.open(disk).recover(NOW)
                break
            except Cut:
                disk.lose()
        assert lasting(scene.store_path) in (old, new)
        assert faults(scene.check().findings) == []


@pytest.mark.parametrize("loss", HARSH)
def test_a_cut_check_never_loses_sight_of_damage_nor_leaves_it_in_the_view(
    loss: str, scene: Scene, bundles: tuple[Bundle, Bundle]
) -> None:
    scene.take_in(bundles[1])
    rot(scene.object_of(SHARED))
    name = os.path.relpath(scene.object_of(SHARED), scene.store_path)
    work = sweep(scene, lambda disk: scene.check(disk=disk))
    _, new = outcome_of(work)
    for steps in work.cuts(loss):
        report = scene.check()
        assert [subject for subject, _ in faults(report.findings)] == [name], steps
        assert lasting(scene.store_path) == new, steps


@pytest.mark.parametrize("loss", HARSH)
def test_a_cut_heal_is_finished_by_importing_again(loss: str, scene: Scene, bundles: tuple[Bundle, Bundle]) -> None:
    scene.take_in(bundles[1])
    rot(scene.object_of(SHARED))
    work = sweep(scene, lambda disk: scene.take_in(bundles[1], disk=disk))
    _, new = outcome_of(work)
    for steps in work.cuts(loss):
        scene.take_in(bundles[1])
        assert lasting(scene.store_path) == new, steps
        assert faults(scene.check().findings) == [], steps


@pytest.mark.parametrize("loss", HARSH)
def test_a_cut_trust_update_leaves_the_old_or_the_new_document_in_force(loss: str, scene: Scene) -> None:
    update = signed(trust_of("alice", "bob", version=2), "alice").encode()
    work = sweep(scene, lambda disk: update_trust(scene.open(disk), update, scene.order()))
    old, new = outcome_of(work)
    for steps in work.cuts(loss):
        scene.open().recover(NOW)
        found = lasting(scene.store_path)
        assert found in (old, new), steps
        if found == old:
            assert update_trust(scene.open(), update, scene.order()) == 2
        assert lasting(scene.store_path) == new, steps
        assert faults(scene.check().findings) == [], steps


def test_a_receipt_that_a_cut_prevented_is_written_by_the_next_import(scene: Scene, bundles: tuple[Bundle, Bundle]) -> None:
    work = sweep(scene, lambda disk: scene.take_in(bundles[1], disk=disk))
    for steps in work.cuts("keep"):
        scene.take_in(bundles[1])
        assert os.path.exists(scene.open().layout.receipt(2)), steps


@pytest.mark.parametrize("loss", HARSH)
def test_a_cut_import_of_packages_never_leaves_an_index_that_says_something_else(loss: str, scene: Scene) -> None:
    """Indexes are no hard links to objects: their bytes have to be durable before the generation is current."""
    root = scene.root
    first = scene.export({}, artifacts=[wheel(root, "six-1.0-py3-none-any.whl", b"six")])
    more = [wheel(root, "six-1.1-py3-none-any.whl", b"more"), tarball(root, "left", "1.0.0", b"left")]
    said = [packument(root, "left", {"1.0.0": {}}, latest="1.0.0")]
    second = scene.export({}, name="two", after=first, artifacts=more, documents=said)
    scene.take_in(first)
    work = sweep(scene, lambda disk: scene.take_in(second, disk=disk))
    old, new = outcome_of(work)
    for steps in work.cuts(loss):
        scene.open().recover(NOW)
        assert lasting(scene.store_path) in (old, new), steps
        assert faults(scene.check().findings) == [], steps
        assert scene.take_in(second).verdict.standing is Standing.ACCEPTED
        assert lasting(scene.store_path) == new, steps
