from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from airgap.core.authentic import Authentic
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.statement import Base, Container, Statement
from tests.forge.edit import Edit, drop, put
from tests.forge.text import encode

FIRST = Statement(
    manifest=bytes(range(32)),
    channel="main",
    sequence=1,
    previous=None,
    created=datetime(2026, 11, 20, tzinfo=UTC),
    expires=datetime(2027, 2, 20, tzinfo=UTC),
    destination=None,
    container=Container.ARCHIVE,
    size=4096,
    base=None,
    artifacts=2,
    content=1000,
    tool="airgap 0.1.0",
)
LATER = replace(
    FIRST,
    sequence=2,
    previous=bytes(32),
    destination="lab",
    container=Container.DIRECTORY,
    base=Base(b"\xff" * 32, 1),
)
VALUE = LATER.value()


@pytest.mark.parametrize("statement", [FIRST, LATER])
def test_a_statement_is_read_as_it_is_written(statement: Statement) -> None:
    assert Statement.peek(statement.encode()) == statement
    assert Statement.parse(Authentic(statement.encode(), frozenset())) == statement


def test_a_statement_is_an_in_toto_statement_about_the_manifest() -> None:
    assert FIRST.encode() == encode(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "manifest.json", "digest": {"sha256": bytes(range(32)).hex()}}],
            "predicateType": "urn:airgap:bundle:1",
            "predicate": {
                "channel": "main",
                "sequence": 1,
                "previous": None,
                "created": "2026-11-20T00:00:00Z",
                "expires": "2027-02-20T00:00:00Z",
                "destination": None,
                "container": "archive",
                "archiveSize": 4096,
                "base": None,
                "totals": {"artifacts": 2, "bytes": 1000},
                "tool": "airgap 0.1.0",
            },
        }
    )


SHA256 = ("subject", 0, "digest", "sha256")


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        pytest.param(put("predicateType", to="urn:airgap:bundle:2"), 'const "urn:airgap:bundle:1"', id="T090 version"),
        pytest.param(put("_type", to="https://in-toto.io/Statement/v0.1"), "const", id="T090 statement version"),
        pytest.param(put("predicate", "more", to=1), "additionalProperties", id="T089 unknown member"),
        pytest.param(drop("predicate", "expires"), "required", id="T089 missing member"),
        pytest.param(put("predicate", "expires", to=None), 'type "string"', id="T089 null"),
        pytest.param(put("predicate", "sequence", to="2"), 'type "integer"', id="T089 type"),
        pytest.param(put("predicate", "sequence", to=0), "minimum 1", id="T150 sequence 0"),
        pytest.param(put("predicate", "sequence", to=-1), "minimum 1", id="T150 negative sequence"),
        pytest.param(drop("subject", 0, "digest", "sha256"), "required", id="T100 no digest"),
        pytest.param(put(*SHA256[:-1], to={"sha1": "ab" * 20}), "", id="T101 only SHA-1"),
        pytest.param(put(*SHA256[:-1], "SHA256", to="ab" * 32), "additionalProperties", id="T102 name in capitals"),
        pytest.param(put(*SHA256[:-1], "sha512", to="ab" * 64), "additionalProperties", id="T103 a second digest"),
        pytest.param(put(*SHA256, to="ab" * 16), "pattern", id="T104 truncated digest"),
        pytest.param(put(*SHA256, to="AB" * 32), "pattern", id="T102 digest in capitals"),
        pytest.param(put("subject", 1, to=VALUE["subject"][0]), "maxItems 1", id="T103 a second subject"),
        pytest.param(put("subject", 0, "name", to="other.json"), 'const "manifest.json"', id="another subject"),
        pytest.param(put("predicate", "container", to="zip"), 'enum ["archive", "directory"]', id="container"),
        pytest.param(put("predicate", "base", "more", to=1), "", id="unknown member of the base"),
        pytest.param(put("predicate", "archiveSize", to=-1), "minimum 0", id="T111 negative size"),
        pytest.param(put("predicate", "totals", "bytes", to=-1), "minimum 0", id="T111 negative total"),
        pytest.param(put("predicate", "tool", to=""), "minLength 1", id="no tool"),
    ],
)
def test_a_statement_of_another_shape_is_refused(edit: Edit[Any], got: str) -> None:
    with pytest.raises(FormatError) as caught:
        Statement.peek(encode(edit(VALUE)))

    assert caught.value.message.startswith(f"statement: expected {got}")


@pytest.mark.parametrize("where", ["channel", "destination"])
def test_t022_a_name_that_could_leave_its_folder_is_refused(where: str) -> None:
    with pytest.raises(FormatError) as caught:
        Statement.peek(encode(put("predicate", where, to="a..b")(VALUE)))

    assert caught.value.reason is Reason.BAD_NAME
    assert caught.value.message == f"{where}: expected 1 to 64 of a-z 0-9 . _ -, got 'a..b'"


@pytest.mark.parametrize(("sequence", "previous"), [(1, "00" * 32), (2, None)])
def test_only_the_first_bundle_of_a_channel_has_none_before(sequence: int, previous: str | None) -> None:
    value = put("predicate", "previous", to=previous)(put("predicate", "sequence", to=sequence)(VALUE))

    with pytest.raises(FormatError) as caught:
        Statement.peek(encode(value))

    assert caught.value.message == "statement: expected a previous manifest from sequence 2 on, got the opposite"


@pytest.mark.parametrize("where", ["created", "expires"])
def test_a_day_that_does_not_exist_is_refused(where: str) -> None:
    with pytest.raises(FormatError, match=r"^time: expected YYYY-MM-DDTHH:MM:SSZ, got '2026-02-30T00:00:00Z'$"):
        Statement.peek(encode(put("predicate", where, to="2026-02-30T00:00:00Z")(VALUE)))
