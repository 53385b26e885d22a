"""Whoever has a sealed bundle in his hands: the same five behaviours, applied to the medium instead of the artifact."""

import os
from pathlib import Path

from airgap.connected.seal import Sealed
from airgap.core.envelope import Envelope
from airgap.core.statement import Container
from airgap.core.verdict import Standing
from airgap.isolated.store.store import Store
from tests.boundaries.actors import NEW, OLD, Behaviour, Seen, arrive, hand_on, seal_blindly, site
from tests.boundaries.producers import KeyHolder, release
from tests.forge.keys import BOB, MALLORY, key
from tests.forge.trust import document, trust_envelope

PRODUCER = KeyHolder()
NAME = PRODUCER.name(NEW)
HONEST = hand_on(PRODUCER, Behaviour.HONEST)
CROWN = key("mallory as exporter")
EVIL_AND_BARE = hand_on(PRODUCER, Behaviour.STRIPS)


def sealed(folder: Path, container: Container = Container.ARCHIVE) -> str:
    """Release 2.0 with its evidence, sealed by alice."""
    folder.mkdir(parents=True, exist_ok=True)
    return seal_blindly(folder, HONEST, container=container, name="genuine").paths[0]


def flip(path: str, at: int) -> None:
    """Change one bit of a file; a negative position counts from its end."""
    raw = bytearray(Path(path).read_bytes())
    raw[at] ^= 1
    Path(path).write_bytes(raw)


def coup() -> Envelope:
    """A trust document in which mallory is everybody, signed by mallory."""
    value = document(2, {"root": [MALLORY], "alice": [CROWN], "bob": [BOB]})
    return Envelope.from_value(trust_envelope(value, [MALLORY]))


def two_bundles(folder: Path) -> tuple[Sealed, Sealed]:
    """Release 1.0 and release 2.0, one bundle after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    old = seal_blindly(folder, release(PRODUCER, OLD), name="old")
    return old, seal_blindly(folder, HONEST, after=old, name="new")


def on_the_medium(folder: Path, behaviour: Behaviour, policy: str, *, is_pinned: bool = True) -> Seen:
    """What a site sees of a bundle that somebody on the way had in his hands."""
    store = site(folder, *([PRODUCER.anchor] if is_pinned else []), policy=policy)
    return arrive(store, _carry(folder, behaviour, store))


def _carry(folder: Path, behaviour: Behaviour, store: Store) -> str:
    """The path of what comes out on the other side."""
    match behaviour:
        case Behaviour.HONEST:
            return sealed(folder)
        case Behaviour.TAMPERS:
            path = sealed(folder, Container.DIRECTORY)
            flip(f"{path}/artifacts/files/{NAME}", 7)
            return path
        case Behaviour.STRIPS:
            path = sealed(folder, Container.DIRECTORY)
            os.remove(f"{path}/documents/files/{NAME}.sig")
            return path
        case Behaviour.RESIGNS:
            return seal_blindly(folder, EVIL_AND_BARE, keys=[MALLORY]).paths[0]
        case Behaviour.SUBSTITUTES:
            return seal_blindly(folder, EVIL_AND_BARE, keys=[CROWN], updates=[coup()]).paths[0]
        case Behaviour.REPLAYS:
            old, new = two_bundles(folder)
            for bundle in (old, new):
                assert arrive(store, *bundle.paths).verdict.standing is Standing.ACCEPTED
            return old.paths[0]
