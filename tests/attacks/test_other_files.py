"""Any other file that somebody hands to verify, inspect, sign or import is refused in one sentence."""

import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.forge.build import Bundle, bundle
from tests.forge.caps import within
from tests.forge.program import Done, run
from tests.forge.site import make_store, tree
from tests.forge.text import encode
from tests.forge.trust import trust_file


def tar_file() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    return out.getvalue()


def zip_file() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a", "x")
    return out.getvalue()


CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"x",
    "tar": tar_file(),
    "zip": zip_file(),
    "zst": zstandard.ZstdCompressor().compress(b"x" * 1000),
    "tar.zst": zstandard.ZstdCompressor().compress(tar_file()),
    "skippable zst": b"\x50\x2a\x4d\x18\x10\x00\x00\x00" + b"x" * 16 + zstandard.ZstdCompressor().compress(b"x"),
    "json": json.dumps({"a": [1, 2]}).encode(),
    "trust document": trust_file(),
    "text": b"hello\n" * 1000,
    "noise": bytes(n * n * 7919 % 65521 % 256 for n in range(100_000)),
    "zeros": bytes(100_000),
    "escapes": b"\x1b[31mred\x1b[0m" * 100,
    "only the magic": bundle().raw[:16],
    "only the head's first bytes": bundle().raw[:28],
    "no envelope": bundle(on_envelope_text=lambda _: b"[]").raw,
    "updates that are no list": bundle(on_areas=lambda areas: (b"55\n", *areas[1:])).raw,
}
COMMANDS: dict[str, tuple[str, ...]] = {
    "verify": ("--trust", "TRUST"),
    "inspect": (),
    "import": ("--store", "STORE"),
    "sign": ("--key", "KEY"),
}
every_command = pytest.mark.parametrize("command", COMMANDS)


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[[str, str], Done]:
    """Run a command on a file; it must refuse, at once, in one sentence, and change nothing but the ledger."""
    from tests.forge.keys import ALICE

    store = make_store(tmp_path / "store")
    (tmp_path / "trust.json").write_bytes(trust_file())
    (tmp_path / "alice.key.pem").write_bytes(ALICE.pem(None))
    places = {
        "TRUST": str(tmp_path / "trust.json"),
        "STORE": store.layout.root,
        "KEY": str(tmp_path / "alice.key.pem"),
    }

    def act(command: str, path: str) -> Done:
        before = tree(store.layout.root)
        with within(seconds=5):
            done = run(command, path, *(places.get(word, word) for word in COMMANDS[command]))
        assert done.code == 3
        assert "Traceback" not in done.out + done.err
        assert "internal error" not in done.err
        assert "\x1b" not in done.out + done.err
        assert "expected" in done.out + done.err
        assert tree(store.layout.root) == before
        return done

    return act


@every_command
@pytest.mark.parametrize("name", CONTENTS)
def test_another_file_is_refused_in_one_sentence(
    attempt: Callable[[str, str], Done], tmp_path: Path, command: str, name: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENTS[name])
    attempt(command, str(path))

    assert path.read_bytes() == CONTENTS[name]


@every_command
@pytest.mark.parametrize("kind", ["fifo", "device", "zero", "directory", "empty directory", "link"])
def test_something_that_is_no_file_is_refused_in_one_sentence(
    attempt: Callable[[str, str], Done], tmp_path: Path, command: str, kind: str
) -> None:
    path = tmp_path / "thing"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(bundle().write(tmp_path / "x"))
    elif kind.endswith("directory"):
        path.mkdir()
        if kind == "directory":
            (path / "junk").write_bytes(b"junk")
    attempt(command, {"device": "/dev/null", "zero": "/dev/zero"}.get(kind, str(path)))


OVERRUN: dict[str, Bundle] = {
    "fewer frames than the stream needs": bundle(on_frames=lambda frames: frames[:0]),
    "larger frames than allowed": bundle(on_frames=lambda frames: [(frames[0][0] + bytes(200_000), *frames[0][1:])]),
    "a time before 1970": bundle(predicate={"created": "1900-01-01T00:00:00Z"}),
}


@pytest.mark.parametrize("name", OVERRUN)
@pytest.mark.parametrize("command", ["verify", "import", "sign"])
def test_a_bundle_that_contradicts_itself_is_refused_before_its_frames_are_read(
    attempt: Callable[[str, str], Done], tmp_path: Path, command: str, name: str
) -> None:
    attempt(command, OVERRUN[name].write(tmp_path / "x"))


def test_a_bundle_of_a_time_that_tar_cannot_say_is_not_signed(attempt: Callable[[str, str], Done], tmp_path: Path) -> None:
    made = bundle(predicate={"created": "9999-01-01T00:00:00Z", "expires": "9999-01-02T00:00:00Z"})
    done = attempt("sign", made.write(tmp_path / "x"))

    assert "between 1970 and 2242" in done.err


def test_a_damaged_bundle_is_not_signed(attempt: Callable[[str, str], Done], tmp_path: Path) -> None:
    made = bundle()
    path = tmp_path / "x"
    path.write_bytes(made.raw[:-1] + bytes([made.raw[-1] ^ 1]))
    before = path.read_bytes()
    done = attempt("sign", str(path))

    assert "1 of 1 frames differ" in done.err
    assert path.read_bytes() == before


def test_a_manifest_that_is_not_the_stated_one_is_not_listed(attempt: Callable[[str, str], Done], tmp_path: Path) -> None:
    made = bundle(on_areas=lambda areas: (*areas[:2], encode({"a": 1}).ljust(len(areas[2]) - 1) + b"\n"))
    done = attempt("inspect", made.write(tmp_path / "x"))

    assert "the stated digest" in done.err
