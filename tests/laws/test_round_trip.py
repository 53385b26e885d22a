import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.core import canonical
from airgap.core.keys import Algorithm, PublicKey, generate, parse_private, parse_public
from tests.laws import values
from tests.laws.documents import KINDS, NAMES, Kind


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
@given(data=st.data())
def test_what_is_written_reads_back_as_the_same_value(kind: Kind, data: st.DataObject) -> None:
    value = data.draw(kind.drawn)

    assert kind.read(kind.write(value)) == value


@given(value=values.plain_json)
def test_canonical_json_is_json(value: object) -> None:
    assert json.loads(canonical.encode(value)) == value


@pytest.mark.parametrize("algorithm", Algorithm)
@given(entropy=st.binary(min_size=64, max_size=64))
def test_keys_read_back_and_verify_what_they_signed(algorithm: Algorithm, entropy: bytes) -> None:
    signer = generate(algorithm, entropy)
    (read,) = parse_private(signer.pem(None), None)

    assert parse_public(read.public.pem) == (signer.public,) == (PublicKey.parse(signer.public.spki),)
    assert signer.public.is_signed(entropy, read.sign(entropy))
