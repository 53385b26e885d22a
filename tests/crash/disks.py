"""Disks that stop, fail or forget at one operation. Everything a store does to be durable goes through them.

A ``Dying`` disk does ``steps`` operations and then none any more, as after a power cut. What survives is its ``loss``:

keep    everything that was done, synced or not
torn    the same, and half of the operation that was under way
lost    of what was not synced, nothing: names that were made are gone, names that were removed are back
hollow  all names, but files whose bytes were not synced are empty
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence

from airgap.core.errors import StoreError
from airgap.isolated.store.disk import RealDisk

LOSSES = ("keep", "torn", "lost", "hollow")
HARSH = ("torn", "lost")


class Cut(BaseException):
    """The power went away."""


class Counting(RealDisk):
    """Counts operations; subclasses say what happens before each."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def _before(self, path: str, tear: Callable[[], object]) -> None:  # noqa: ARG002 -- subclasses use them
        self.count += 1

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        self._before(path, lambda: None)
        super().make_folder(path, mode)

    def create(self, path: str) -> int:
        self._before(path, lambda: open(path, "wb").close())
        return super().create(path)

    def write(self, fd: int, views: Sequence[bytes | memoryview]) -> None:
        whole = b"".join(views)
        self._before(str(fd), lambda: os.write(fd, whole[: len(whole) // 2]))
        super().write(fd, views)

    def close(self, fd: int) -> None:
        try:
            self._before(str(fd), lambda: None)
        except BaseException:
            os.close(fd)
            raise
        super().close(fd)

    def write_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self._before(path, lambda: _half(path, content, "xb"))
        super().write_file(path, content, mode)

    def append(self, path: str, content: bytes) -> None:
        self._before(path, lambda: _half(path, content, "ab"))
        super().append(path, content)

    def truncate(self, path: str, size: int) -> None:
        self._before(path, lambda: None)
        super().truncate(path, size)

    def link(self, path: str, name: str) -> bool:
        self._before(name, lambda: None)
        return super().link(path, name)

    def rename(self, path: str, name: str) -> None:
        self._before(name, lambda: None)
        super().rename(path, name)

    def point(self, name: str, target: str) -> None:
        self._before(name, lambda: os.symlink(target, name + ".new"))
        super().point(name, target)

    def unlink(self, path: str) -> None:
        self._before(path, lambda: None)
        super().unlink(path)

    def remove_tree(self, path: str) -> None:
        self._before(path, lambda: _remove_half(path))
        super().remove_tree(path)

    def sync(self, path: str) -> None:
        self._before(path, lambda: None)

    def sync_folder(self, path: str) -> None:
        self._before(path, lambda: None)


class Failing(Counting):
    """Refuses one operation, as a full or broken disk does, and goes on."""

    def __init__(self, step: int, number: int = errno.ENOSPC) -> None:
        super().__init__()
        self._step = step
        self._number = number

    def _before(self, path: str, tear: Callable[[], object]) -> None:
        super()._before(path, tear)
        if self.count == self._step:
            tear()
            raise StoreError(f"{path}: expected the disk to keep it, got {os.strerror(self._number)}")


class Dying(Counting):
    """Does a number of operations, then none; ``lose`` forgets what a power cut would."""

    def __init__(self, steps: int, loss: str, shadow: str) -> None:
        super().__init__()
        self._steps = steps
        self._loss = loss
        self._shadow = tempfile.mkdtemp(dir=shadow)
        self._kept = 0
        self._undo: list[tuple[str, Callable[[], None]]] = []
        self._hollow: set[str] = set()
        self.is_dead = False

    def lose(self) -> None:
        """What the cut takes with it."""
        if self._loss == "hollow":
            for path in filter(os.path.exists, self._hollow):
                os.chmod(path, 0o644)
                os.truncate(path, 0)
        if self._loss == "lost":
            for _, undo in reversed(self._undo):
                undo()

    def _before(self, path: str, tear: Callable[[], object]) -> None:
        super()._before(path, tear)
        if self.is_dead or self.count <= self._steps:
            if self.is_dead:
                raise Cut
            return
        self.is_dead = True
        if self._loss == "torn":
            tear()
        raise Cut

    def make_folder(self, path: str, mode: int = 0o755) -> None:
        super().make_folder(path, mode)
        self._note(path, lambda: shutil.rmtree(path, ignore_errors=True))

    def create(self, path: str) -> int:
        fd = super().create(path)
        self._hollow.add(path)
        self._note(path, lambda: _unlink(path))
        return fd

    def link(self, path: str, name: str) -> bool:
        is_new = super().link(path, name)
        if is_new:
            self._note(name, lambda: _unlink(name))
        return is_new

    def write_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self._note(path, lambda: _unlink(path))
        super().write_file(path, content, mode)

    def point(self, name: str, target: str) -> None:
        old = os.readlink(name)

        def undo() -> None:
            os.unlink(name)
            os.symlink(old, name)

        self._note(name, undo)
        super().point(name, target)

    def rename(self, path: str, name: str) -> None:
        old = self._keep(name) if os.path.lexists(name) else None
        super().rename(path, name)

        def undo() -> None:
            os.rename(name, path)
            if old:
                os.link(old, name)

        self._note(name, undo)

    def unlink(self, path: str) -> None:
        old = self._keep(path)
        super().unlink(path)
        self._note(path, lambda: os.link(old, path))

    def remove_tree(self, path: str) -> None:
        self._before(path, lambda: _remove_half(path))
        self._kept += 1
        old = os.path.join(self._shadow, str(self._kept))
        os.rename(path, old)
        self._note(path, lambda: os.rename(old, path))

    def sync(self, path: str) -> None:
        super().sync(path)
        self._undo.clear()
        self._hollow.clear()

    def sync_folder(self, path: str) -> None:
        super().sync_folder(path)
        self._undo = [(name, undo) for name, undo in self._undo if os.path.dirname(name) != path]

    def _note(self, path: str, undo: Callable[[], None]) -> None:
        self._undo.append((path, undo))

    def _keep(self, path: str) -> str:
        """One more name for a file that is about to lose its own."""
        self._kept += 1
        kept = os.path.join(self._shadow, str(self._kept))
        os.link(path, kept, follow_symlinks=False)
        return kept


def _half(path: str, content: bytes, mode: str) -> None:
    with open(path, mode) as file:
        file.write(content[: len(content) // 2])


def _remove_half(path: str) -> None:
    names = sorted(os.listdir(path))
    for name in names[: (len(names) + 1) // 2]:
        inside = os.path.join(path, name)
        if os.path.isdir(inside):
            shutil.rmtree(inside)
        else:
            os.unlink(inside)


def _unlink(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)
