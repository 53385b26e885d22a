"""Both sides of a gap: exports that are cut against what the site confirmed, imports that confirm."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airgap.connected.baseline import cut, read_receipts
from airgap.connected.gather import Gathered, gather
from airgap.connected.request import Request
from airgap.connected.seal import Sealed
from airgap.core.keys import PublicKey
from airgap.core.verdict import Standing
from airgap.core.wish import Wish
from airgap.isolated.intake import Outcome
from airgap.isolated.wishes import make_wish
from tests.connected.exporting import exported, plant, request
from tests.forge.site import make_store, take
from tests.forge.text import NOW


class Gap:
    """A folder that changes, bundles of it, a store, and the receipts that came back."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "in"
        self.store = make_store(root / "store")
        self.receipts: list[str] = []

    @property
    def key(self) -> PublicKey:
        """The site's."""
        return self.store.public_key()

    def export(
        self,
        files: Mapping[str, bytes],
        *,
        after: Sealed | None = None,
        since: Sequence[str] = (),
        base: Sealed | None = None,
        wish: Wish | None = None,
        **options: Any,
    ) -> Sealed:
        """A bundle of all that is in the folder, these files added or changed."""
        wanted = request(plant(self.folder, files))
        number = after.statement.sequence + 1 if after else 1
        if since:
            assert after is not None
            options["baseline"] = self.cut(wanted, gather(wanted), since, base or after, wish)
        out = self.root / f"{len(list(self.root.glob('*.airgap')))}-{number}.airgap"
        return exported(wanted, out, after=after.paths if after else (), **options)

    def cut(self, wanted: Request, gathered: Gathered, since: Sequence[str], base: Sealed, wish: Wish | None = None) -> Any:
        """The baseline that these receipts give."""
        receipts = read_receipts(since, self.key)
        return cut(wanted, gathered.artifacts, receipts, base=base.paths, wish=wish, progress=lambda _: None)

    def take(self, sealed: Sealed, **order: Any) -> Outcome:
        """An import, whatever comes of it."""
        return take(self.store, *sealed.paths, **order)

    def confirm(self, sealed: Sealed, **order: Any) -> str:
        """An import that is accepted; returns the path of its receipt."""
        outcome = self.take(sealed, **order)
        assert outcome.verdict.standing is Standing.ACCEPTED, outcome.verdict
        assert outcome.receipt is not None
        path = self.root / f"receipt-{len(self.receipts)}.json"
        path.write_bytes(outcome.receipt.encode() + b"\n")
        self.receipts.append(str(path))
        return str(path)

    def wish(self, *needed: str) -> Wish:
        """What the site asks for."""
        return make_wish(self.store, needed, NOW)

    def shown(self) -> dict[str, bytes]:
        """The files of the view."""
        view = Path(self.store.layout.current) / "files"
        return {str(path.relative_to(view)): path.read_bytes() for path in view.rglob("*") if path.is_file()}


def carried(sealed: Sealed) -> list[str]:
    """Paths in the view of the artifacts whose bytes travel."""
    return [a.path.removeprefix("artifacts/files/") for a in sealed.manifest.artifacts if a.stored]


def left_out(sealed: Sealed) -> list[str]:
    """Paths in the view of the artifacts that stay behind."""
    return [a.path.removeprefix("artifacts/files/") for a in sealed.manifest.artifacts if not a.stored]
