import os
import stat
from typing import Any

import pytest

from airgap.core.errors import FormatError, PlatformError, StoreError, TrustStop, UsageError
from airgap.isolated import setup
from tests.isolated.scene import DAY, NOW, Scene, faults, tree


@pytest.fixture
def bare(tmp_path: object) -> Scene:
    """No store yet."""
    return Scene(str(tmp_path))


def test_a_new_store_is_empty_private_where_it_must_be_and_in_order(bare: Scene) -> None:
    store = bare.set_up()

    assert (store.site, store.state().generation, store.state().trust, store.state().floor) == ("plant-7", 0, 1, NOW)
    modes = {name: stat.S_IMODE(os.stat(f"{bare.store_path}/{name}").st_mode) for name in os.listdir(bare.store_path)}
    assert {name for name, mode in modes.items() if not mode & 0o077} == {"staging", "quarantine", "site.key.pem"}
    assert faults(bare.check().findings) == []
    assert os.listdir(bare.root) == ["store"]


def test_an_empty_folder_becomes_the_store(bare: Scene) -> None:
    os.mkdir(bare.store_path)
    assert bare.set_up().layout.root == bare.store_path


@pytest.mark.parametrize("make", [lambda path: os.symlink("/nowhere", path), lambda path: os.makedirs(f"{path}/x")])
def test_what_is_there_is_not_touched(make: Any, bare: Scene) -> None:
    make(bare.store_path)
    before = tree(bare.root)
    with pytest.raises(UsageError, match="expected a new or empty folder, got something else"):
        bare.set_up()
    assert tree(bare.root) == before


@pytest.mark.parametrize("days", [-2, 400])
def test_a_trust_document_out_of_its_time_is_not_pinned(days: int, bare: Scene) -> None:
    bare.at = NOW + days * DAY
    with pytest.raises(TrustStop, match="trust document: expected one in force at"):
        bare.set_up()
    assert os.listdir(bare.root) == []


def test_a_policy_that_is_none_is_refused(bare: Scene) -> None:
    bare.policy = "limits = 3"
    with pytest.raises(FormatError, match="policy: expected type"):
        bare.set_up()
    assert os.listdir(bare.root) == []


def test_a_name_that_is_none_is_refused(bare: Scene) -> None:
    with pytest.raises(FormatError, match="site: expected 1 to 64"):
        setup.set_up(bare.store_path, trust=b"", policy="", site="Plant", at=NOW, entropy=bytes(64))


def test_a_file_system_that_keeps_no_promise_gets_no_store(bare: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: str) -> None:
        raise PlatformError(f"{folder}: expected hard links, got none")

    monkeypatch.setattr(setup, "probe", refuse)
    with pytest.raises(PlatformError):
        bare.set_up()
    assert os.listdir(bare.root) == []


def test_what_a_killed_init_left_is_not_taken_for_a_store(bare: Scene) -> None:
    os.mkdir(f"{bare.store_path}.part")
    with pytest.raises(UsageError, match=r"store\.part: expected no such folder, got one"):
        bare.set_up()
    with pytest.raises(StoreError, match="got none"):
        bare.open()
