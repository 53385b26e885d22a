"""A site's store, imports into it, and proof that a refusal left it alone."""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from airgap.bundle.argument import Examined, examine
from airgap.bundle.rules import Asker
from airgap.core.policy import PRESETS, Policy
from airgap.core.trust import open_trust
from airgap.core.verdict import Finding, Standing, Verdict
from airgap.evidence.prove import Prover
from airgap.isolated.intake import Order, Outcome, take_in
from airgap.isolated.setup import set_up
from airgap.isolated.store.store import Store
from tests.forge.text import NOW
from tests.forge.trust import trust_file

SITE = "plant-7"


def make_store(
    root: str | os.PathLike[str], *, trust: bytes | None = None, policy: str = PRESETS["standard"], at: datetime = NOW
) -> Store:
    """An empty store of the site plant-7."""
    return set_up(os.fspath(root), trust=trust or trust_file(), policy=policy, site=SITE, at=at, entropy=bytes(range(64)))


def take(store: Store, *paths: str, at: datetime = NOW, **order: Any) -> Outcome:
    """Import a bundle; ``order`` holds further members of ``Order``."""
    return take_in(store, paths, Order(at=at, run_id="run", version="1", **order), progress=lambda _: None)


def asker(*, trust: bytes | None = None, policy: str = PRESETS["standard"], at: datetime = NOW, **more: Any) -> Asker:
    """Somebody who verifies without a store."""
    return Asker(
        trust=open_trust(trust or trust_file()), policy=Policy.parse(policy), at=at, **{"evidence": Prover, **more}
    )


def look_at(*paths: str, **asked: Any) -> Examined:
    """Verify a bundle without a store; ``asked`` as for ``asker``."""
    return examine(paths, asker(**asked))


def fault(verdict: Verdict) -> Finding:
    """The finding that a rejection stands on: the first that speaks against the bundle."""
    assert verdict.standing is Standing.REJECTED, verdict
    found = next(finding for finding in verdict.findings if finding.reason is not None)
    assert found.reason is verdict.reason
    return found


def refused(store: Store, *paths: str, at: datetime = NOW, **order: Any) -> Finding:
    """Import a bundle that must be refused, and prove that nothing but one ledger record is new.

    Returns:
        The finding that the refusal stands on.
    """
    before, records = tree(store.layout.root), ledger(store)
    found = fault(take(store, *paths, at=at, **order).verdict)
    after = ledger(store)
    assert after[:-1] == records
    assert (after[-1]["kind"], after[-1]["reason"]) == ("refusal", found.reason)
    assert tree(store.layout.root) == before
    return found


def ledger(store: Store) -> list[Any]:
    """All records of a store's ledger."""
    with open(store.layout.log, "rb") as file:
        return [json.loads(line) for line in file]


def tree(root: str, *, leave_out: Iterable[str] = ("ledger",)) -> dict[str, tuple[int, str]]:
    """Every name below a folder with its mode and a digest of its content or target; the ledger has a look of its own."""
    found: dict[str, tuple[int, str]] = {}
    for folder, folders, names in os.walk(root):
        if folder == root:
            folders[:] = [name for name in folders if name not in leave_out]
        for name in folders + names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = (os.lstat(path).st_mode, _content(path))
    return found


def _content(path: str) -> str:
    if os.path.islink(path):
        return os.readlink(path)
    if os.path.isdir(path):
        return ""
    with open(path, "rb") as file:
        return sha256(file.read()).hexdigest()
