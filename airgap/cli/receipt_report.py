"""What commands print about what a site signed: receipts and requests."""

from typing import TYPE_CHECKING

from airgap.cli.terminal import emit, say
from airgap.core.display import amount, plural
from airgap.core.times import format_time

if TYPE_CHECKING:
    from airgap.core.receipt import Receipt
    from airgap.core.wish import Wish


def receipt(found: "Receipt", short: str, *, is_drawn: bool, is_json: bool) -> None:
    """A receipt that was verified; only its short form when that was asked for."""
    if is_json:
        emit(
            {
                "form": "short" if found.is_short else "whole",
                "digest": found.digest.hex(),
                "site": found.ledger.site,
                "channel": found.channel,
                "sequence": found.sequence,
                "manifest": found.manifest.hex(),
                "generation": found.generation,
                "time": found.at and format_time(found.at),
                "ledger": {"size": found.ledger.size, "root": found.ledger.root.hex()},
                "grewFrom": [one.size for one in found.earlier],
                "short": short or None,
            }
        )
    elif is_drawn:
        from airgap.cli.qr import qr_text

        for line in qr_text(short).splitlines():
            say(line)
    elif short:
        say(short)
    else:
        _tell(found)


def wish(found: "Wish", path: str, result: str, *, is_json: bool) -> None:
    """A request that was written or verified."""
    if is_json:
        emit({"result": result, "path": path, "wish": found.value()})
        return
    say(f"request of site {found.site}, {format_time(found.at)}, {result}: {path}")
    for name, last in sorted(found.channels.items()):
        say(f"  has {name} {last.sequence}, manifest {last.manifest.hex()[:16]}")
    for lost in found.damaged:
        say(f"  lost {lost.purl or lost.path}: {amount(lost.size)}, sha256 {lost.sha256.hex()[:16]}")
    for purl in found.needed:
        say(f"  needs {purl}")
    say(f"  ledger {plural(found.ledger.size, 'record')}, root {found.ledger.root.hex()}")


def _tell(found: "Receipt") -> None:
    ledger = found.ledger
    when = f", {format_time(found.at)}" if found.at else ""
    say(f"receipt {found.digest.hex()} of site {ledger.site}: signed by its key")
    say(f"  imported {found.channel} {found.sequence}{when}, manifest {found.manifest.hex()}")
    if found.generation is not None:
        say(f"  as generation {found.generation}")
    say(f"  ledger {plural(ledger.size, 'record')}, root {ledger.root.hex()}")
    if found.earlier:
        say(f"  which grew from {', '.join(str(one.size) for one in found.earlier)}")
