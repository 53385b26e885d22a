"""Transparency logs (Rekor): that a log promised an entry, and that the entry is in its tree.

An entry proves nothing by itself: anybody may log anything. ``log_entries`` holds it to the signature at hand (T133).

Source: Rekor, "Signed Entry Timestamp" (canonical JSON of body, integratedTime, logID and logIndex); RFC 9162, 2.1.3;
C2SP signed-note and tlog-checkpoint.
"""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from airgap.core import canonical
from airgap.core.errors import FormatError
from airgap.core.merkle import leaf_hash, path_root
from airgap.evidence.bundles.bundle import Entry, Inclusion
from airgap.evidence.bundles.trusted_root import Log
from airgap.evidence.pubkey import strict_base64

MAX_NOTE: Final = 16 * 1024
MAX_NOTE_SIGNATURES: Final = 32
_DASH: Final = "\u2014 "


def check_entry(entry: Entry, logs: Sequence[Log]) -> Log:
    """The pinned log that vouches for an entry, by its promise, its tree, or both; whatever is there has to hold.

    Raises:
        FormatError: no pinned log, a promise or a proof that does not hold, or neither of them.
    """
    log = next((log for log in logs if log.log_id == entry.log_id), None)
    if log is None:
        raise FormatError(f"log entry: expected a log of the trusted root, got log {entry.log_id.hex()[:64]}")
    if entry.promise:
        check_promise(entry, log)
    if entry.proof is not None:
        check_inclusion(entry, entry.proof, log)
    if not entry.promise and (entry.proof is None or not entry.proof.checkpoint):
        raise FormatError("log entry: expected a promise or a checkpoint, got neither")
    return log


def promised_time(entry: Entry) -> datetime | None:
    """When the log says that it took an entry in; only a promise signs that."""
    if not entry.promise or not entry.time:
        return None
    try:
        return datetime.fromtimestamp(entry.time, UTC)
    except (ValueError, OverflowError, OSError) as exc:
        raise FormatError(f"log entry: expected a time in seconds, got {entry.time}") from exc


def check_promise(entry: Entry, log: Log) -> None:
    """Hold a promise to the log's key.

    Raises:
        FormatError: it does not hold.
    """
    promised = canonical.encode({
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.time,
        "logID": entry.log_id.hex(),
        "logIndex": entry.index,
    })  # fmt: skip
    if not log.key.is_signed(promised, entry.promise):
        raise FormatError(f"log entry: expected a promise signed by {log.url!a:.80}, got one that does not hold")


def check_inclusion(entry: Entry, proof: Inclusion, log: Log) -> None:
    """Hold an inclusion proof to the tree that the log's checkpoint signs.

    A proof without a checkpoint, as bundles 0.1 have them, has to lead to its own root and says nothing beyond that.

    Raises:
        FormatError: it does not lead there, or the checkpoint does not hold.
    """
    root = path_root(leaf_hash(entry.body), proof.hashes, index=proof.index, size=proof.size)
    if root is None or root != proof.root:
        raise FormatError("log entry: expected a path to the root of the log's tree, got one that leads elsewhere")
    if not proof.checkpoint:
        return
    size, signed_root = open_checkpoint(proof.checkpoint, log)
    if (size, signed_root) != (proof.size, proof.root):
        raise FormatError("log entry: expected the tree of the log's checkpoint, got another one")


def open_checkpoint(note: str, log: Log) -> tuple[int, bytes]:
    """Size and root of a tree, out of a note that the log signed. Signatures by others, such as witnesses, do not count.

    Raises:
        FormatError: malformed, or not signed by the log.
    """
    body, blank, block = note.partition("\n\n")
    text, lines, signatures = f"{body}\n".encode(), body.split("\n"), block.split("\n")
    if len(note) > MAX_NOTE or not blank or signatures.pop() != "" or len(signatures) > MAX_NOTE_SIGNATURES:
        raise FormatError("checkpoint: expected a signed note, got other text")
    # all are read before one is believed: a note is well formed or it is none
    read = [_note_signature(line) for line in signatures]
    # Rekor writes "name - number of its tree" for the origin, its second generation the name alone
    by_log = [raw for name, raw in read if raw[:4] == log.log_id[:4] and name == lines[0].partition(" - ")[0]]
    if not any(log.key.is_signed(text, raw[4:]) for raw in by_log):
        raise FormatError(f"checkpoint: expected a signature by {log.url!a:.80}, got none that holds")
    if len(lines) < 3 or not lines[1].isdecimal() or not lines[1].isascii() or len(lines[1]) > 20:
        raise FormatError("checkpoint: expected origin, size and root, got other lines")
    return int(lines[1]), strict_base64(lines[2], what="checkpoint")


def _note_signature(line: str) -> tuple[str, bytes]:
    """A name; four bytes that hint at the key, then the signature."""
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    signature = strict_base64(encoded, what="checkpoint")
    if not line.startswith(_DASH) or not name or len(signature) <= 4:
        raise FormatError("checkpoint: expected lines of a name and a signature, got another line")
    return name, signature
