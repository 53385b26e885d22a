"""The receipts that a store keeps of its imports."""

import os
from collections.abc import Iterator, Sequence

from airgap.core.errors import FormatError, StoreError, UsageError
from airgap.core.merkle import consistency_proof, leaf_hash, tree_hash
from airgap.core.receipt import MAX_EARLIER, Earlier, Receipt, read_receipt
from airgap.isolated.store.store import Store

_MAX_FILE = 1024 * 1024


def read_kept(store: Store, generation: int | None) -> Receipt:
    """One receipt of a store, verified; the latest when no generation is given.

    Raises:
        UsageError: the store keeps none, or none of that generation.
        StoreError: it cannot be read, or is not what the site signed.
    """
    numbers = _generations(store)
    if generation is None and not numbers:
        raise UsageError("receipt: expected one in the store, got none", hint="airgap import writes one")
    number = numbers[0] if generation is None else generation
    if number not in numbers:
        raise UsageError(f"--generation: expected one that has a receipt, got {number}")
    path = store.layout.receipt(number)
    try:
        return read_receipt(_read(path), store.public_key())
    except OSError as exc:
        raise StoreError(f"{path}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc
    except FormatError as exc:
        raise StoreError(f"{path}: {exc.message}") from exc


def prove_growth(store: Store, lines: Sequence[bytes]) -> list[Earlier]:
    """Proofs that a ledger only grew since the latest receipts that the store still has, latest first.

    Their lengths are taken from the receipts, their roots from the ledger as it stands: a ledger that was edited since
    contradicts the receipt that was carried away.

    Args:
        store: whose receipts.
        lines: all records of its ledger.
    """
    leaves = [leaf_hash(line) for line in lines]
    sizes: list[int] = []
    for receipt in _latest(store):
        size = receipt.ledger.size
        if 0 < size < len(leaves) and size not in sizes:
            sizes.append(size)
        if len(sizes) == MAX_EARLIER:
            break
    return [Earlier(size, tree_hash(leaves[:size]), tuple(consistency_proof(leaves, size))) for size in sizes]


def _latest(store: Store) -> Iterator[Receipt]:
    """Receipts from the latest on. What is damaged is passed over: it only proves less."""
    key = store.public_key()
    for number in _generations(store):
        try:
            yield read_receipt(_read(store.layout.receipt(number)), key)
        except (OSError, FormatError):
            continue


def _generations(store: Store) -> list[int]:
    """Generations that have a receipt, latest first."""
    names = os.listdir(os.path.dirname(store.layout.receipt(0)))
    stems = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return sorted((int(stem) for stem in stems if stem.isascii() and stem.isdecimal()), reverse=True)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_MAX_FILE)
