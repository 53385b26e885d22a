"""The forge itself: what it makes without a change is accepted, in both containers."""

from pathlib import Path

import pytest

from airgap.core.verdict import Standing
from tests.forge.build import bundle
from tests.forge.keys import hybrid
from tests.forge.site import look_at, make_store, take
from tests.forge.trust import SIGNERS, document, trust_file


def test_a_forged_archive_is_accepted_and_admitted(tmp_path: Path) -> None:
    made = bundle()
    outcome = take(make_store(tmp_path / "store"), made.write(tmp_path / "x.airgap"))

    assert outcome.verdict.standing is Standing.ACCEPTED
    assert (tmp_path / "store/current/files/a.txt").read_bytes() == made.entries["artifacts/files/a.txt"]
    assert (tmp_path / "store/current/files/a.txt.sig").exists()


def test_a_forged_directory_is_accepted(tmp_path: Path) -> None:
    made = bundle(predicate={"container": "directory"})

    assert look_at(made.write_directory(tmp_path / "x")).verdict.standing is Standing.ACCEPTED


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 65536, 400_000])
def test_a_forged_archive_of_any_size_is_accepted(tmp_path: Path, size: int) -> None:
    made = bundle({"artifacts/files/x": bytes(n * n % 251 for n in range(size))})

    assert look_at(made.write(tmp_path / "x.airgap")).verdict.standing is Standing.ACCEPTED


def test_a_hybrid_signer_signs_with_both_keys(tmp_path: Path) -> None:
    keys = hybrid("alice")
    trust = trust_file(document(signers={**SIGNERS, "alice": keys}))

    assert look_at(bundle(keys=keys).write(tmp_path / "x"), trust=trust).verdict.standing is Standing.ACCEPTED
