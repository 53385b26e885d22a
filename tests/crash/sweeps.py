"""The same command again and again, each time from the same start, cut or refused one operation later."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from airgap.core.errors import StoreError
from airgap.isolated.store.disk import Disk
from tests.crash.disks import Counting, Cut, Dying, Failing
from tests.isolated.scene import Scene, tree


@dataclass
class Sweep:
    """One command, to be cut at every operation, each time from the same start."""

    scene: Scene
    command: Callable[[Disk], object]
    folder: str

    def start(self) -> None:
        """The store as it was before the command."""
        shutil.rmtree(self.scene.store_path, ignore_errors=True)
        shutil.rmtree(os.path.join(self.folder, "shadow"), ignore_errors=True)
        os.mkdir(os.path.join(self.folder, "shadow"))
        subprocess.run(["cp", "-a", os.path.join(self.folder, "before"), self.scene.store_path], check=True)

    def cuts(self, loss: str) -> Iterator[int]:
        """The store after a cut at operation 1, 2, 3 ... until the command ends uncut."""
        for steps in range(1000):
            self.start()
            disk = Dying(steps, loss, os.path.join(self.folder, "shadow"))
            try:
                self.command(disk)
            except Cut:
                disk.lose()
                yield steps
            else:
                assert steps > 10, "the command makes fewer durable operations than it must"
                return
        pytest.fail("the command never ends")

    def failures(self, number: int) -> Iterator[str]:
        """What the command says when operation 1, 2, 3 ... fails with an error number, until it ends."""
        for step in range(1, 1000):
            self.start()
            try:
                self.command(Failing(step, number))
            except StoreError as exc:
                yield exc.message
            else:
                assert step > 10, "the command makes fewer durable operations than it must"
                return
        pytest.fail("the command never ends")


def sweep(scene: Scene, command: Callable[[Disk], object]) -> Sweep:
    """Remember the store as it stands."""
    os.rename(scene.store_path, os.path.join(scene.root, "before"))
    return Sweep(scene, command, scene.root)


def lasting(path: str) -> dict[str, str]:
    """What must be equal in two stores after the same command; ledger, receipts and index tell how it came to that."""
    return tree(path, but=lambda inside: inside.split("/")[0] in {"ledger", "receipts", "index.sqlite"})


def outcome_of(work: Sweep) -> tuple[dict[str, str], dict[str, str]]:
    """The store before and after the uncut command."""
    work.start()
    before = lasting(work.scene.store_path)
    work.command(Counting())
    return before, lasting(work.scene.store_path)
