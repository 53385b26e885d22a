"""The state that a site confirmed with its receipts: what a delta is cut against.

A site that rewrote its history, or was rolled back, is noticed here: whoever holds receipts is the witness.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from airgap.bundle.claims import read_claims
from airgap.connected.collected import Collected, FileSource
from airgap.connected.request import Request
from airgap.core.errors import FormatError, UsageError
from airgap.core.keys import PublicKey
from airgap.core.manifest import Manifest
from airgap.core.merkle import is_consistent
from airgap.core.reasons import Reason
from airgap.core.receipt import MAX_EARLIER, Receipt, read_receipt
from airgap.core.statement import Base
from airgap.core.wish import Wish

MAX_FILES: Final = 10_000
MAX_FILE: Final = 1024 * 1024
_CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Baseline:
    """A confirmed state, and what of an export is part of it.

    Attributes:
        receipt: of the bundle that the site confirmed.
        held: path to SHA-256 of the artifacts that need not travel.
    """

    receipt: Receipt
    held: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def base(self) -> Base:
        """What the statement of the delta says."""
        return Base(self.receipt.digest, self.receipt.sequence)

    def check_order(self, sequence: int, previous: bytes | None) -> None:
        """Prove that a bundle follows what was confirmed.

        Raises:
            UsageError: it has the number of a bundle that the site has already, or follows another one.
        """
        here = self.receipt
        if sequence <= here.sequence:
            raise UsageError(
                f"--after: expected the channel's last bundle, {here.channel} {here.sequence} or later, "
                f"got {here.channel} {sequence - 1}"
            )
        if sequence == here.sequence + 1 and previous != here.manifest:
            raise UsageError(
                f"--after: expected {_confirmed(here)}, got another bundle under number {here.sequence}",
                hint="two exports followed one bundle; go on from the one that the site imported",
            )


def cut(
    request: Request,
    artifacts: Sequence[Collected],
    receipts: Sequence[Receipt],
    *,
    base: Sequence[str],
    wish: Wish | None,
    progress: Callable[[int], None],
) -> Baseline:
    """The baseline of a delta.

    Args:
        request: whose channel is continued.
        artifacts: that were collected.
        receipts: of one site, verified.
        base: paths of the bundle that the latest of them confirms.
        wish: of the same site, verified; what it lost travels again.
        progress: told the bytes hashed.

    Raises:
        FormatError: with reason receipt-inconsistent: the site's history was rewritten or rolled back.
        UsageError: something else than the arguments say.
    """
    check_histories(receipts)
    if wish:
        check_wish(wish, receipts)
    receipt = confirmed(receipts, request)
    return Baseline(receipt, find_held(read_base(receipt, base), artifacts, wish, progress=progress))


def read_receipts(paths: Sequence[str], key: PublicKey) -> list[Receipt]:
    """The receipts in files and in folders of nothing but receipts; whole ones go before short forms of the same.

    Raises:
        UsageError: a file cannot be read, or they are of several sites.
        FormatError: the site's key did not sign one, or it is none.
    """
    known: dict[bytes, Receipt] = {}
    for file in (file for path in paths for file in _files(path)):
        try:
            receipt = read_receipt(_read(file), key)
        except FormatError as exc:
            raise FormatError(f"{file}: {exc.message}", reason=exc.reason, hint=exc.hint) from exc
        if receipt.digest not in known or known[receipt.digest].is_short:
            known[receipt.digest] = receipt
    sites = sorted({receipt.ledger.site for receipt in known.values()})
    if len(sites) != 1:
        raise UsageError(f"--since: expected receipts of one site, got {' and '.join(sites) or 'none'}")
    return list(known.values())


def check_histories(receipts: Iterable[Receipt]) -> None:
    """Prove that receipts of one site belong to one ledger that only ever grew (T209).

    Raises:
        FormatError: with reason receipt-inconsistent: it was rewritten or rolled back.
        UsageError: two of them cannot be compared.
    """
    proven: list[Receipt] = []
    for receipt in sorted(receipts, key=lambda r: (r.ledger.size, not r.is_short), reverse=True):
        if proven and not _is_part(receipt, proven):
            raise _unproven(receipt, proven)
        proven.append(receipt)


def confirmed(receipts: Sequence[Receipt], request: Request) -> Receipt:
    """The receipt of the latest bundle of the request's channel; of one that was imported twice the later receipt.

    Raises:
        UsageError: there is none, or the request is for another site.
    """
    own = [receipt for receipt in receipts if receipt.channel == request.channel]
    if not own:
        others = ", ".join(sorted({receipt.channel for receipt in receipts}))
        raise UsageError(f"--since: expected a receipt of channel {request.channel}, got {others}")
    latest = max(own, key=lambda r: (r.sequence, r.ledger.size))
    check_site(request, latest.ledger.site, what="--since")
    return latest


def check_site(request: Request, site: str, *, what: str) -> None:
    """Prove that a site's document belongs to a request for it, or for any site.

    Raises:
        UsageError: the request is for another site.
    """
    if request.destination not in {None, site}:
        raise UsageError(f"{what}: expected site {request.destination}, which the request is for, got {site}")


def read_base(receipt: Receipt, paths: Sequence[str]) -> Manifest:
    """The manifest of the bundle that a receipt confirms.

    Args:
        receipt: verified; its digest is all the proof that the manifest needs.
        paths: of the bundle.

    Raises:
        UsageError: it is another bundle.
        FormatError: it is none.
    """
    claims = read_claims(paths)
    if claims.statement.manifest != receipt.manifest:
        said = claims.statement
        raise UsageError(
            f"--base: expected {_confirmed(receipt)}, "
            f"got {said.channel} {said.sequence}, manifest {said.manifest.hex()[:16]}",
            hint=f"give the bundle that was imported as {receipt.channel} {receipt.sequence}: --base BUNDLE",
        )
    return claims.manifest()


def find_held(
    base: Manifest, artifacts: Iterable[Collected], wish: Wish | None, *, progress: Callable[[int], None]
) -> dict[str, bytes]:
    """Artifacts that the site has already: same path, size and SHA-256. Files that cannot be the same are not read.

    Args:
        base: of the confirmed bundle.
        artifacts: that would travel.
        wish: what it names as damaged travels again.
        progress: told the bytes hashed.

    Raises:
        UsageError: a file changed since it was found.
    """
    there = {artifact.path: artifact for artifact in base.artifacts}
    damaged = {one.sha256 for one in wish.damaged} if wish else set()
    held = {}
    for item in artifacts:
        known = there.get(item.source.path)
        if known is None or known.size != item.source.size or known.sha256 in damaged:
            continue
        if _digest(item.source, progress) == known.sha256:
            held[known.path] = known.sha256
    return held


def check_wish(wish: Wish, receipts: Iterable[Receipt]) -> None:
    """Prove that a wish comes from the site of the receipts, and from the same ledger where both are of one length.

    Raises:
        UsageError: it is of another site.
        FormatError: with reason receipt-inconsistent.
    """
    for receipt in receipts:
        if receipt.ledger.site != wish.site:
            raise UsageError(f"--answer: expected a wish of site {receipt.ledger.site}, got one of {wish.site}")
        if receipt.ledger.size == wish.ledger.size and receipt.ledger.root != wish.ledger.root:
            raise _inconsistent(receipt, "another root of the same length in the wish")


def _is_part(older: Receipt, proven: Iterable[Receipt]) -> bool:
    """Whether a receipt's ledger is the beginning of the one that the newer receipts prove.

    Raises:
        FormatError: one of them proves the opposite.
    """
    ledger = older.ledger
    for newer in proven:
        if newer.ledger.size == ledger.size:
            if newer.ledger.root != ledger.root:
                raise _inconsistent(older, f"another root of the same length in {_name(newer)}")
            return True
        for earlier in newer.earlier:
            if earlier.size != ledger.size:
                continue
            if earlier.root != ledger.root or not is_consistent(
                old_size=ledger.size,
                old_root=ledger.root,
                size=newer.ledger.size,
                root=newer.ledger.root,
                proof=earlier.proof,
            ):
                raise _inconsistent(older, f"a history without it in {_name(newer)}")
            return True
    return False


def _unproven(older: Receipt, proven: Sequence[Receipt]) -> FormatError | UsageError:
    """Why two receipts cannot stand together: the ledger shrank, or nothing shows how it grew."""
    newer = proven[-1]
    if older.at and newer.at and older.at > newer.at:
        return _inconsistent(older, f"a ledger that was {newer.ledger.size} records long before, in {_name(newer)}")
    if all(receipt.is_short for receipt in proven):
        return UsageError(
            f"--since: expected one receipt when the latest is in its short form, which proves no growth, "
            f"got {_name(older)} too",
            hint="give the short form alone, or the whole latest receipt",
        )
    return UsageError(
        f"--since: expected a proof that the ledger grew from the {older.ledger.size} records of {_name(older)} "
        f"to the {newer.ledger.size} of {_name(newer)}, got none",
        hint=f"a receipt proves growth since the {MAX_EARLIER} before it: give those in between, or leave out the oldest",
    )


def _inconsistent(receipt: Receipt, got: str) -> FormatError:
    ledger = receipt.ledger
    return FormatError(
        f"ledger of site {ledger.site}: expected {ledger.size} records with root {ledger.root.hex()[:16]}, "
        f"as {_name(receipt)} says, got {got}",
        reason=Reason.RECEIPT_INCONSISTENT,
    )


def _name(receipt: Receipt) -> str:
    return f"the receipt of {receipt.channel} {receipt.sequence} ({receipt.digest.hex()[:16]})"


def _confirmed(receipt: Receipt) -> str:
    return f"the bundle {receipt.channel} {receipt.sequence}, manifest {receipt.manifest.hex()[:16]}, as the receipt says"


def _files(path: str) -> list[str]:
    """A file itself, or all files of a folder."""
    if not os.path.isdir(path):
        return [path]
    names = sorted(name for name in os.listdir(path) if not name.startswith("."))
    if len(names) > MAX_FILES:
        raise UsageError(f"{path}: expected at most {MAX_FILES} receipts, got {len(names)}")
    return [os.path.join(path, name) for name in names]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_FILE + 1)
    except OSError as exc:
        raise UsageError(f"{path}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc
    if len(raw) > MAX_FILE:
        raise UsageError(f"{path}: expected a receipt, got more than {MAX_FILE} bytes")
    return raw


def _digest(source: FileSource, progress: Callable[[int], None]) -> bytes:
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))

    def take(part: memoryview) -> None:
        hasher.update(part)
        progress(len(part))

    source.read(lambda: buffer, take)
    return hasher.digest()
