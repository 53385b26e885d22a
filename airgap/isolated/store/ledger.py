"""What happened to the store: append-only records, hashed into a tree, closed by signed checkpoints.

Source: RFC 6962 (tree), C2SP checkpoint; docs/store.md, "Ledger".
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from airgap.core import canonical
from airgap.core.checkpoint import Checkpoint
from airgap.core.errors import FormatError, StoreError
from airgap.core.keys import PrivateKey, PublicKey
from airgap.core.merkle import leaf_hash, tree_hash
from airgap.core.schema import validate
from airgap.core.times import format_time
from airgap.isolated.store.disk import Disk
from airgap.isolated.store.layout import Layout

KINDS: Final = ("init", "prepared", "committed", "rolled-back", "refusal", "recheck", "trust", "override")


@dataclass(frozen=True, slots=True)
class History:
    """All records of a ledger as they stand on disk, and what is wrong with them."""

    records: Sequence[dict[str, Any]]
    lines: Sequence[bytes]
    faults: Sequence[str]

    @property
    def root(self) -> bytes:
        """Root of the tree over all records."""
        return tree_hash([leaf_hash(line) for line in self.lines])


class Ledger:
    """The ledger of one store."""

    def __init__(self, layout: Layout, disk: Disk, site: str) -> None:
        self._layout = layout
        self._disk = disk
        self._site = site

    def append(self, kind: str, at: datetime, **details: Any) -> None:
        """Add one record, durable when the call returns."""
        record = {"kind": kind, "time": format_time(at), **details}
        validate("record", record, what="ledger record")
        self._disk.append(self._layout.log, canonical.encode(record) + b"\n")

    def close(self, key: PrivateKey) -> Checkpoint:
        """Sign a checkpoint over all records.

        Records that differ from what the last checkpoint covers are never signed again: it stays, as the proof of that.
        """
        lines = self._lines()[0]
        checkpoint = Checkpoint(self._site, len(lines), tree_hash([leaf_hash(line) for line in lines]))
        if not self._is_first(lines) and self._compare(lines, key.public):
            return checkpoint
        temporary = self._layout.checkpoint + ".new"
        if os.path.lexists(temporary):
            self._disk.unlink(temporary)
        self._disk.write_file(temporary, checkpoint.sign(key).encode())
        self._disk.rename(temporary, self._layout.checkpoint)
        self._disk.sync_folder(os.path.dirname(self._layout.checkpoint))
        return checkpoint

    def read(self, key: PublicKey) -> History:
        """All records, compared with the last checkpoint (T209, T218)."""
        lines, torn = self._lines()
        faults = ["the last record is cut"] if torn else []
        records = []
        for number, line in enumerate(lines):
            try:
                records.append(_parse(line))
            except FormatError as exc:
                faults.append(f"record {number}: {exc.message}")
        faults += self._compare(lines, key)
        return History(records, lines, faults)

    def trim(self) -> bool:
        """Remove a record that a crash cut short; whether there was one."""
        lines, torn = self._lines()
        if torn:
            self._disk.truncate(self._layout.log, sum(len(line) + 1 for line in lines))
        return torn

    def open_import(self) -> dict[str, Any] | None:
        """The last record when it says that an import was prepared and nothing says how it ended."""
        lines, _ = self._lines()
        for line in reversed(lines):
            try:
                record = _parse(line)
            except FormatError:
                continue  # broken history is what a check reports; it must not keep the check from running
            if record["kind"] == "prepared":
                return record
            if record["kind"] in {"committed", "rolled-back"}:
                return None
        return None

    def _is_first(self, lines: Sequence[bytes]) -> bool:
        return len(lines) == 1 and not os.path.lexists(self._layout.checkpoint)

    def _compare(self, lines: Sequence[bytes], key: PublicKey) -> list[str]:
        try:
            with open(self._layout.checkpoint, encoding="utf-8") as file:
                checkpoint = Checkpoint.parse(file.read(4096), key)
        except FormatError as exc:
            return [exc.message]
        except (OSError, UnicodeDecodeError):
            return ["the checkpoint is missing or unreadable"]
        if checkpoint.site != self._site:
            return [f"the checkpoint is of site {checkpoint.site}"]
        if len(lines) < checkpoint.size:
            return [f"{checkpoint.size - len(lines)} records are missing"]
        if tree_hash([leaf_hash(line) for line in lines[: checkpoint.size]]) != checkpoint.root:
            return ["records differ from what the checkpoint covers"]
        return []

    def _lines(self) -> tuple[list[bytes], bool]:
        """Whole lines, and whether a cut one follows them."""
        try:
            with open(self._layout.log, "rb") as file:
                *lines, rest = file.read().split(b"\n")
        except OSError as exc:
            raise StoreError(f"{self._layout.log}: expected the ledger, got {os.strerror(exc.errno or 0)}") from exc
        return lines, rest != b""


def _parse(line: bytes) -> dict[str, Any]:
    record: dict[str, Any] = canonical.decode(line, what="record")
    validate("record", record, what="record")
    return record
