"""One encoding per value: whatever a reader takes is, byte for byte, what its writer writes for what was read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.core import canonical
from airgap.core.errors import FormatError
from airgap.core.keys import Algorithm, PublicKey
from tests.forge.keys import key
from tests.laws.documents import KINDS, NAMES, Kind
from tests.laws.values import mutations


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
@given(data=st.data())
def test_a_changed_document_is_refused_or_another_value(kind: Kind, data: st.DataObject) -> None:
    raw = data.draw(mutations(kind.write(data.draw(kind.drawn))))

    try:
        value = kind.read(raw)
    except FormatError:
        return
    assert kind.write(value) == raw


@pytest.mark.parametrize("algorithm", Algorithm)
@given(data=st.data())
def test_a_changed_public_key_is_refused_or_another_key(algorithm: Algorithm, data: st.DataObject) -> None:
    raw = data.draw(mutations(key("one", algorithm).public.spki))

    try:
        public = PublicKey.parse(raw)
    except FormatError:
        return
    assert public.spki == raw
    assert (public == key("one", algorithm).public) is (raw == key("one", algorithm).public.spki)


@given(raw=st.binary(max_size=12), room=st.integers(1, 20))
def test_padding_gives_back_what_was_padded(raw: bytes, room: int) -> None:
    assert canonical.unpad(canonical.pad(raw, len(raw) + room, what="x"), what="x") == raw.rstrip(b" ")
