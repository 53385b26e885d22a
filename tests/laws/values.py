"""Strategies: any value of every kind of document, as small as a law allows."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from airgap.core.canonical import MAX_INTEGER
from airgap.core.checkpoint import Checkpoint
from airgap.core.entries import Artifact, Document, Loss, Role
from airgap.core.envelope import Envelope, Signature
from airgap.core.manifest import Frames, Manifest
from airgap.core.statement import Base, Container, Statement
from airgap.core.trust import Channel, Revoked, Signer, Trust
from airgap.core.trust import Role as TrustRole
from tests.forge.keys import key

KEYS = tuple(key(f"law {number}").public for number in range(4))

sizes = st.integers(0, MAX_INTEGER)
digests = st.binary(min_size=32, max_size=32)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
tokens = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,8}[a-z0-9])?", fullmatch=True)
instants = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)).map(  # noqa: DTZ001 -- the zone is put on below
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
names = st.text('abcXYZ019._-é東 "', min_size=1, max_size=12).filter(
    lambda name: name.strip(" .") == name and not name.startswith("~")
)
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcz_", max_size=4), inner, max_size=3),
    max_leaves=8,
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """A manifest that may be written; names of the entries are distinct by a number in front."""
    documents = [
        Document(f"documents/files/{at}{name}", draw(sizes), draw(digests), draw(st.sampled_from(Role)), "text/plain")
        for at, name in enumerate(draw(st.lists(names, max_size=3)))
    ]
    known = st.lists(st.sampled_from(documents), unique=True) if documents else st.just([])
    artifacts = [
        Artifact(
            path=f"artifacts/npm/{at}{name}",
            size=draw(sizes),
            sha256=draw(digests),
            purl=draw(st.sampled_from(["pkg:npm/a@1", "pkg:generic/%C3%A9"])),
            stored=draw(st.booleans()),
            evidence=tuple(document.path for document in draw(known)),
            custody=tuple({"kind": "mirror", "name": hop} for hop in draw(st.lists(names, max_size=2))),
            metadata=draw(st.dictionaries(st.text("abc", max_size=3), plain_json, max_size=2)),
        )
        for at, name in enumerate(draw(st.lists(names, max_size=3)))
    ]
    losses = st.builds(Loss, st.just("pkg:npm/lost@1"), st.just("unresolved"), texts)
    return Manifest(
        frame_size=65536,
        artifacts=artifacts,
        documents=documents,
        losses=draw(st.lists(losses, max_size=2)),
        frames=draw(frames()),
    )


@st.composite
def frames(draw: st.DrawFn) -> Frames:
    count = draw(st.integers(0, 3))
    made = Frames()
    for at in range(count):
        size = 65536 if at < count - 1 else draw(st.integers(1, 65536))
        made.append(draw(st.integers(1, 999_999_999)), size, draw(st.none() | digests))
    return made


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    sequence = draw(st.integers(1, MAX_INTEGER))
    return Statement(
        manifest=draw(digests),
        channel=draw(tokens),
        sequence=sequence,
        previous=None if sequence == 1 else draw(digests),
        created=draw(instants),
        expires=draw(instants),
        destination=draw(st.none() | tokens),
        container=draw(st.sampled_from(Container)),
        size=draw(sizes),
        base=draw(st.none() | st.builds(Base, digests, st.integers(1, MAX_INTEGER))),
        artifacts=draw(sizes),
        content=draw(sizes),
        tool=draw(texts.filter(bool)),
    )


@st.composite
def trusts(draw: st.DrawFn) -> Trust:
    """A trust document: up to four signers of one key each, a channel or none, a revocation of each kind or none."""
    signers = {
        name: Signer(name, (public,), draw(instants), draw(instants))
        for name, public in zip(draw(st.lists(tokens, min_size=1, max_size=4, unique=True)), KEYS, strict=False)
    }
    known = sorted(signers)
    roles = st.sets(st.sampled_from(known), min_size=1).flatmap(
        lambda named: st.builds(TrustRole, st.just(frozenset(named)), st.integers(1, len(named)))
    )
    channels = st.builds(Channel, roles, st.just(("pkg:*",)), st.frozensets(tokens, max_size=2))
    withdrawn = st.builds(Revoked, digests.map(bytes.hex), texts.filter(bool), instants)
    return Trust(
        version=draw(st.integers(1, MAX_INTEGER)),
        issued=draw(instants),
        expires=draw(instants),
        signers=signers,
        trust_role=draw(roles),
        channels=draw(st.dictionaries(tokens, channels, max_size=2)),
        anchors=(),
        revoked_keys={one.what: one for one in draw(st.lists(withdrawn, max_size=2))},
        revoked_digests={one.what: one for one in draw(st.lists(withdrawn, max_size=2))},
        revoked_artifacts=tuple({one.what: one for one in draw(st.lists(withdrawn, max_size=2))}.values()),
    )


envelopes = st.builds(
    Envelope,
    texts.filter(bool),
    st.binary(min_size=1, max_size=40),
    st.dictionaries(digests.map(bytes.hex), st.binary(min_size=1, max_size=80), max_size=4).map(
        lambda said: tuple(Signature(key_id, said[key_id]) for key_id in sorted(said))
    ),
)
checkpoints = st.builds(Checkpoint, tokens, st.integers(0, 10**16 - 1), digests)


@st.composite
def mutations(draw: st.DrawFn, raw: bytes) -> bytes:
    """``raw`` with one stretch of bytes left out, put in, doubled or exchanged."""
    at = draw(st.integers(0, len(raw)))
    length = draw(st.integers(0, 4))
    new: bytes = draw(
        st.one_of(
            st.binary(max_size=3),
            st.sampled_from([b" ", b"\n", b",", b'"', b"0", b"-", b"[", b"]", b"{}", b"null", b"\\", b".0", b"e0"]),
            st.just(raw[at : at + length] * 2),
        )
    )
    return raw[:at] + new + raw[at + length :]


@st.composite
def near(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with one part of it, at any depth, replaced by any JSON at all."""
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 3)) == 0:
        return draw(any_json)
    if isinstance(value, dict):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: draw(near(value[name]))}
    at = draw(st.integers(0, len(value) - 1))
    return [*value[:at], draw(near(value[at])), *value[at + 1 :]]
