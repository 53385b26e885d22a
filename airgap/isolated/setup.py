"""Make a store: out of nothing, all at once, or not at all."""

import os
import shutil
from datetime import datetime
from typing import Final

from airgap.core import canonical
from airgap.core.errors import TrustStop, UsageError
from airgap.core.keys import Algorithm, generate
from airgap.core.names import check_token
from airgap.core.policy import Policy
from airgap.core.reasons import Reason
from airgap.core.times import format_time
from airgap.core.trust import open_trust
from airgap.isolated.store.disk import RealDisk, probe
from airgap.isolated.store.index import Index
from airgap.isolated.store.layout import FAN_OUT, FOLDERS, FORMAT, Layout
from airgap.isolated.store.ledger import Ledger
from airgap.isolated.store.state import FILE, State
from airgap.isolated.store.store import Store

_PRIVATE: Final = frozenset({"staging", "quarantine"})


def set_up(root: str, *, trust: bytes, policy: str, site: str, at: datetime, entropy: bytes) -> Store:
    """Make an empty store that believes a trust document.

    Args:
        root: a path that does not exist, or an empty folder.
        trust: the envelope of the pinned document.
        policy: text of the policy, in TOML.
        site: this site's name.
        at: now, UTC.
        entropy: 64 bytes for the site's key.

    Raises:
        UsageError: the path is taken.
        FormatError: the trust document or the policy does not hold.
        TrustStop: the trust document is expired or not yet issued.
        PlatformError: the file system cannot keep the store's promises.
    """
    check_token(site, what="site")
    believed = open_trust(trust)
    Policy.parse(policy)
    if not believed.trust.issued <= at < believed.trust.expires:
        raise TrustStop(
            f"trust document: expected one in force at {format_time(at)}, got one from "
            f"{format_time(believed.trust.issued)} until {format_time(believed.trust.expires)}",
            reason=Reason.TRUST_EXPIRED,
        )
    final = os.path.abspath(root)
    if os.path.lexists(final) and (os.path.islink(final) or not os.path.isdir(final) or os.listdir(final)):
        raise UsageError(f"{root}: expected a new or empty folder, got something else")
    temporary = f"{final}.part"
    try:
        os.mkdir(temporary, 0o755)
    except FileExistsError as exc:
        raise UsageError(
            f"{temporary}: expected no such folder, got one", hint="another init runs, or one was killed: then remove it"
        ) from exc
    except OSError as exc:
        raise UsageError(f"{temporary}: expected to create it, got {os.strerror(exc.errno or 0)}") from exc
    try:
        _fill(Layout(temporary), trust, policy, site, at, entropy)
        os.rename(temporary, final)
        RealDisk().sync_folder(os.path.dirname(final))
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Store.open(final)


def _fill(layout: Layout, trust: bytes, policy: str, site: str, at: datetime, entropy: bytes) -> None:
    disk = RealDisk()
    probe(layout.root)
    believed = open_trust(trust)
    for folder in FOLDERS:
        disk.make_folder(os.path.join(layout.root, folder), 0o700 if folder in _PRIVATE else 0o755)
    for byte in FAN_OUT:
        disk.make_folder(os.path.join(layout.objects, byte))
    disk.write_file(layout.mark, canonical.encode({"format": FORMAT, "site": site}) + b"\n")
    disk.write_file(layout.policy, policy.encode())
    key = generate(Algorithm.ED25519, entropy)
    disk.write_file(layout.private_key, key.pem(None), 0o600)
    disk.write_file(layout.public_key, key.public.pem)
    disk.write_file(layout.lock, b"")
    version = believed.trust.version
    disk.write_file(layout.trust(version), trust, 0o444)
    first = layout.generation(0)
    disk.make_folder(first)
    disk.make_folder(os.path.join(first, "files"))
    state = State(generation=0, floor=max(believed.trust.issued, at), trust=version)
    disk.write_file(os.path.join(first, FILE), state.encode())
    os.symlink("generations/0", layout.current)
    disk.write_file(layout.log, b"")
    index = Index(layout)
    index.create()
    index.conclude(0)
    ledger = Ledger(layout, disk, site)
    ledger.append("init", at, generation=0, trust=version)
    ledger.close(key)
    disk.sync(layout.root)
