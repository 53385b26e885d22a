"""What every attack gets: one store that no attack may change, and the act of importing into it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from airgap.core.verdict import Finding
from airgap.isolated.store.store import Store
from tests.forge.build import Bundle
from tests.forge.caps import within
from tests.forge.site import make_store, refused

Refuse = Callable[..., Finding]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An empty store with the policy standard. Every test leaves it as it was, but for the ledger."""
    return make_store(tmp_path_factory.mktemp("site") / "store")


@pytest.fixture
def refuse(site: Store, tmp_path: Path) -> Refuse:
    """Import a bundle that has to be refused, quickly, with nothing changed but one ledger record."""

    def act(made: Bundle | bytes, **order: object) -> Finding:
        path = tmp_path / "x.airgap"
        path.write_bytes(made if isinstance(made, bytes) else made.raw)
        with within(seconds=10):
            return refused(site, str(path), **order)  # type: ignore[arg-type]  # members of Order

    return act
