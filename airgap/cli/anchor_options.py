"""Options of ``trust anchor add`` to an anchor."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from airgap.cli import inputs
from airgap.cli.terminal import warn
from airgap.core.anchors import MATERIAL, MAX_MATERIAL, Anchor, Kind
from airgap.core.errors import FormatError, UsageError
from airgap.evidence.anchoring import Seen, check_anchor, held_material, plain_pin, read_material, see_anchor
from airgap.evidence.pinned import Pinned


class Wish(NamedTuple):
    """What was said on the command line."""

    name: str
    kind: str | None
    pin: str | None
    source: str | None
    settings: Sequence[str]
    artifacts: Sequence[str]
    holds: bool


def choose(wish: Wish) -> Seen:
    """The anchor that was wished for, proven to be one that can vouch.

    Raises:
        UsageError: it cannot, or what was said contradicts itself or leaves something open.
    """
    inputs.check_name(wish.name, what="--name")
    said = _settings(wish.settings)
    match wish.pin, wish.source:
        case str() as pin, None:
            return _from_pin(wish, pin, said)
        case None, str() as path:
            return _from_file(wish, path, said)
        case _:
            got = "neither" if wish.pin is None else "both"
            raise UsageError(f"anchor: expected --pin PIN or --from FILE, got {got}")


def _from_pin(wish: Wish, pin: str, said: Mapping[str, str]) -> Seen:
    if wish.kind is None:
        raise UsageError(f"--kind: expected one beside --pin, got none; there are {', '.join(Kind)}")
    kind = _kind(wish.kind)
    return _proven(_anchor(wish, kind, plain_pin(kind, pin), said))


def _from_file(wish: Wish, path: str, said: Mapping[str, str]) -> Seen:
    raw = inputs.read_document(path)
    try:
        kind, pinned = _one(read_material(None if wish.kind is None else _kind(wish.kind), raw))
        anchor = _anchor(wish, kind, pinned.pin, {**pinned.settings, **said})
        held = held_material(kind, pinned.pin, raw) if wish.holds else None
    except FormatError as exc:
        raise UsageError(f"{path}: {exc.message}", hint=exc.hint) from exc
    seen = _proven(anchor if held is None else _holding(anchor, held))
    return replace(seen, identity=pinned.identity)


def _proven(anchor: Anchor) -> Seen:
    with inputs.asking():
        check_anchor(anchor)
    return see_anchor(anchor)


def _holding(anchor: Anchor, held: bytes) -> Anchor:
    """The anchor with what its pin names, where there is room for it."""
    if len(held) > MAX_MATERIAL:
        warn(
            f"note: {len(held)} bytes do not fit into an anchor, which holds {MAX_MATERIAL}: "
            "the file has to travel beside the artifacts as their evidence"
        )
        return anchor
    return replace(anchor, settings={**anchor.settings, MATERIAL: b64encode(held).decode()})


def _one(found: Sequence[tuple[Kind, Pinned]]) -> tuple[Kind, Pinned]:
    if len(found) > 1:
        kinds = " or ".join(kind for kind, _ in found)
        raise UsageError(f"--kind: expected {kinds}, since the file may be either, got none")
    return found[0]


def _anchor(wish: Wish, kind: Kind, pin: str, settings: Mapping[str, str]) -> Anchor:
    return Anchor(name=wish.name, kind=kind, pin=pin, artifacts=tuple(wish.artifacts), settings=settings)


def _kind(text: str) -> Kind:
    if text not in set(Kind):
        raise UsageError(f"--kind: expected {', '.join(Kind)}, got {text!a:.40}")
    return Kind(text)


def _settings(said: Sequence[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for one in said:
        name, has_value, text = one.partition("=")
        if not has_value or name in settings:
            got = f"{name!a:.40} twice" if has_value else f"{one!a:.80}"
            raise UsageError(f"--set: expected KEY=VALUE, each key once, got {got}")
        settings[name] = text
    if MATERIAL in settings:
        raise UsageError(f"--set: expected no {MATERIAL}, got some; --from FILE brings it")
    return settings
