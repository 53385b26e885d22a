"""A disk that refuses one operation, and processes that die for real."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from airgap.core.errors import StoreError
from airgap.core.verdict import Standing
from airgap.isolated import setup
from airgap.isolated.store.store import Store
from tests.crash.disks import Counting, Failing
from tests.crash.sweeps import lasting, outcome_of, sweep
from tests.isolated.scene import FILES, NOW, Scene, faults, rot, tree

MANY = {f"{n % 7}/{n}.bin": bytes([n]) * 3000 for n in range(250)}
IMPORT = """
import sys
from tests.isolated.scene import Scene
scene = Scene(sys.argv[1])
print("ready", flush=True)
scene.take_in(sys.argv[2])
"""
INIT = """
import os, sys
from airgap.isolated import setup
from tests.crash.disks import Counting
from tests.isolated.scene import Scene
class Deadly(Counting):
    def _before(self, path, tear):
        super()._before(path, tear)
        if self.count == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
setup.RealDisk = Deadly
Scene(sys.argv[1]).set_up()
"""


@pytest.fixture
def scene(tmp_path: object) -> Scene:
    return Scene(str(tmp_path))


@pytest.mark.parametrize("number", [errno.ENOSPC])
def test_an_import_that_the_disk_refuses_says_why_and_can_be_repeated(number: int, scene: Scene) -> None:
    scene.set_up()
    bundle = scene.export()
    work = sweep(scene, lambda disk: scene.take_in(bundle, disk=disk))
    _, new = outcome_of(work)
    for message in work.failures(number):
        assert message.endswith(f"expected the disk to keep it, got {os.strerror(number)}")
        scene.take_in(bundle)
        assert lasting(scene.store_path) == new
        assert faults(scene.check().findings) == []


def test_an_import_that_the_disk_refuses_leaves_nothing_that_a_check_would_complain_about(scene: Scene) -> None:
    scene.set_up()
    bundle = scene.export()
    work = sweep(scene, lambda disk: scene.take_in(bundle, disk=disk))
    for message in work.failures(errno.ENOSPC):
        assert faults(scene.check().findings) == [], message


@pytest.mark.parametrize("number", [errno.EIO])
def test_a_check_that_cannot_withdraw_damage_says_why_and_finds_it_again(number: int, scene: Scene) -> None:
    scene.set_up()
    scene.take_in(scene.export())
    rot(scene.object_of(FILES["hello.txt"]))
    name = os.path.relpath(scene.object_of(FILES["hello.txt"]), scene.store_path)
    work = sweep(scene, lambda disk: scene.check(disk=disk))
    _, new = outcome_of(work)
    for message in work.failures(number):
        assert message.endswith(f"expected the disk to keep it, got {os.strerror(number)}")
        assert [subject for subject, _ in faults(scene.check().findings)] == [name]
        assert lasting(scene.store_path) == new


@pytest.mark.parametrize("step", [1, 2, 50, 261, 265, 270, 275])
def test_an_init_that_the_disk_refuses_leaves_no_trace(step: int, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "RealDisk", lambda: Failing(step))

    with pytest.raises(StoreError, match="No space left on device"):
        scene.set_up()

    assert tree(scene.root) == {}


def test_an_init_makes_as_many_operations_as_the_ones_above_stop_at(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Counting()
    monkeypatch.setattr(setup, "RealDisk", lambda: disk)
    scene.set_up()

    assert disk.count > 275


@pytest.mark.parametrize("step", [1, 100, 270, 280])
def test_a_killed_init_leaves_no_store_that_could_be_opened(step: int, scene: Scene) -> None:
    done = subprocess.run([sys.executable, "-c", INIT, scene.root, str(step)], check=False, cwd=os.getcwd())

    assert done.returncode == -signal.SIGKILL
    with pytest.raises(StoreError, match="expected a store, got none"):
        Store.open(scene.store_path)


def test_an_import_killed_at_any_moment_is_made_good_by_the_next(scene: Scene) -> None:
    scene.set_up()
    bundle = scene.export(MANY)
    moments = 10
    whole = _import(scene, bundle.path, None)
    for moment in range(moments):
        _import(scene, bundle.path, whole * moment / moments)
        assert scene.open().state().generation in {0, 1}
        scene.open().recover(NOW)
        assert faults(scene.check().findings) == []
        assert scene.take_in(bundle).verdict.standing is Standing.ACCEPTED
        assert faults(scene.check().findings) == []
        if scene.open().state().generation:
            _forget(scene)


def _import(scene: Scene, path: str, delay: float | None) -> float:
    """One import in a process of its own, killed after some seconds; returns how long it took."""
    command = [sys.executable, "-c", IMPORT, scene.root, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=os.getcwd()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        start = time.monotonic()
        if delay is not None:
            time.sleep(delay)
            process.kill()
        process.wait()
        taken = time.monotonic() - start
    if delay is None:
        _forget(scene)
    return taken


def _forget(scene: Scene) -> None:
    """Start from an empty store again."""
    os.rename(scene.store_path, os.path.join(scene.root, f"done{len(os.listdir(scene.root))}"))
    scene.set_up()
