"""JSON Schemas of every document that people or programs exchange: the one door to jsonschema."""

import json
import re
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

from airgap.core.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator


def validate(name: str, value: Any, *, what: str) -> None:
    """Prove that a value has the shape that ``schemas/<name>.schema.json`` gives.

    Raises:
        FormatError: it has not; the message names the place and never quotes the value.
    """
    # imported here: it costs 100 ms, and --version, list and show never validate
    from jsonschema.exceptions import best_match  # noqa: PLC0415

    # the first fault only: a hostile list can hold a million, and what compares its items is quadratic (T092)
    fault = best_match(islice(_validator(name).iter_errors(value), 1))
    if fault is not None:
        place = fault.json_path.removeprefix("$").removeprefix(".") or "top level"
        raise FormatError(
            f"{what}: expected {_rule(fault.validator, fault.validator_value)} at {place!a:.100}, got another value"
        )


def load(name: str) -> Any:
    """The schema as a JSON value. In the wheel it lies inside the package, in a checkout beside it."""
    root = files("airgap")
    for folder in (root / "schemas", root / ".." / "schemas"):
        found = folder / f"{name}.schema.json"
        if found.is_file():
            return json.loads(found.read_text(encoding="utf-8"))
    raise FileNotFoundError(f"schema {name}")


@cache
def _validator(name: str) -> "Validator":
    from jsonschema import Draft202012Validator  # noqa: PLC0415
    from jsonschema.validators import extend  # noqa: PLC0415

    integers = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    strict: type[Validator] = extend(  # type: ignore[no-untyped-call]  # its stub leaves it open
        Draft202012Validator, {"pattern": _pattern}, type_checker=integers
    )
    return strict(load(name))


def _pattern(_: "Validator", pattern: str, value: object, __: object) -> "Iterator[ValidationError]":
    """The keyword as ECMA-262 means it: ``$`` is the end, and not also the place before a last newline."""
    from jsonschema import ValidationError  # noqa: PLC0415

    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError("pattern")


def _rule(keyword: object, value: Any) -> str:
    """The broken rule in words; the schema's own text, so safe to print."""
    return f"{keyword} {json.dumps(value)}"[:120]
