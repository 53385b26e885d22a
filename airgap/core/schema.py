"""JSON Schemas of every document that people or programs exchange: the one door to jsonschema."""

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from airgap.core.errors import FormatError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


def validate(name: str, value: Any, *, what: str) -> None:
    """Prove that a value has the shape that ``schemas/<name>.schema.json`` gives.

    Raises:
        FormatError: it has not; the message names the place and never quotes the value.
    """
    # imported here: it costs 100 ms, and --version, list and show never validate
    from jsonschema.exceptions import best_match  # noqa: PLC0415

    fault = best_match(_validator(name).iter_errors(value))
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
def _validator(name: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    return Draft202012Validator(load(name))


def _rule(keyword: object, value: Any) -> str:
    """The broken rule in words; the schema's own text, so safe to print."""
    return f"{keyword} {json.dumps(value)}"[:120]
