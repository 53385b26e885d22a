"""Whatever bytes arrive, a reader returns a value or raises an error of this program: any other exception fails here."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.core import canonical
from airgap.core.checkpoint import Checkpoint
from airgap.core.digest import parse_sha256
from airgap.core.display import printable
from airgap.core.envelope import Envelope
from airgap.core.errors import AirgapError
from airgap.core.keys import PublicKey, parse_private, parse_public
from airgap.core.manifest import Manifest
from airgap.core.names import check_distinct, check_path, check_token
from airgap.core.policy import Policy
from airgap.core.purl import check_purl, is_match
from airgap.core.receipt import open_receipt, read_receipt
from airgap.core.schema import validate
from airgap.core.statement import Statement
from airgap.core.times import parse_duration, parse_time
from airgap.core.trust import open_trust, read_unsigned
from airgap.core.wish import Wish
from tests.forge.keys import key
from tests.forge.text import encode
from tests.laws.documents import KINDS, SITE, Kind
from tests.laws.values import any_json, mutations, near

READERS: dict[str, Callable[[bytes], object]] = {
    "canonical": lambda raw: canonical.decode(raw, what="x"),
    "padding": lambda raw: canonical.unpad(raw, what="x"),
    "manifest": lambda raw: Manifest.parse(raw, max_entries=9),
    "statement": Statement.peek,
    "envelope": Envelope.parse,
    "trust": open_trust,
    "trust without signatures": read_unsigned,
    "receipt": lambda raw: open_receipt(raw, SITE.public),
    "receipt in either form": lambda raw: read_receipt(raw, SITE.public),
    "receipt in its short form": lambda raw: read_receipt(b"airgap-receipt-1 " + raw, SITE.public),
    "wish": lambda raw: Wish.open(raw, SITE.public),
    "wish without signature": Wish.parse,
    "public key": PublicKey.parse,
    "public key file": parse_public,
    "private key file": lambda raw: parse_private(raw, b"passphrase"),
    "signature": lambda raw: SITE.public.is_signed(b"message", raw),
}
TEXT_READERS: dict[str, Callable[[str], object]] = {
    "checkpoint": lambda text: Checkpoint.parse(text, SITE.public),
    "digest": parse_sha256,
    "policy": Policy.parse,
    "path": check_path,
    "paths": lambda text: check_distinct(text.split()),
    "token": lambda text: check_token(text, what="x"),
    "purl": check_purl,
    "pattern": lambda text: is_match(text, text),
    "time": parse_time,
    "duration": parse_duration,
    "display": printable,
}
SCHEMAS = ["envelope", "manifest", "policy", "receipt", "record", "request", "state", "statement", "store", "trust", "wish"]


@pytest.mark.parametrize("name", READERS)
@given(raw=st.binary(max_size=80))
def test_bytes_of_any_kind(name: str, raw: bytes) -> None:
    with suppress(AirgapError):
        READERS[name](raw)


@pytest.mark.parametrize("name", TEXT_READERS)
@given(text=st.text(max_size=40))
def test_text_of_any_kind(name: str, text: str) -> None:
    with suppress(AirgapError):
        TEXT_READERS[name](text)


@pytest.mark.parametrize("name", READERS)
@given(value=any_json)
def test_json_of_any_kind(name: str, value: Any) -> None:
    with suppress(AirgapError):
        READERS[name](json_of(value))


@pytest.mark.parametrize("name", SCHEMAS)
@given(value=any_json)
def test_values_of_any_kind_against_every_schema(name: str, value: Any) -> None:
    with suppress(AirgapError):
        validate(name, value, what="x")


DOCUMENTS = [kind for kind in KINDS if kind.name in {"manifest", "statement", "trust document", "envelope"}]


@pytest.mark.parametrize("kind", DOCUMENTS, ids=lambda kind: kind.name)
@given(data=st.data())
def test_documents_of_which_one_part_is_any_json(kind: Kind, data: st.DataObject) -> None:
    value = canonical.decode(kind.write(data.draw(kind.drawn)), what="x")
    raw = json_of(data.draw(near(value)))

    with suppress(AirgapError):
        assert kind.write(kind.read(raw)) == raw


@pytest.mark.parametrize(
    "file", [SITE.public.pem, SITE.pem(None), key("site").pem(b"passphrase")], ids=["public", "plain", "sealed"]
)
@given(data=st.data())
def test_key_files_with_a_change(file: bytes, data: st.DataObject) -> None:
    raw = data.draw(mutations(file))

    for read in (parse_public, lambda pem: parse_private(pem, b"passphrase")):
        with suppress(AirgapError):
            read(raw)


def json_of(value: Any) -> bytes:
    """The value as JSON, as hostile as it is: lone surrogates become bytes that are not UTF-8."""
    try:
        return encode(value)
    except UnicodeEncodeError:
        return str(value).encode("utf-8", "surrogatepass")
