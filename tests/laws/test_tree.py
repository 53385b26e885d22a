from hypothesis import given
from hypothesis import strategies as st

from airgap.core.merkle import consistency_proof, is_consistent, leaf_hash, tree_hash
from tests.forge.edit import flip

ledgers = st.lists(st.binary(max_size=4), min_size=2, max_size=70).map(lambda records: [leaf_hash(r) for r in records])


@st.composite
def grown(draw: st.DrawFn) -> tuple[list[bytes], int]:
    """A ledger and how long it was before."""
    leaves = draw(ledgers)
    return leaves, draw(st.integers(1, len(leaves) - 1))


def is_proven(leaves: list[bytes], size: int, proof: list[bytes], *, old_root: bytes | None = None) -> bool:
    before = tree_hash(leaves[:size]) if old_root is None else old_root
    return is_consistent(old_size=size, old_root=before, size=len(leaves), root=tree_hash(leaves), proof=proof)


@given(ledger=grown())
def test_a_ledger_that_grew_proves_it_with_few_nodes(ledger: tuple[list[bytes], int]) -> None:
    leaves, size = ledger
    proof = consistency_proof(leaves, size)

    assert is_proven(leaves, size, proof)
    assert len(proof) <= len(leaves).bit_length() + 1


@given(ledger=grown(), data=st.data())
def test_one_bit_of_a_proof_breaks_it(ledger: tuple[list[bytes], int], data: st.DataObject) -> None:
    leaves, size = ledger
    proof = consistency_proof(leaves, size)
    at = data.draw(st.integers(0, len(proof) - 1))
    proof[at] = flip(proof[at], data.draw(st.integers(0, 31)), data.draw(st.integers(0, 7)))

    assert not is_proven(leaves, size, proof)


@given(ledger=grown(), data=st.data())
def test_one_bit_of_an_old_record_breaks_the_proof(ledger: tuple[list[bytes], int], data: st.DataObject) -> None:
    leaves, size = ledger
    at = data.draw(st.integers(0, size - 1))
    before = [*leaves[:at], flip(leaves[at], 0), *leaves[at + 1 : size]]

    assert not is_proven(leaves, size, consistency_proof(leaves, size), old_root=tree_hash(before))


@given(ledger=grown(), proof=st.lists(st.binary(min_size=32, max_size=32), max_size=8))
def test_a_made_up_proof_does_not_hold(ledger: tuple[list[bytes], int], proof: list[bytes]) -> None:
    leaves, size = ledger

    assert not is_proven(leaves, size, proof)


@given(leaves=ledgers, data=st.data())
def test_the_root_depends_on_the_order_of_records(leaves: list[bytes], data: st.DataObject) -> None:
    other = data.draw(st.permutations(leaves))

    assert (tree_hash(other) == tree_hash(leaves)) is (other == leaves)
