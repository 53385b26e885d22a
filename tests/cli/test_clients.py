"""airgap clients."""

import os
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Airgap
from tests.isolated.scene import Scene

URL = "http://127.0.0.1:8080"
ALL = [".npmrc", ".yarnrc", ".yarnrc.yml", "README.txt", "nginx.conf", "pip.conf", "uv.toml"]


@pytest.fixture
def store(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store in the current folder."""
    monkeypatch.chdir(scene.root)
    return "store"


def test_configuration_for_all_clients_stands_in_a_new_folder(airgap: Airgap, store: str) -> None:
    ended = airgap("clients", "--store", store, "--url", f"{URL}/", "-o", "new/clients")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"new/clients: {', '.join(ALL)}\nREADME.txt says how each client takes them\n"
    assert sorted(os.listdir("new/clients")) == ALL
    (index,) = tomllib.loads(Path("new/clients/uv.toml").read_text())["index"]
    assert index["url"] == f"{URL}/pypi/simple"
    assert f'root "{os.getcwd()}/store/current"' in Path("new/clients/nginx.conf").read_text()


def test_a_file_that_is_there_stops_it_before_anything_is_written(airgap: Airgap, store: str) -> None:
    os.mkdir("mine")
    Path("mine/uv.toml").write_text("mine")
    ended = airgap("clients", "--store", store, "--url", URL, "-o", "mine")

    assert ended.code == 2
    assert "mine/uv.toml: expected a new name, got a file that exists" in ended.err
    assert os.listdir("mine") == ["uv.toml"]
    assert Path("mine/uv.toml").read_text() == "mine"


def test_a_folder_of_other_files_is_joined(airgap: Airgap, store: str) -> None:
    os.mkdir("mine")
    Path("mine/package.json").write_text("{}")
    assert airgap("clients", "--store", store, "--url", URL, "-o", "mine").code == 0
    assert sorted(os.listdir("mine")) == sorted([*ALL, "package.json"])


def test_a_folder_that_cannot_be_made_is_named(airgap: Airgap, store: str) -> None:
    Path("file").write_text("")
    ended = airgap("clients", "--store", store, "--url", URL, "-o", "file/inside")
    assert ended.code == 2
    assert "file/inside: expected a folder to write to, got " in ended.err


def test_a_password_in_the_url_is_refused_and_not_shown(airgap: Airgap, store: str) -> None:
    ended = airgap("clients", "--store", store, "--url", "http://me:secret@store.example", "-o", "new")
    assert ended.code == 2
    assert "secret" not in ended.out + ended.err
    assert not os.path.exists("new")


def test_what_is_no_store_gets_no_configuration(airgap: Airgap, store: str) -> None:
    os.mkdir("empty")
    assert airgap("clients", "--store", "empty", "--url", URL, "-o", "new").code == 1
    assert not os.path.exists("new")
