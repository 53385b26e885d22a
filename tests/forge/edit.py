"""Changes to one part of a bundle: functions from the part to another one."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

T = TypeVar("T")
Edit = Callable[[T], T]


def same(value: T) -> T:
    return value


def put(*where: str | int, to: Any) -> Edit[Any]:
    """Another value at a place in a JSON value; a place just behind the end of a list appends."""

    def edit(value: Any) -> Any:
        changed = deepcopy(value)
        at = changed
        for step in where[:-1]:
            at = at[step]
        if isinstance(at, list) and where[-1] == len(at):
            at.append(to)
        else:
            at[where[-1]] = to
        return changed

    return edit


def drop(*where: str | int) -> Edit[Any]:
    """Nothing at a place in a JSON value."""

    def edit(value: Any) -> Any:
        changed = deepcopy(value)
        at = changed
        for step in where[:-1]:
            at = at[step]
        del at[where[-1]]
        return changed

    return edit


def swap(old: bytes, new: bytes) -> Edit[bytes]:
    """Other bytes in the place of ``old``, which occurs."""

    def edit(raw: bytes) -> bytes:
        assert old in raw
        return raw.replace(old, new, 1)

    return edit


def flip(raw: bytes, at: int, bit: int = 0) -> bytes:
    """One bit changed."""
    at %= len(raw)
    return raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]
