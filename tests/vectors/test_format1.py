"""Bundles of format 1, frozen: every later version gives them the verdict that was given when they were made."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from airgap.bundle.argument import Examined, examine
from airgap.bundle.rules import Asker
from airgap.cli.reports import verdict_value
from airgap.core.policy import PRESETS, Policy
from airgap.core.reasons import Reason
from airgap.core.schema import validate
from airgap.core.trust import open_trust
from airgap.evidence.prove import Prover

FOLDER = os.path.join(os.path.dirname(__file__), "format1")
AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
FROZEN = "6a840255242960365325a071b7724f0d930793e19b85ad94cc8194d6a4a73f5b"


def read(name: str) -> bytes:
    with open(os.path.join(FOLDER, name), "rb") as file:
        return file.read()


def verify(path: str, at: datetime = AT) -> Examined:
    trust, policy = open_trust(read("trust.json")), Policy.parse(PRESETS["standard"])
    return examine([path], Asker(trust=trust, policy=policy, at=at, evidence=Prover))


def test_the_frozen_files_are_the_ones_that_were_frozen() -> None:
    names = sorted(
        os.path.relpath(os.path.join(folder, name), FOLDER)
        for folder, _, names in os.walk(FOLDER)
        for name in names
        if not name.startswith(".")
    )
    lines = "".join(f"{sha256(read(name)).hexdigest()}  {name}\n" for name in names)
    assert sha256(lines.encode()).hexdigest() == FROZEN


@pytest.mark.parametrize("container", ["archive", "directory"])
def test_a_bundle_of_format_1_gets_the_verdict_that_it_got_first(container: str) -> None:
    examined = verify(os.path.join(FOLDER, f"{container}.airgap"))
    value = verdict_value(examined.verdict, examined, seconds=0, sandbox=())

    validate("verdict", value, what="verdict")
    first = json.loads(read(f"{container}.json"))
    for member in ("result", "reason", "bundle", "counts"):
        assert value[member] == first[member], member
    assert steps(json.loads(json.dumps(value))) == steps(first)


def steps(value: Any) -> list[Any]:
    """The findings of the format's own steps; what evidence proves is for each version's verifiers and anchors to say."""
    return [
        {name: said for name, said in finding.items() if name != "proof"}
        for finding in value["findings"]
        if finding["check"] != "evidence"
    ]


def flip(at: int) -> Callable[[str], None]:
    """One bit of the archive, counted from the end when negative."""

    def change(path: str) -> None:
        raw = bytearray(read("archive.airgap"))
        raw[at] ^= 1
        with open(path, "wb") as file:
            file.write(raw)

    return change


def cut(path: str) -> None:
    """The archive without its last byte."""
    with open(path, "wb") as file:
        file.write(read("archive.airgap")[:-1])


def directory(change: Callable[[str], Any]) -> Callable[[str], None]:
    """The directory with one change."""

    def copy(path: str) -> None:
        shutil.copytree(os.path.join(FOLDER, "directory.airgap"), path)
        change(path)

    return copy


def add_file(path: str) -> None:
    with open(f"{path}/artifacts/files/extra", "wb"):
        pass


def change_line(path: str) -> None:
    with open(f"{path}/artifacts/files/docs/readme.txt", "r+b") as file:
        file.write(b"Carried")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (flip(0), Reason.NOT_A_BUNDLE),
        (flip(15), Reason.UNSUPPORTED_VERSION),
        (flip(read("archive.airgap").index(b'"frameSize"') + 3), Reason.MANIFEST_MISMATCH),
        (flip(read("archive.airgap").index(b'"sig":"') + 20), Reason.BAD_SIGNATURE),
        (flip(-100), Reason.FRAME_DAMAGED),
        (cut, Reason.WRONG_SIZE),
        (directory(add_file), Reason.UNDECLARED_FILE),
        (directory(change_line), Reason.CONTENT_MISMATCH),
        (directory(lambda path: os.unlink(f"{path}/artifacts/files/empty")), Reason.UNREADABLE),
    ],
)
def test_a_damaged_bundle_of_format_1_is_rejected_for_its_damage(
    damage: Callable[[str], None], reason: Reason, tmp_path: object
) -> None:
    path = f"{tmp_path}/damaged.airgap"
    damage(path)
    assert verify(path).verdict.reason is reason
