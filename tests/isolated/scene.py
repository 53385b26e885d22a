"""Two sides of a gap in one folder: keys, a trust document, bundles of the real exporter, a store."""

import hashlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airgap.connected.collected import Collected, FileSource
from airgap.connected.seal import Plan, seal
from airgap.core.envelope import TRUST_TYPE, Envelope
from airgap.core.keys import Algorithm, PrivateKey, generate
from airgap.core.policy import PRESETS
from airgap.core.purl import file_purl
from airgap.core.statement import Container
from airgap.core.trust import Channel, Revoked, Role, Signer, Trust
from airgap.core.verdict import Finding
from airgap.isolated.intake import Order, Outcome, take_in
from airgap.isolated.recheck import recheck
from airgap.isolated.report import Report
from airgap.isolated.setup import set_up
from airgap.isolated.store.disk import Disk
from airgap.isolated.store.store import Store

NOW: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)
DAY: Final = timedelta(days=1)
FILES: Final = {"hello.txt": b"hello\n", "deep/er/data.bin": bytes(range(256)) * 40}


def key_of(name: str, algorithm: Algorithm = Algorithm.ED25519) -> PrivateKey:
    """The one key that belongs to a name in all tests."""
    return generate(algorithm, hashlib.sha512(name.encode()).digest())


def trust_of(
    *names: str,
    version: int = 1,
    issued: datetime = NOW - DAY,
    days: int = 365,
    exporters: Sequence[str] = (),
    destinations: Sequence[str] = (),
    channels: Sequence[str] = ("main", "other"),
    revoked_keys: Sequence[str] = (),
    revoked_artifacts: Sequence[str] = (),
) -> Trust:
    """A trust document in which each name has its one key; the first name alone may change it."""
    signers = {n: Signer(n, (key_of(n).public,), issued, issued + days * DAY) for n in {*names, *exporters}}
    role = Role(frozenset(exporters or names), 1)
    return Trust(
        version=version,
        issued=issued,
        expires=issued + days * DAY,
        signers=signers,
        trust_role=Role(frozenset(names[:1]), 1),
        channels={channel: Channel(role, ("pkg:*",), frozenset(destinations)) for channel in channels},
        anchors=(),
        revoked_keys={k: Revoked(k, "lost", issued) for k in (key_of(n).public.key_id for n in revoked_keys)},
        revoked_digests={},
        revoked_artifacts=tuple(Revoked(what, "recalled", issued) for what in revoked_artifacts),
    )


def signed(trust: Trust, *names: str) -> Envelope:
    """A trust document with signatures."""
    return Envelope(TRUST_TYPE, trust.encode(), ()).with_signatures([key_of(name) for name in names])


@dataclass(frozen=True, slots=True)
class Bundle:
    """An exported bundle: where it lies, and what the next one follows."""

    path: str
    sequence: int
    manifest: bytes


class Scene:
    """One temporary folder with both sides."""

    def __init__(self, root: str, *, trust: Trust | None = None, policy: str = "standard", at: datetime = NOW) -> None:
        self.root = root
        self.trust = trust or trust_of("alice")
        self.store_path = os.path.join(root, "store")
        self.policy = PRESETS.get(policy, policy)
        self.at = at
        self._runs = 0

    def set_up(self) -> Store:
        """An empty store."""
        raw = signed(self.trust, "alice").encode() + b"\n"
        entropy = hashlib.sha512(b"site").digest()
        return set_up(self.store_path, trust=raw, policy=self.policy, site="plant-7", at=self.at, entropy=entropy)

    def export(
        self,
        files: Mapping[str, bytes] = FILES,
        *,
        name: str = "one",
        after: Bundle | None = None,
        by: Sequence[str] = ("alice",),
        **changes: Any,
    ) -> Bundle:
        """A bundle of these files; ``changes`` replace members of the exporter's plan."""
        folder = os.path.join(self.root, f"{name}.files")
        plan = Plan(
            artifacts=[_collect(folder, path, content) for path, content in files.items()],
            losses=(),
            channel="main",
            sequence=after.sequence + 1 if after else 1,
            previous=after.manifest if after else None,
            created=NOW - timedelta(hours=1),
            expires=NOW + 90 * DAY,
            destination=None,
            keys=[key_of(signer) for signer in by],
            version="0",
        )
        out = os.path.join(self.root, f"{name}.airgap")
        done = seal(replace(plan, **changes), out, progress=lambda _: None)
        return Bundle(done.paths[0], done.statement.sequence, done.statement.manifest)

    def open(self, disk: Disk | None = None) -> Store:
        """The store."""
        return Store.open(self.store_path, disk)

    def take_in(
        self, bundle: Bundle | str, *, at: datetime | None = None, disk: Disk | None = None, **order: Any
    ) -> Outcome:
        """One import."""
        path = bundle if isinstance(bundle, str) else bundle.path
        return take_in(self.open(disk), [path], self.order(at=at, **order), progress=lambda _: None)

    def check(self, *, at: datetime | None = None, disk: Disk | None = None) -> Report:
        """One recheck."""
        return recheck(self.open(disk), at=at or self.at, run_id=self._run_id())

    def order(self, *, at: datetime | None = None, **order: Any) -> Order:
        """What an import is told."""
        return Order(at=at or self.at, run_id=self._run_id(), version="0", **order)

    def object_of(self, content: bytes) -> str:
        """The path of the object that holds these bytes."""
        return self.open().layout.object(hashlib.sha256(content).digest())

    def shown(self, path: str) -> str:
        """The path of a file in the view."""
        return os.path.join(self.store_path, "current", "files", path)

    def _run_id(self) -> str:
        self._runs += 1
        return f"run{self._runs}"


def container(kind: str) -> Container:
    """A container by its name."""
    return Container(kind)


def rot(path: str, *, at: int = 0) -> None:
    """Flip one bit of a file and leave its times alone, as a failing disk would do."""
    status = os.stat(path)
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.chmod(path, stat.S_IMODE(status.st_mode))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def tree(root: str, *, but: Callable[[str], bool] = lambda _: False) -> dict[str, str]:
    """Every path below a folder with its kind, mode and content: equal when nothing changed."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, root)
            if not but(inside):
                found[inside] = _look(path)
    return found


def faults(findings: Sequence[Finding]) -> list[tuple[str, str | None]]:
    """Subject and reason of every finding that speaks against something."""
    return [(finding.subject, finding.reason) for finding in findings if finding.reason is not None]


def _look(path: str) -> str:
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return f"link to {os.readlink(path)}"
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:
            return f"{stat.S_IMODE(mode):04o} {hashlib.sha256(file.read()).hexdigest()}"
    return f"{mode:06o}"


def _collect(folder: str, path: str, content: bytes) -> Collected:
    file = os.path.join(folder, path)
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "wb") as stream:
        stream.write(content)
    status = os.stat(file)
    return Collected(
        source=FileSource(f"artifacts/files/{path}", file, status.st_size, status.st_mtime_ns),
        purl=file_purl(path),
        custody=(),
        evidence=(),
    )
