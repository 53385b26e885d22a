"""Exports through the package, at the fixed time of the forge."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airgap.connected.export import Options, export
from airgap.connected.gather import gather
from airgap.connected.request import Request, parse_request
from airgap.connected.seal import Sealed
from tests.forge.keys import ALICE
from tests.forge.text import CREATED

TREE: Mapping[str, bytes] = {
    "a.txt": b"alpha\n" * 1000,
    "a.txt.sig": b"a signature",
    "dir/b.bin": b"".join(b"%d" % (n * n * 7919 % 65521) for n in range(100_000)),
    "dir/empty": b"",
    "dir/caf\u00e9/" + "n" * 120: b"x",
}


def plant(folder: Path, files: Mapping[str, bytes] = TREE) -> Path:
    """Files on disk."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def request(folder: Path, *sources: Mapping[str, Any], **bundle: Any) -> Request:
    """A request as a file in that folder would say it."""
    said = [{"ecosystem": "files", **source} for source in sources or ({"path": "."},)]
    return parse_request({"bundle": bundle, "source": said}, folder=str(folder))


def exported(wanted: Request, out: Path, **options: Any) -> Sealed:
    """An export; ``options`` are members of ``Options`` that differ."""
    chosen: dict[str, Any] = {"keys": [ALICE], "created": CREATED, "version": "1", **options}
    return export(wanted, gather(wanted), str(out), Options(**chosen), progress=lambda _: None)
