"""Where everything lies in a store. Source: docs/store.md."""

import os
from dataclasses import dataclass
from typing import Final

FORMAT: Final = 1
MARK: Final = "store.json"
FOLDERS: Final = (
    "objects",
    "objects/sha256",
    "manifests",
    "trust",
    "receipts",
    "ledger",
    "generations",
    "staging",
    "quarantine",
)
FAN_OUT: Final = tuple(f"{byte:02x}" for byte in range(256))


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below a store's root."""

    root: str

    def _at(self, *parts: str) -> str:
        return os.path.join(self.root, *parts)

    @property
    def mark(self) -> str:
        """What says that this is a store, and of which site."""
        return self._at(MARK)

    @property
    def policy(self) -> str:
        """The site's policy."""
        return self._at("policy.toml")

    @property
    def private_key(self) -> str:
        """The site's key: it signs checkpoints and receipts."""
        return self._at("site.key.pem")

    @property
    def public_key(self) -> str:
        """Its public half."""
        return self._at("site.pub.pem")

    @property
    def lock(self) -> str:
        """What importers lock."""
        return self._at("lock")

    @property
    def index(self) -> str:
        """The SQLite index: may be deleted at any time."""
        return self._at("index.sqlite")

    @property
    def current(self) -> str:
        """The only mutable pointer."""
        return self._at("current")

    @property
    def staging(self) -> str:
        """Private to running imports."""
        return self._at("staging")

    @property
    def quarantine(self) -> str:
        """Damaged objects."""
        return self._at("quarantine")

    @property
    def manifests(self) -> str:
        """The heads of admitted bundles."""
        return self._at("manifests")

    @property
    def trusts(self) -> str:
        """The versions of the trust document that were in force here."""
        return self._at("trust")

    @property
    def objects(self) -> str:
        """The folder above the fan-out."""
        return self._at("objects", "sha256")

    @property
    def log(self) -> str:
        """The ledger's records, one canonical JSON text a line."""
        return self._at("ledger", "log.jsonl")

    @property
    def checkpoint(self) -> str:
        """The last signed checkpoint."""
        return self._at("ledger", "checkpoint")

    @property
    def generations(self) -> str:
        """The folder of all generations."""
        return self._at("generations")

    def generation(self, number: int) -> str:
        """One generation."""
        return self._at("generations", str(number))

    def object(self, digest: bytes) -> str:
        """One object."""
        name = digest.hex()
        return f"{self.root}/objects/sha256/{name[:2]}/{name}"

    def head(self, manifest: bytes) -> str:
        """The head of an admitted bundle, byte for byte as it was received."""
        return self._at("manifests", manifest.hex() + ".head")

    def trust(self, version: int) -> str:
        """One version of the trust document."""
        return self._at("trust", f"{version}.json")

    def receipt(self, generation: int) -> str:
        """The receipt of the import that made a generation."""
        return self._at("receipts", f"{generation}.json")
