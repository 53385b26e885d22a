import os
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from airgap.core import schema
from airgap.core.errors import FormatError
from airgap.core.schema import load, validate

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "schemas")
NAMES = sorted(name.removesuffix(".schema.json") for name in os.listdir(FOLDER))
CHECKPOINT = {"sequence": 1, "manifest": "ab" * 32}
STATE = {
    "generation": 1,
    "floor": "2026-11-23T08:00:00Z",
    "trust": 1,
    "channels": {"main": CHECKPOINT},
    "manifests": [],
    "withdrawn": [],
}


def refusal(value: Any) -> str:
    with pytest.raises(FormatError) as caught:
        validate("state", value, what="state")
    return caught.value.message


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(load(name))

    assert load(name)["$id"] == f"urn:airgap:schema:{name}:1"


def test_a_value_of_the_shape_passes() -> None:
    validate("state", STATE, what="state")


def test_the_message_names_the_place_and_never_quotes_the_value() -> None:
    assert refusal({**STATE, "trust": "evil"}) == "state: expected type \"integer\" at 'trust', got another value"
    assert refusal("evil") == "state: expected type \"object\" at 'top level', got another value"


def test_a_long_name_from_outside_is_cut_and_escaped() -> None:
    message = refusal({**STATE, "channels": {"\u202e" * 500: CHECKPOINT}})

    assert message.isascii()
    assert len(message) < 300


def test_true_is_no_integer_and_neither_is_a_float_without_fraction() -> None:
    for value in (True, 1.0):
        assert refusal({**STATE, "trust": value}) == "state: expected type \"integer\" at 'trust', got another value"


def test_the_end_of_a_pattern_is_the_end_and_not_the_place_before_a_newline() -> None:
    """Python's ``$`` stands there too, that of JSON Schema does not; a revoked digest with a newline covers nothing."""
    assert refusal({**STATE, "manifests": ["ab" * 32 + "\n"]}).startswith("state: expected pattern ")
    assert refusal({**STATE, "manifests": ["x" + "ab" * 32]}).startswith("state: expected pattern ")


def test_a_pattern_says_nothing_about_other_types() -> None:
    assert refusal({**STATE, "floor": 5}) == "state: expected type \"string\" at 'floor', got another value"


def test_a_million_faults_cost_as_much_as_one() -> None:
    """Sorting out the best of them took seconds, comparing items of mixed types took hours: this test would hang."""
    assert refusal({**STATE, "manifests": [1] * 1_000_000}).startswith("state: expected type \"string\" at 'manifests[0]'")


def test_a_schema_that_is_nowhere_is_not_made_up() -> None:
    with pytest.raises(FileNotFoundError, match=r"^schema nothing$"):
        schema.load("nothing")
