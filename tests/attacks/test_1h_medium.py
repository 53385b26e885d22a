"""Threats 1h: the medium, the file system and what lies on it."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

import errno
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from airgap.core.errors import BusyError, StoreError, UsageError
from airgap.core.reasons import Reason
from airgap.core.verdict import Standing
from airgap.isolated.setup import set_up
from airgap.isolated.store.lock import locked
from airgap.isolated.store.store import Store
from tests.forge.build import FILES, Bundle, bundle
from tests.forge.caps import within
from tests.forge.edit import flip
from tests.forge.site import fault, look_at, make_store, refused, take, tree
from tests.forge.text import NOW
from tests.forge.trust import trust_file

A, B = FILES
DIRECTORY = bundle(predicate={"container": "directory"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path / "store")


def cut_into(made: Bundle, folder: Path, size: int) -> list[str]:
    """The volumes of a bundle."""
    folder.mkdir(exist_ok=True)
    paths = []
    for number, at in enumerate(range(0, len(made.raw), size), start=1):
        path = folder / f"x.airgap.{number:03d}"
        path.write_bytes(made.raw[at : at + size])
        paths.append(str(path))
    return paths


def test_T170_a_link_to_a_bundle_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(bundle().write(tmp_path / "x"))
    found = refused(store, str(tmp_path / "link"))

    assert (found.reason, found.expected, found.got) == (Reason.NOT_A_BUNDLE, "a regular file", "a symbolic link")


def test_T170_a_link_to_a_directory_bundle_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(DIRECTORY.write_directory(tmp_path / "x"))

    assert refused(store, str(tmp_path / "link")).reason is Reason.NOT_A_BUNDLE


def test_T170_a_fifo_or_device_is_refused_at_once(store: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (str(tmp_path / "fifo"), "/dev/zero", "/dev/null"):
        with within(seconds=5):
            found = refused(store, path)
        assert (found.reason, found.got) == (Reason.NOT_A_BUNDLE, "another kind")


def test_T170_a_socket_is_refused(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        found = refused(store, "socket")

    assert found.reason is Reason.UNREADABLE
    assert found.expected == "a regular file"


@pytest.mark.parametrize("junk", [(), ("a",), ("bundle.heads", "SHA256SUMS")])
def test_T170_a_directory_with_something_else_is_refused(store: Store, tmp_path: Path, junk: tuple[str, ...]) -> None:
    (tmp_path / "x").mkdir()
    for name in junk:
        (tmp_path / "x" / name).write_bytes(b"x")
    found = refused(store, str(tmp_path / "x"))

    assert (found.reason, found.subject) == (Reason.NOT_A_BUNDLE, "bundle.head")


def put_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def put_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def put_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [put_link, put_folder, put_fifo, Path.unlink])
@pytest.mark.parametrize(
    ("name", "reason"),
    [(A, Reason.UNREADABLE), ("bundle.head", Reason.NOT_A_BUNDLE), ("SHA256SUMS", Reason.FILLER_MISMATCH)],
)
def test_T170_a_directory_bundle_holds_regular_files_only(
    store: Store, tmp_path: Path, change: Any, name: str, reason: Reason
) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    change(tmp_path / "x" / name)
    found = refused(store, folder)

    assert found.reason is reason or found.reason is Reason.UNDECLARED_FILE
    wanted = {name, "bundle", os.path.join(os.path.dirname(name), "elsewhere")}
    assert found.subject in wanted


def test_T170_a_folder_of_a_directory_bundle_that_is_a_link_is_refused(store: Store, tmp_path: Path) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    (tmp_path / "x/artifacts").rename(tmp_path / "elsewhere")
    (tmp_path / "x/artifacts").symlink_to(tmp_path / "elsewhere")
    found = refused(store, folder)

    assert (found.reason, found.subject) == (Reason.UNDECLARED_FILE, "artifacts")


@pytest.mark.parametrize("name", ["x", "artifacts/files/x", "artifacts/x/y/z", "documents/x", ".hidden", "empty/"])
def test_T170_an_undeclared_file_or_folder_is_refused(store: Store, tmp_path: Path, name: str) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not name.endswith("/"):
        Path(path).write_bytes(b"x")
    found = refused(store, folder)

    assert found.reason is Reason.UNDECLARED_FILE
    assert name.startswith(found.subject)


def test_T170_a_directory_for_an_archive_and_an_archive_for_a_directory_are_refused(store: Store, tmp_path: Path) -> None:
    archive = bundle()
    folder = archive.write_directory(tmp_path / "x")
    as_directory = refused(store, folder)
    as_archive = refused(store, DIRECTORY.write(tmp_path / "y"))

    assert (as_directory.reason, as_directory.expected, as_directory.got) == (Reason.MALFORMED, "archive", "directory")
    assert (as_archive.reason, as_archive.expected, as_archive.got) == (Reason.MALFORMED, "directory", "archive")


def test_T171_every_byte_of_the_medium_is_read_once(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bundle({A: bytes(range(256)) * 5000})
    path = made.write(tmp_path / "x")
    inode, got = os.stat(path).st_ino, 0
    real = os.read

    def read(fd: int, size: int) -> bytes:
        nonlocal got
        part = real(fd, size)
        got += len(part) if os.fstat(fd).st_ino == inode else 0
        return part

    monkeypatch.setattr(os, "read", read)
    outcome = take(store, path)

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert got == len(made.raw)


def test_T172_a_medium_that_cannot_be_read_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bundle().write(tmp_path / "x")
    inode, real = os.stat(path).st_ino, os.read

    def read(fd: int, size: int) -> bytes:
        if os.fstat(fd).st_ino == inode and os.lseek(fd, 0, os.SEEK_CUR) > 5000:
            raise OSError(errno.EIO, "")
        return real(fd, min(size, 1000))  # short reads are no fault

    monkeypatch.setattr(os, "read", read)
    found = refused(store, path)

    assert (found.reason, found.subject, found.got) == (Reason.UNREADABLE, "x", os.strerror(errno.EIO))


@pytest.mark.parametrize("name", ["bundle.head", A, "SHA256SUMS"])
def test_T172_a_file_of_a_directory_that_cannot_be_read_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    inode, real = os.stat(tmp_path / "x" / name).st_ino, os.read

    def read(fd: int, size: int) -> bytes:
        if os.fstat(fd).st_ino == inode:
            raise OSError(errno.EIO, "")
        return real(fd, size)

    monkeypatch.setattr(os, "read", read)
    found = refused(store, folder)

    assert (found.reason, found.subject) == (Reason.UNREADABLE, name)
    assert found.got == os.strerror(errno.EIO)


def test_T172_a_folder_that_cannot_be_listed_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path) == os.path.join(folder, "documents"):
            raise OSError(errno.EACCES, "")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = refused(store, folder)

    assert (found.reason, found.subject) == (Reason.UNREADABLE, "documents")


def test_T173_one_bit_of_a_file_in_a_directory_bundle_is_noticed(store: Store, tmp_path: Path) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    (tmp_path / "x" / A).write_bytes(flip(FILES[A], 3))
    found = refused(store, folder)

    assert (found.reason, found.subject) == (Reason.CONTENT_MISMATCH, A)


@pytest.mark.parametrize("size", [-1, 1])
def test_T173_a_file_of_another_length_in_a_directory_bundle_is_noticed(store: Store, tmp_path: Path, size: int) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    os.truncate(tmp_path / "x" / A, len(FILES[A]) + size)
    found = refused(store, folder)

    assert (found.reason, found.subject) == (Reason.WRONG_SIZE, A)


def test_T173_a_head_with_more_behind_it_is_refused(store: Store, tmp_path: Path) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    with (tmp_path / "x/bundle.head").open("ab") as file:
        file.write(b"x")
    found = refused(store, folder)

    assert (found.reason, found.subject) == (Reason.WRONG_SIZE, "bundle.head")


@pytest.mark.parametrize(("text", "reason"), [(b"", Reason.FILLER_MISMATCH), (b"0" * 500, Reason.FILLER_MISMATCH)])
def test_T173_other_sums_in_a_directory_bundle_are_refused(
    store: Store, tmp_path: Path, text: bytes, reason: Reason
) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    (tmp_path / "x/SHA256SUMS").write_bytes(text)
    found = refused(store, folder)

    assert (found.reason, found.subject) == (reason, "SHA256SUMS")


def test_T174_staging_is_private_and_gone_afterwards(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    real = type(store.disk).create

    def create(disk: Any, path: str) -> int:
        modes.append(stat.S_IMODE(os.lstat(os.path.join(store.layout.staging, "run")).st_mode))
        return int(real(disk, path))

    monkeypatch.setattr(type(store.disk), "create", create)
    take(store, bundle().write(tmp_path / "x"))

    assert set(modes) == {0o700}
    assert os.listdir(store.layout.staging) == []


def test_T174_a_link_that_was_planted_in_staging_is_removed_and_not_followed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/kept").write_bytes(b"x")
    (tmp_path / "store/staging/run").mkdir()
    (tmp_path / "store/staging/run/generation").symlink_to(tmp_path / "outside")
    outcome = take(store, bundle().write(tmp_path / "x"))

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert os.listdir(tmp_path / "outside") == ["kept"]


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_T176_T177_modes_do_not_depend_on_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        store = make_store(tmp_path / "store")
        take(store, bundle().write(tmp_path / "x") if mask != 0o777 else _readable(bundle(), tmp_path / "x"))
    finally:
        os.umask(before)

    shown = tmp_path / "store/current/files"
    assert stat.S_IMODE((shown / "a.txt").stat().st_mode) == 0o444
    assert stat.S_IMODE((shown / "dir").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "store/site.key.pem").stat().st_mode) == 0o600


def _readable(made: Bundle, path: Path) -> str:
    made.write(path)
    path.chmod(0o644)
    return str(path)


def test_T183_a_second_importer_is_told_that_the_store_is_busy(store: Store, tmp_path: Path) -> None:
    path = bundle().write(tmp_path / "x")
    before = tree(store.layout.root, leave_out=())
    with locked(store.layout.lock), pytest.raises(BusyError):
        take(store, path)

    assert tree(store.layout.root, leave_out=()) == before


def test_T184_the_lock_of_a_dead_importer_holds_nobody_up(store: Store, tmp_path: Path) -> None:
    fd = os.open(store.layout.lock, os.O_RDWR)
    os.write(fd, b"4711\n")
    os.close(fd)

    assert take(store, bundle().write(tmp_path / "x")).verdict.standing is Standing.ACCEPTED


@pytest.mark.parametrize("container", ["archive", "directory"])
def test_T185_the_same_bundle_again_changes_nothing(store: Store, tmp_path: Path, container: str) -> None:
    path = bundle().write(tmp_path / "x") if container == "archive" else DIRECTORY.write_directory(tmp_path / "x")
    take(store, path)
    before = tree(store.layout.root, leave_out=())
    outcome = take(store, path)

    assert (outcome.verdict.standing, outcome.admitted) == (Standing.ACCEPTED, None)
    assert tree(store.layout.root, leave_out=()) == before


def test_T186_an_object_that_rotted_is_healed_by_the_same_bundle(store: Store, tmp_path: Path) -> None:
    made = bundle()
    path = made.write(tmp_path / "x")
    take(store, path)
    target = Path(store.layout.object(bytes.fromhex(made.manifest["artifacts"][0]["sha256"])))
    target.chmod(0o644)
    target.write_bytes(flip(target.read_bytes(), 0))
    target.chmod(0o444)
    outcome = take(store, path)

    assert outcome.admitted is not None
    assert outcome.admitted.healed == 1
    assert target.read_bytes() == FILES[A]
    assert (tmp_path / "store/current/files/a.txt").read_bytes() == FILES[A]


BIG = bundle({A: b"".join(str(n * n).encode() for n in range(30_000))})


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_T187_a_missing_volume_is_named(store: Store, tmp_path: Path, missing: int) -> None:
    paths = cut_into(BIG, tmp_path / "v", len(BIG.raw) // 3 - 1)
    assert len(paths) == 4
    os.unlink(paths[missing - 1])
    found = refused(store, paths[3])

    assert (found.reason, found.subject) == (Reason.VOLUME_MISSING, f"volume {missing:03d}")


def test_T187_a_missing_last_volume_is_noticed(store: Store, tmp_path: Path) -> None:
    paths = cut_into(BIG, tmp_path / "v", len(BIG.raw) // 3 - 1)
    os.unlink(paths[3])

    assert refused(store, paths[0]).reason is Reason.WRONG_SIZE


def test_T187_a_volume_given_twice_or_by_another_name_is_a_usage_error(store: Store, tmp_path: Path) -> None:
    paths = cut_into(BIG, tmp_path / "v", len(BIG.raw) // 3 - 1)
    copy = tmp_path / "x.airgap.002"
    copy.write_bytes(Path(paths[1]).read_bytes())
    with pytest.raises(UsageError, match="got number 002 twice"):
        take(store, *paths, str(copy))
    with pytest.raises(UsageError, match="expected a volume such as"):
        take(store, *paths, bundle().write(tmp_path / "other"))


def test_T187_volumes_in_any_order_from_several_folders_are_one_bundle(store: Store, tmp_path: Path) -> None:
    paths = cut_into(BIG, tmp_path / "v", len(BIG.raw) // 3 - 1)
    (tmp_path / "w").mkdir()
    moved = os.path.join(tmp_path, "w", "x.airgap.002")
    os.rename(paths[1], moved)
    outcome = take(store, paths[3], moved, paths[0], paths[2])

    assert outcome.verdict.standing is Standing.ACCEPTED


def test_T187_a_volume_of_another_set_or_in_another_place_is_refused(store: Store, tmp_path: Path) -> None:
    paths = cut_into(BIG, tmp_path / "v", len(BIG.raw) // 3 - 1)
    second, third = Path(paths[1]), Path(paths[2])
    content = second.read_bytes()
    second.write_bytes(third.read_bytes())
    third.write_bytes(content)
    found = refused(store, paths[0])

    assert found.reason is Reason.FRAME_DAMAGED
    assert found.subject == "x.airgap.001"
    assert "frames differ" in found.got


def test_T187_a_damaged_volume_is_named_with_its_share(store: Store, tmp_path: Path) -> None:
    paths = cut_into(BIG, tmp_path / "v", len(BIG.raw) // 3 - 1)
    third = Path(paths[2])
    third.write_bytes(flip(third.read_bytes(), -10))
    found = refused(store, *paths)

    assert (found.reason, found.subject) == (Reason.FRAME_DAMAGED, "x.airgap.003")
    assert found.got.startswith("1 of ")


def test_T187_a_renamed_set_is_read_by_its_numbers(store: Store, tmp_path: Path) -> None:
    paths = cut_into(BIG, tmp_path / "v", len(BIG.raw) // 3 - 1)
    for path in paths:
        os.rename(path, path.replace("x.airgap", "y"))

    assert take(store, str(tmp_path / "v/y")).verdict.standing is Standing.ACCEPTED


def test_T188_staging_that_was_left_behind_is_removed_and_counted(store: Store, tmp_path: Path) -> None:
    (tmp_path / "store/staging/old/generation").mkdir(parents=True)
    outcome = take(store, bundle().write(tmp_path / "x"))

    assert list(outcome.recovered) == ["removed 1 unfinished staging folders"]
    assert os.listdir(store.layout.staging) == []


def test_T190_a_store_behind_a_link_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store.layout.root)
    with pytest.raises(StoreError, match="expected a store's own folder"):
        Store.open(str(tmp_path / "link"))
    with pytest.raises(UsageError, match="expected a new or empty folder"):
        set_up(str(tmp_path / "link"), trust=trust_file(), policy="", site="x", at=NOW, entropy=bytes(64))


def test_T190_a_bundle_inside_the_store_is_refused(store: Store, tmp_path: Path) -> None:
    path = bundle().write(tmp_path / "store/staging/x")
    (tmp_path / "link").symlink_to(tmp_path / "store/staging")
    before = tree(store.layout.root, leave_out=())
    for inside in (path, str(tmp_path / "link/x")):
        with pytest.raises(UsageError, match="expected a bundle outside the store"):
            take(store, inside)

    assert tree(store.layout.root, leave_out=()) == before


def test_a_bundle_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="got no such file"):
        look_at(str(tmp_path / "none"))
    with pytest.raises(UsageError, match="expected a path, got none"):
        look_at()


def test_T170_a_volume_that_shrinks_while_it_is_read_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = cut_into(BIG, tmp_path / "v", len(BIG.raw) // 3 - 1)
    inode, real = os.stat(paths[1]).st_ino, os.read

    def read(fd: int, size: int) -> bytes:
        return b"" if os.fstat(fd).st_ino == inode else real(fd, size)

    monkeypatch.setattr(os, "read", read)
    found = refused(store, paths[0])

    assert (found.reason, found.subject) == (Reason.UNREADABLE, "x.airgap.002")


def test_T170_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = DIRECTORY.write_directory(tmp_path / "x")
    inode, real = os.stat(os.path.join(folder, A)).st_ino, os.read
    monkeypatch.setattr(os, "read", lambda fd, size: b"" if os.fstat(fd).st_ino == inode else real(fd, size))

    assert fault(look_at(folder).verdict).subject == A
