"""What an export prints: what would travel, and what was sealed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airgap.cli import reports
from airgap.cli.terminal import emit, say, warn
from airgap.core.display import amount, plural
from airgap.core.errors import UsageError
from airgap.core.statement import Container
from airgap.core.times import format_time

if TYPE_CHECKING:
    from airgap.connected.gather import Gathered, Survey
    from airgap.connected.seal import Sealed
    from airgap.core.wish import Wish


def container(text: str) -> Container:
    """The container that an option names."""
    if text not in set(Container):
        raise UsageError(f"--container: expected archive or directory, got {text!a:.40}")
    return Container(text)


def volume_size(text: str | None) -> int | None:
    """The volume size that an option names, in bytes."""
    from airgap.bundle.output import parse_volume_size

    return None if text is None else parse_volume_size(text)


def plan(gathered: "Gathered", held: Mapping[str, bytes], *, is_json: bool) -> None:
    """What an export would carry; ``held`` is what the destination has already, by path."""
    travelling = [item for item in gathered.artifacts if item.source.path not in held]
    left_out = gathered.size_of(held)
    content = gathered.content - left_out
    artifacts = [
        {"path": item.source.path, "purl": item.purl, "size": item.source.size, "evidence": len(item.evidence)}
        for item in travelling
    ]
    losses = [loss.value() for loss in gathered.losses]
    if is_json:
        counts = {"artifacts": len(artifacts), "bytes": content, "leftOut": len(held), "leftOutBytes": left_out}
        emit({"result": "planned", "artifacts": artifacts, "losses": losses, "counts": counts})
        return
    for item in travelling:
        say(f"{amount(item.source.size):>10}  {item.source.path}")
    reports.print_losses(gathered.losses)
    _left_out(len(held), left_out)
    say(f"{plural(len(artifacts), 'artifact')}, {amount(content)} would travel; nothing was written")


def survey(found: "Survey", *, is_json: bool) -> None:
    """What an export would carry, as far as indexes tell without a download."""
    sizes = [item.size for item in found.planned if item.size is not None]
    content, unknown = sum(sizes), len(found.planned) - len(sizes)
    if is_json:
        artifacts = [{"path": item.path, "purl": item.purl, "size": item.size, "evidence": None} for item in found.planned]
        counts = {"artifacts": len(artifacts), "bytes": content, "leftOut": 0, "leftOutBytes": 0}
        losses = [loss.value() for loss in found.losses]
        emit({"result": "planned", "artifacts": artifacts, "losses": losses, "counts": counts})
        return
    for item in found.planned:
        size = amount(item.size) if item.size is not None else "?"
        say(f"{size:>10}  {item.path}")
    reports.print_losses(found.losses)
    more = f" and {plural(unknown, 'file')} of unknown size" if unknown else ""
    say(f"{plural(len(found.planned), 'artifact')}, {amount(content)}{more} would travel; nothing was written")


def sealed(done: "Sealed", wish: "Wish | None", *, is_json: bool) -> None:
    """What an export wrote, and what of a site's request it leaves open."""
    statement = done.statement
    manifest = done.manifest
    held = [artifact.size for artifact in manifest.artifacts if not artifact.stored]
    lost, needed = wish.unanswered(manifest.artifacts, manifest.documents) if wish else ([], [])
    if is_json:
        losses = [loss.value() for loss in done.manifest.losses]
        emit(
            {
                "result": "sealed",
                "findings": [finding.value() for finding in done.findings],
                "paths": list(done.paths),
                "bundle": reports.bundle(statement),
                "losses": losses,
                "counts": {"leftOut": len(held), "leftOutBytes": sum(held)},
                "unanswered": {"damaged": [one.value() for one in lost], "needed": list(needed)},
            }
        )
        return
    for name in (*(one.purl or one.path for one in lost), *needed):
        warn(f"warning: the request asks for {name}, and this bundle does not bring it")
    reports.print_losses(done.manifest.losses)
    reports.findings(done.findings)
    if len(done.paths) == 1:
        say(f"sealed {done.paths[0]}")
    else:
        say(f"sealed {len(done.paths)} volumes, {done.paths[0]} to {done.paths[-1]}")
    say(f"  {plural(statement.artifacts, 'artifact')}, {amount(statement.content)} in {amount(statement.size)}")
    _left_out(len(held), sum(held))
    say(f"  channel {statement.channel}, sequence {statement.sequence}, expires {format_time(statement.expires)}")
    say(f"  manifest {statement.manifest.hex()}")


def _left_out(count: int, size: int) -> None:
    if count:
        say(f"  {plural(count, 'artifact')}, {amount(size)} left out: the site confirmed that it has them")
