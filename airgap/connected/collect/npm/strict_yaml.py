"""YAML as lock files use it: maps, lists and text, nothing else.

Source: YAML 1.2.2. No value is typed (a version ``1.10`` stays what it is), and anchors, aliases, tags, repeated names and
deep nesting are refused: a small file of aliases can stand for a huge value.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from airgap.core.errors import FormatError

MAX_DEPTH: Final = 16
# libyaml's parser is some ten times as fast; not every build of PyYAML has it
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_all(text: str, *, where: str) -> list[Any]:
    """The documents of a file: dictionaries, lists and text.

    Raises:
        FormatError: no YAML, or more of it than a lock file needs.
    """
    events = _plain_events(text, where)
    try:
        return [
            _value(next(events), events, MAX_DEPTH, where) for event in events if type(event) is yaml.DocumentStartEvent
        ]
    except (yaml.YAMLError, ValueError) as exc:  # ValueError: an escape for a character beyond Unicode
        raise FormatError(f"{where}: expected a lock file in YAML, got other text") from exc


def _plain_events(text: str, where: str) -> Iterator[Any]:
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise FormatError(f"{where}: expected plain YAML, got an anchor, alias or tag")
        yield event


def _value(event: Any, events: Iterator[Any], room: int, where: str) -> Any:
    """The value that begins with an event; takes the rest of its events."""
    if isinstance(event, yaml.ScalarEvent):
        return event.value
    if room == 0:
        raise FormatError(f"{where}: expected at most {MAX_DEPTH} nested levels, got more")
    if isinstance(event, yaml.SequenceStartEvent):
        return _list(events, room, where)
    return _map(events, room, where)


def _list(events: Iterator[Any], room: int, where: str) -> list[Any]:
    items = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(_value(event, events, room - 1, where))
    return items


def _map(events: Iterator[Any], room: int, where: str) -> dict[str, Any]:
    members: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent) or event.value in members:
            raise FormatError(f"{where}: expected each name once and as text, got another")
        members[event.value] = _value(next(events), events, room - 1, where)
    return members
