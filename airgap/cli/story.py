"""The scenes of airgap demo. Every scene runs a real command and stops the demo when it does not end as it must."""

import contextlib
import io
import os
import stat
from importlib.resources import files
from typing import Any

from airgap.cli.exits import Exit
from airgap.cli.terminal import emit, say
from airgap.core.errors import StoreError


class Story:
    """A connected host and an isolated one, as two folders."""

    def __init__(self, folder: str, *, is_json: bool) -> None:
        self._folder = folder
        self._is_json = is_json
        self._scenes: list[dict[str, Any]] = []
        self._connected = os.path.join(folder, "connected")
        self._stick = os.path.join(folder, "stick")
        self._isolated = os.path.join(folder, "isolated")
        for path in (self._connected, self._stick, self._isolated):
            os.makedirs(path)
        self._bundle = os.path.join(self._stick, "hello.airgap")
        self._store = os.path.join(self._isolated, "store")
        self._trust = os.path.join(self._connected, "trust.json")

    def make_keys(self) -> None:
        """Scene 1."""
        self._title("1. The connected host makes a key and a trust document")
        self._run("keygen", "alice", "-o", self._connected, "--no-passphrase")
        key, public = (os.path.join(self._connected, f"alice.{half}.pem") for half in ("key", "pub"))
        first = os.path.join(self._connected, "trust-1.json")
        self._run("trust", "init", "-o", first, "--signer", public, "--key", key)
        self._tell("who wrote greeting.txt signs with a key of his own; it is pinned once, for that file")
        pinned = ("--name", "greeter", "--from", os.path.join(samples(), "producer.pub"))
        self._run(
            *("trust", "anchor", "add", first, "-o", self._trust, *pinned),
            *("--artifacts", "pkg:generic/greeting.txt", "--key", key),
        )

    def export(self) -> None:
        """Scene 2."""
        self._title("2. It packs a folder into one signed bundle on a stick")
        key = os.path.join(self._connected, "alice.key.pem")
        source = os.path.join(samples(), "hello")
        self._run("export", source, "-o", self._bundle, "--key", key, "--trust", self._trust)

    def refuse_tampered(self) -> None:
        """Scene 3."""
        self._title("3. The isolated host pins the trust document. Somebody changed one byte on the way: refused")
        self._run("init", self._store, "--trust", self._trust, "--site", "plant-7")
        tampered = os.path.join(self._stick, "tampered.airgap")
        with open(self._bundle, "rb") as file:
            content = bytearray(file.read())
        content[-200] ^= 1
        with open(tampered, "wb") as file:
            file.write(content)
        self._run("import", tampered, "--store", self._store, expected=Exit.REJECTED)

    def import_(self) -> None:
        """Scene 4."""
        self._title("4. The bundle as it was signed: every entry is verified again, and imported")
        receipt = os.path.join(self._isolated, "receipt.json")
        self._run("import", self._bundle, "--store", self._store, "--receipt", receipt)
        self._run("check", "--store", self._store)
        self._run("trace", "pkg:generic/greeting.txt", "--store", self._store)

    def find_rot(self) -> None:
        """Scene 5."""
        self._title("5. A disk flips one bit of a stored object: found, quarantined, and healed from the bundle")
        _rot(os.path.join(self._store, "current", "files", "greeting.txt"))
        self._run("check", "--store", self._store, expected=Exit.DAMAGE)
        self._run("import", self._bundle, "--store", self._store)
        self._run("check", "--store", self._store)

    def read_receipt(self) -> None:
        """Scene 6."""
        self._title("6. The receipt goes back: signed by the site, it says what was verified and when")
        receipt = os.path.join(self._isolated, "receipt.json")
        self._run("receipt", "show", receipt, "--site-key", os.path.join(self._store, "site.pub.pem"))
        self._run("ledger", "verify", "--store", self._store)

    def end(self) -> None:
        """Say how it went."""
        if self._is_json:
            emit({"result": "done", "folder": self._folder, "scenes": self._scenes})
            return
        say()
        say("done: what was signed is what was imported, and what was changed was found")

    def _title(self, text: str) -> None:
        self._scenes.append({"title": text, "commands": []})
        if not self._is_json:
            say()
            say(f"== {text}")

    def _tell(self, text: str) -> None:
        if not self._is_json:
            say(f"   {text}")

    def _run(self, *arguments: str, expected: Exit = Exit.DONE) -> None:
        """Run a command as a person would, and show it with its answer."""
        from airgap.cli.app import run

        self._tell(f"$ airgap {' '.join(arg.replace(self._folder + os.sep, '') for arg in arguments)}")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = run(arguments)
        for line in printed.getvalue().splitlines():
            self._tell(f"  {line.replace(self._folder + os.sep, '')}")
        self._scenes[-1]["commands"].append({"command": list(arguments), "exit": int(code)})
        if code != expected:
            raise StoreError(f"demo: expected {arguments[0]} to end with {int(expected)}, got {int(code)}")


def samples() -> str:
    """The folder of samples: inside the package in a wheel, beside it in a checkout."""
    root = str(files("airgap"))
    for folder in (os.path.join(root, "samples"), os.path.join(os.path.dirname(root), "samples")):
        if os.path.isdir(folder):
            return folder
    raise StoreError("demo: expected the samples beside the program, got none")


def _rot(path: str) -> None:
    """Flip one bit in place and put the time back, as a failing disk would do."""
    status = os.stat(path)
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    os.chmod(path, stat.S_IMODE(status.st_mode))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
