import os
from collections.abc import Callable
from typing import Any

import pytest

from airgap.core.errors import FormatError, StoreError
from airgap.isolated.store.ledger import Ledger
from tests.isolated.scene import NOW, Bundle, Scene, key_of


def faults_of(scene: Scene) -> list[str]:
    store = scene.open()
    return list(store.ledger.read(store.public_key()).faults)


def note(scene: Scene, change: Callable[[str], str]) -> None:
    """Change the checkpoint."""
    path = scene.open().layout.checkpoint
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(change(text))


def test_a_record_that_says_more_than_it_may_is_not_written(scene: Scene) -> None:
    with pytest.raises(FormatError, match="ledger record: expected"):
        scene.open().ledger.append("party", NOW)
    assert faults_of(scene) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda text: text.replace("plant-7", "plant-8"),
            "checkpoint: expected a signature of the site's key, got another",
        ),
        (lambda text: text.replace("\n1\n", "\n2\n"), "checkpoint: expected a signature of the site's key, got another"),
        (lambda _: "", "checkpoint: expected a signed note, got other text"),
    ],
)
def test_a_checkpoint_that_was_changed_is_found(change: Any, words: str, scene: Scene) -> None:
    note(scene, change)
    assert faults_of(scene) == [words]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_checkpoint_that_is_lost_is_found(content: bytes | None, scene: Scene) -> None:
    os.unlink(scene.open().layout.checkpoint)
    if content is not None:
        with open(scene.open().layout.checkpoint, "wb") as file:
            file.write(content)
    assert faults_of(scene) == ["the checkpoint is missing or unreadable"]


def test_a_checkpoint_of_another_site_is_found(scene: Scene) -> None:
    store = scene.open()
    other = Ledger(store.layout, store.disk, "plant-8")
    assert other.read(store.public_key()).faults == ["the checkpoint is of site plant-7"]


def test_a_checkpoint_by_another_key_is_found(scene: Scene) -> None:
    store = scene.open()
    assert store.ledger.read(key_of("mallory").public).faults == [
        "checkpoint: expected a signature of the site's key, got another"
    ]


def test_records_beyond_the_checkpoint_are_no_fault_and_the_next_one_covers_them(scene: Scene) -> None:
    store = scene.open()
    store.ledger.append("recheck", NOW, result="clean")
    assert faults_of(scene) == []
    assert store.ledger.close(store.private_key()).size == 2
    assert faults_of(scene) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda raw: raw.replace(b"plant", b"plank").replace(b"2026", b"2025", 1),
            "records differ from what the checkpoint",
        ),
        (lambda raw: raw.rsplit(b"\n", 2)[0] + b"\n", "1 records are missing"),
    ],
)
def test_a_checkpoint_is_never_signed_over_a_history_that_was_edited(
    change: Callable[[bytes], bytes], words: str, scene: Scene, one: Bundle
) -> None:
    store = scene.open()
    with open(store.layout.log, "rb") as file:
        raw = file.read()
    with open(store.layout.log, "wb") as file:
        file.write(change(raw))
    store.ledger.close(store.private_key())
    assert [fault for fault in faults_of(scene) if fault.startswith(words)]


def test_a_lost_checkpoint_is_not_signed_anew(scene: Scene, one: Bundle) -> None:
    store = scene.open()
    os.unlink(store.layout.checkpoint)
    store.ledger.close(store.private_key())
    assert faults_of(scene) == ["the checkpoint is missing or unreadable"]


def test_a_cut_record_is_a_fault_until_it_is_trimmed(scene: Scene) -> None:
    store = scene.open()
    with open(store.layout.log, "ab") as file:
        file.write(b'{"kind":')
    assert faults_of(scene) == ["the last record is cut"]
    assert store.ledger.trim()
    assert not store.ledger.trim()
    assert faults_of(scene) == []


def test_the_last_import_is_open_until_a_record_says_how_it_ended(scene: Scene) -> None:
    ledger = scene.open().ledger
    assert ledger.open_import() is None
    ledger.append("prepared", NOW, generation=1)
    prepared = ledger.open_import()
    assert prepared is not None
    assert prepared["generation"] == 1
    ledger.append("refusal", NOW, reason="gap")
    assert ledger.open_import() == prepared
    ledger.append("rolled-back", NOW, generation=1)
    assert ledger.open_import() is None


def test_a_rotten_record_does_not_keep_a_check_from_running(scene: Scene, one: Bundle) -> None:
    with open(scene.open().layout.log, "ab") as file:
        file.write(b'{"kind":42}\nrotten\n')
    assert scene.open().ledger.open_import() is None
    got = [finding.got for finding in scene.check().damage]
    assert [text.partition(":")[0] for text in got] == ["record 3", "record 4"]


def test_a_ledger_that_is_gone_is_the_stores_fault(scene: Scene) -> None:
    os.unlink(scene.open().layout.log)
    with pytest.raises(StoreError, match=r"log\.jsonl: expected the ledger, got No such file"):
        scene.check()
