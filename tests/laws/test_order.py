import os
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.connected.collected import Collected, FileSource
from airgap.connected.seal import Plan, seal
from airgap.core import canonical
from airgap.core.entries import Loss, Role
from airgap.core.envelope import Envelope
from airgap.core.keys import PrivateKey
from airgap.core.statement import Container
from tests.forge.keys import ALICE, BOB, ROOT, key
from tests.forge.text import NOW, STATEMENT
from tests.laws.values import names

KEYS = [ALICE, BOB, ROOT, key("fourth")]


def source(folder: Path, path: str) -> FileSource:
    file = folder / path.replace("/", "_")
    file.write_bytes(path.encode() * 100)
    status = os.stat(file)
    return FileSource(path, str(file), status.st_size, status.st_mtime_ns)


def test_the_order_in_which_files_are_found_changes_no_byte_of_a_bundle(tmp_path: Path) -> None:
    proofs = [(source(tmp_path, f"documents/files/{name}.sig"), Role.SIGNATURE, "text/plain") for name in ("b", "a")]
    found = [
        Collected(source(tmp_path, "artifacts/files/a"), "pkg:generic/a", tuple(proofs)),
        Collected(source(tmp_path, "artifacts/files/B"), "pkg:generic/B"),
        Collected(source(tmp_path, "artifacts/npm/é"), "pkg:npm/e@1", (proofs[0],)),
    ]
    losses = [Loss("pkg:npm/x@1", "unresolved", ""), Loss("pkg:npm/a@1", "unresolved", "")]
    bundles = []
    for number, order in enumerate(permutations(found)):
        plan = Plan(
            artifacts=order,
            losses=losses[:: 1 if number % 2 else -1],
            channel="main",
            sequence=1,
            previous=None,
            created=NOW,
            expires=NOW + timedelta(days=90),
            destination=None,
            keys=[ALICE, BOB][:: 1 if number % 2 else -1],
            version="0.1.0",
            container=Container.ARCHIVE,
        )
        seal(plan, str(tmp_path / f"{number}.airgap"), progress=lambda _: None)
        bundles.append((tmp_path / f"{number}.airgap").read_bytes())

    assert len(bundles) == 6
    assert len(set(bundles)) == 1


@given(order=st.permutations(KEYS), cut=st.integers(0, 4))
def test_the_order_in_which_keys_sign_changes_no_byte_of_an_envelope(order: list[PrivateKey], cut: int) -> None:
    sealed = Envelope(STATEMENT, b"payload", ()).with_signatures(order[:cut]).with_signatures(order[cut:])

    assert sealed.encode() == Envelope(STATEMENT, b"payload", ()).with_signatures(KEYS).encode()


@pytest.mark.parametrize("depth", [1, 2])
@given(members=st.dictionaries(names.filter(str.isascii), st.integers(0, 9), max_size=5), data=st.data())
def test_the_order_of_members_changes_no_byte_of_json(depth: int, members: dict[str, int], data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(members.items()))))
    one, other = (members, shuffled) if depth == 1 else ({"inner": members}, {"inner": shuffled})

    assert canonical.encode(one) == canonical.encode(other)
