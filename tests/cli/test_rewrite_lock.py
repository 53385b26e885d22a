"""airgap rewrite-lock."""

import os
import stat
from pathlib import Path

import pytest

from airgap.core import locks
from tests.cli.conftest import Airgap

URL = "http://127.0.0.1:8080"
LOCK = """\
version = 1\r
\r
[[package]]\r
name = "six"\r
version = "1.17.0"\r
source = { registry = "https://index.example/simple" }\r
wheels = [{ url = "https://files.example/ab/six-1.17.0-py3-none-any.whl", hash = "sha256:aa" }]\r
\r
[[package]]\r
name = "own"\r
version = "1.0"\r
source = { git = "https://me:secret@forge.example/own#0123" }\r
"""
REWRITTEN = LOCK.replace("https://index.example/simple", f"{URL}/pypi/simple").replace(
    "https://files.example/ab", f"{URL}/pypi"
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("uv.lock").write_text(LOCK, newline="")
    os.chmod("uv.lock", 0o640)


def content(path: str) -> str:
    return Path(path).read_bytes().decode()


def test_a_lock_is_rewritten_in_place_and_keeps_its_permissions_and_line_ends(airgap: Airgap) -> None:
    ended = airgap("rewrite-lock", "uv.lock", "--url", f"{URL}/")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"uv.lock: 2 references to {URL}, 2 of them changed\n  left as it is: own (git)\n"
    assert content("uv.lock") == REWRITTEN
    assert stat.S_IMODE(os.stat("uv.lock").st_mode) == 0o640
    assert os.listdir() == ["uv.lock"]


def test_a_lock_that_names_the_store_already_is_not_touched(airgap: Airgap) -> None:
    airgap("rewrite-lock", "uv.lock", "--url", URL)
    before = os.stat("uv.lock")
    ended = airgap("rewrite-lock", "uv.lock", "--url", URL)

    assert f"2 references to {URL}, 0 of them changed" in ended.out
    assert (os.stat("uv.lock").st_ino, os.stat("uv.lock").st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_lock_is_written_elsewhere_and_the_old_one_stays(airgap: Airgap) -> None:
    said = airgap("rewrite-lock", "uv.lock", "--url", URL, "-o", "inside.lock", "--json").json

    assert said == {
        "kind": "uv.lock",
        "path": "inside.lock",
        "url": URL,
        "counts": {"references": 2, "changed": 2},
        "left": ["own (git)"],
    }
    assert (content("uv.lock"), content("inside.lock")) == (LOCK, REWRITTEN)


def test_a_file_that_is_there_is_not_written_over(airgap: Airgap) -> None:
    ended = airgap("rewrite-lock", "uv.lock", "--url", URL, "-o", "uv.lock")
    assert ended.code == 2
    assert "uv.lock: expected a new name, got a file that exists" in ended.err
    assert content("uv.lock") == LOCK


def test_a_link_stays_one_and_the_file_behind_it_changes(airgap: Airgap) -> None:
    os.mkdir("shared")
    os.rename("uv.lock", "shared/uv.lock")
    os.symlink("shared/uv.lock", "uv.lock")

    assert airgap("rewrite-lock", "uv.lock", "--url", URL).code == 0
    assert os.readlink("uv.lock") == "shared/uv.lock"
    assert content("shared/uv.lock") == REWRITTEN


def test_requirements_are_said_to_need_nothing(airgap: Airgap) -> None:
    Path("requirements.txt").write_text("six==1.17.0 --hash=sha256:aa\n-f https://x.example\n")
    ended = airgap("rewrite-lock", "requirements.txt", "--url", URL)

    assert ended.code == 0
    assert ended.out == (
        "requirements.txt: names no host that a store takes the place of; nothing to change\n  left as it is: line 2 (-f)\n"
    )


@pytest.mark.parametrize(
    ("name", "raw", "code", "said"),
    [
        ("uv.lock", b"\xff", 3, "uv.lock: expected UTF-8, got other bytes at 0"),
        ("uv.lock", b"x", 3, "uv.lock: expected TOML, got a fault: "),
        ("poetry.lock", b"", 2, "expected a lock file, got another name"),
    ],
)
def test_what_is_no_lock_stays_as_it_is(name: str, raw: bytes, code: int, said: str, airgap: Airgap) -> None:
    Path(name).write_bytes(raw)
    ended = airgap("rewrite-lock", name, "--url", URL)

    assert ended.code == code
    assert said in ended.err
    assert Path(name).read_bytes() == raw


def test_a_lock_that_is_not_there_is_named(airgap: Airgap) -> None:
    ended = airgap("rewrite-lock", "none/uv.lock", "--url", URL)
    assert ended.code == 2
    assert "none/uv.lock: expected a lock file, got No such file or directory" in ended.err


def test_a_file_larger_than_any_lock_is_not_read(airgap: Airgap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "MAX_LOCK", 10)
    ended = airgap("rewrite-lock", "uv.lock", "--url", URL, "--json")
    assert (ended.code, ended.json["reason"]) == (3, "too-large")


def test_a_disk_that_fails_leaves_the_lock_and_nothing_else(airgap: Airgap, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    ended = airgap("rewrite-lock", "uv.lock", "--url", URL)

    assert ended.code == 2
    assert "uv.lock: expected to write it, got No space left on device" in ended.err
    assert content("uv.lock") == LOCK
    assert os.listdir() == ["uv.lock"]
