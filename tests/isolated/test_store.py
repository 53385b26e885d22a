"""A store that exists: how it is opened, what it calls its own damage, how it comes back into order."""

import os
from collections.abc import Callable
from hashlib import sha256

import pytest

from airgap.core import canonical
from airgap.core.errors import BusyError, FormatError, StoreError
from airgap.isolated.store.index import Index
from airgap.isolated.store.layout import Layout
from airgap.isolated.store.lock import locked, upgrade
from airgap.isolated.store.objects import Reading, read_object, scratch
from airgap.isolated.store.state import State
from airgap.isolated.store.store import Store
from tests.isolated.scene import FILES, NOW, Bundle, Scene, faults, rot, tree


def rewrite(path: str, content: bytes) -> None:
    """Other bytes in the place of a file."""
    os.chmod(path, 0o644)
    with open(path, "wb") as file:
        file.write(content)


@pytest.mark.parametrize(
    ("path", "words"),
    [("none", "expected a store, got none"), (".", "expected a store, got none"), ("file", "got a link or file"),
     ("link", "got a link or file")],
)  # fmt: skip
def test_what_is_no_store_is_not_opened(path: str, words: str, scene: Scene) -> None:
    with open(f"{scene.root}/file", "wb"):
        pass
    os.symlink(scene.store_path, f"{scene.root}/link")
    with pytest.raises(StoreError, match=words):
        Store.open(f"{scene.root}/{path}")


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (canonical.encode({"format": 2, "site": "plant-7"}), "expected store format 1, got 2"),
        (b'{"format":1}', "store.json: expected required"),
        (b"\xff", "store.json: expected canonical JSON"),
    ],
)
def test_a_mark_that_this_version_does_not_know_is_refused(mark: bytes, words: str, scene: Scene) -> None:
    rewrite(scene.open().layout.mark, mark + b"\n")
    with pytest.raises(StoreError, match=words):
        scene.open()


def test_a_mark_that_cannot_be_read_is_the_stores_fault(scene: Scene) -> None:
    os.unlink(scene.open().layout.mark)
    os.mkdir(f"{scene.store_path}/store.json")
    with pytest.raises(StoreError, match="expected to read it, got Is a directory"):
        scene.open()


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        (lambda layout: layout.trust(1), lambda store: store.trust(1)),
        (lambda layout: layout.policy, lambda store: store.policy()),
        (lambda layout: layout.private_key, lambda store: store.private_key()),
        (lambda layout: layout.public_key, lambda store: store.public_key()),
        (lambda layout: f"{layout.current}/state.json", lambda store: store.state()),
    ],
)
@pytest.mark.parametrize("damage", [os.unlink, lambda path: rewrite(path, b"= junk")])
def test_a_document_of_the_store_that_is_lost_or_rotten_is_named(
    damage: Callable[[str], None], path: Callable[[Layout], str], ask: Callable[[Store], object], scene: Scene
) -> None:
    store = scene.open()
    damage(path(store.layout))
    with pytest.raises(StoreError, match=os.path.dirname(path(store.layout))):
        ask(store)


def test_a_store_without_current_says_so(scene: Scene) -> None:
    os.unlink(scene.open().layout.current)
    with pytest.raises(StoreError, match="current: expected a generation, got"):
        scene.open().state()


def test_a_store_without_its_lock_is_not_written(scene: Scene, one: Bundle) -> None:
    os.unlink(scene.open().layout.lock)
    with pytest.raises(StoreError, match="lock: expected the store's lock, got No such file"):
        scene.check()


def test_readers_share_the_lock_and_a_writer_waits_for_all(scene: Scene) -> None:
    path = scene.open().layout.lock
    with locked(path, shared=True) as one, locked(path, shared=True), pytest.raises(BusyError):
        upgrade(one, path)
    with locked(path, shared=True) as one:
        upgrade(one, path)
        with pytest.raises(BusyError, match="got it held by another run"), locked(path, shared=True):
            pytest.fail("two hold what only one can hold")


def test_recovery_of_a_store_in_order_does_nothing(scene: Scene, one: Bundle) -> None:
    before = tree(scene.store_path)
    assert scene.open().recover(NOW).actions == []
    assert tree(scene.store_path) == before


def litter(scene: Scene) -> None:
    """What crashes and people leave."""
    layout = scene.open().layout
    for path in (f"{layout.staging}/dead", f"{layout.generations}/9", f"{layout.generations}/lost+found"):
        os.mkdir(path)
    for path in (f"{layout.staging}/file", f"{layout.manifests}/x.head.new", layout.trust(2), f"{layout.checkpoint}.new"):
        rewrite_new(path)
    os.symlink("generations/9", f"{layout.current}.new")
    with open(layout.log, "ab") as file:
        file.write(b'{"kind":"prep')


def rewrite_new(path: str) -> None:
    with open(path, "wb") as file:
        file.write(b"x")


def test_recovery_removes_what_no_generation_tells_of_and_says_so(scene: Scene, one: Bundle) -> None:
    before = tree(scene.store_path)
    litter(scene)
    actions = scene.open().recover(NOW).actions

    assert actions == [
        "removed 4 documents that were never published",
        "removed 2 unfinished staging folders",
        "removed 2 generations that were never published",
        "removed a ledger record that was cut short",
    ]
    assert tree(scene.store_path) == before


def test_an_index_that_is_damaged_is_made_again(scene: Scene, one: Bundle) -> None:
    rows = list(scene.open().index.artifacts(generation=1))
    rewrite(scene.open().layout.index, b"junk" * 3000)
    assert scene.open().index.generation() is None
    assert list(scene.open().index.digests()) == []
    assert scene.open().index.known(sha256(FILES["hello.txt"]).digest()) is None

    assert scene.open().recover(NOW).actions == ["rebuilt the index"]
    assert list(scene.open().index.artifacts(generation=1)) == rows
    assert faults(scene.check().findings) == []


def test_an_index_is_not_made_from_a_head_that_is_rotten(scene: Scene, one: Bundle) -> None:
    rot(scene.open().layout.head(one.manifest), at=60)
    os.unlink(scene.open().layout.index)
    with pytest.raises(StoreError, match=f"manifests/{one.manifest.hex()}.head: "):
        scene.open().recover(NOW)


def test_an_index_of_another_generation_gives_no_answers(scene: Scene, one: Bundle) -> None:
    with pytest.raises(StoreError, match="index: expected it to match the store, got another state"):
        list(scene.open().index.artifacts(generation=7))


def test_an_index_whose_path_has_odd_characters_is_still_one_file(tmp_path: object) -> None:
    root = f"{tmp_path}/a %?#b"
    os.mkdir(root)
    index = Index(Layout(root))
    index.create()
    index.conclude(3)
    assert index.generation() == 3
    assert os.listdir(root) == ["index.sqlite"]


def test_an_index_does_not_tell_of_an_object_that_is_missing(scene: Scene, one: Bundle) -> None:
    digest = sha256(FILES["hello.txt"]).digest()
    assert scene.open().index.known(digest) is not None
    os.unlink(scene.object_of(FILES["hello.txt"]))
    scene.open().rebuild_index(scene.open().state())
    assert scene.open().index.known(digest) is None


def test_an_object_that_cannot_be_read_is_no_sound_object(tmp_path: object) -> None:
    os.symlink("elsewhere", f"{tmp_path}/link")
    assert read_object(f"{tmp_path}/link", bytes(32), 1, scratch()).got == "Too many levels of symbolic links"
    os.mkdir(f"{tmp_path}/folder")
    size = os.stat(f"{tmp_path}/folder").st_size
    reading = read_object(f"{tmp_path}/folder", bytes(32), size, scratch())
    assert reading == Reading(reading.fault, "Is a directory")
    assert str(reading.fault) == "object-rotten"


def test_an_object_larger_than_the_buffer_is_hashed_whole(scene: Scene) -> None:
    large = bytes(range(256)) * 4096 * 36  # more than one window of the page cache, too
    scene.take_in(scene.export({"large": large}))
    assert faults(scene.check().findings) == []
    rot(scene.object_of(large), at=len(large) - 1)
    assert [str(reason) for _, reason in faults(scene.check().findings)] == ["object-rotten"]


@pytest.mark.parametrize("change", [b'"generation":0', b'"withdrawn":[]'])
def test_a_state_is_read_only_as_it_was_written(change: bytes, scene: Scene) -> None:
    raw = scene.open().state().encode()
    assert State.parse(raw).encode() == raw
    with pytest.raises(FormatError, match="state: expected"):
        State.parse(raw.replace(change, change.replace(b":", b": ")))
