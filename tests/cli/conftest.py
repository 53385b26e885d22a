"""The command line in this process, at one instant, with keys that are the same in every run."""

import itertools
import json
from collections.abc import Callable
from datetime import datetime
from hashlib import sha512
from typing import Any, NamedTuple

import pytest

from airgap.cli import guard, inputs
from airgap.cli.app import run
from tests.isolated.scene import Scene, trust_of


class Ended(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


Airgap = Callable[..., Ended]


@pytest.fixture
def airgap(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, now: datetime) -> Airgap:
    """Runs one command."""
    for name in ("AIRGAP_STORE", "AIRGAP_KEY", "AIRGAP_PASSPHRASE_FILE", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    count = itertools.count()
    monkeypatch.setattr(inputs, "now", lambda: now)
    monkeypatch.setattr(inputs, "entropy", lambda: sha512(str(next(count)).encode()).digest())
    monkeypatch.setattr(guard, "without_network", lambda: ("audit-hook",))  # a hook would stay for all other tests

    def command(*arguments: object) -> Ended:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return command


@pytest.fixture
def scene(tmp_path: object) -> Scene:
    """A folder with a store of site plant-7 that believes alice."""
    scene = Scene(str(tmp_path), trust=trust_of("alice", "bob"))
    scene.set_up()
    return scene
