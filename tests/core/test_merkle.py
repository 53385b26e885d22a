"""The vectors are those of the Certificate Transparency test suites: eight leaves, their roots, three proofs."""

import hashlib

import pytest

from airgap.core.merkle import consistency_proof, is_consistent, leaf_hash, tree_hash

RECORDS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
LEAVES = [leaf_hash(record) for record in RECORDS]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PROOFS = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
PAIRS = [(old, new) for new in range(9) for old in range(1, new)]


def is_proven(old: int, new: int, proof: list[bytes], *, old_root: bytes | None = None, root: bytes | None = None) -> bool:
    return is_consistent(
        old_size=old,
        old_root=tree_hash(LEAVES[:old]) if old_root is None else old_root,
        size=new,
        root=tree_hash(LEAVES[:new]) if root is None else root,
        proof=proof,
    )


@pytest.mark.parametrize(("size", "root"), list(enumerate(ROOTS)))
def test_the_root_is_the_published_one(size: int, root: str) -> None:
    assert tree_hash(LEAVES[:size]).hex() == root


def test_a_record_that_looks_like_two_nodes_has_another_hash() -> None:
    node = hashlib.sha256(b"\x01" + LEAVES[0] + LEAVES[1]).digest()

    assert tree_hash(LEAVES[:2]) == node
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node


@pytest.mark.parametrize(("sizes", "proof"), PROOFS.items(), ids=str)
def test_the_proof_is_the_published_one(sizes: tuple[int, int], proof: list[str]) -> None:
    old, new = sizes

    assert [node.hex() for node in consistency_proof(LEAVES[:new], old)] == proof


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_ledger_that_only_grew_proves_it(old: int, new: int) -> None:
    assert is_proven(old, new, consistency_proof(LEAVES[:new], old))


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_no_changed_proof_holds(old: int, new: int) -> None:
    proof = consistency_proof(LEAVES[:new], old)
    changed = [[*proof[:at], bytes(32), *proof[at + 1 :]] for at in range(len(proof))]
    shortened = [proof[:at] + proof[at + 1 :] for at in range(len(proof))]
    lengthened = [[*proof[:at], bytes(32), *proof[at:]] for at in range(len(proof) + 1)]

    assert not any(is_proven(old, new, other) for other in ([], *changed, *shortened, *lengthened))


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_proof_holds_for_its_two_roots_only(old: int, new: int) -> None:
    proof = consistency_proof(LEAVES[:new], old)

    assert not is_proven(old, new, proof, old_root=bytes(32))
    assert not is_proven(old, new, proof, root=bytes(32))


@pytest.mark.parametrize(("old", "new", "said"), [(4, 8, (4, 16)), (4, 8, (2, 8)), (2, 4, (2, 8)), (6, 8, (5, 8))])
def test_a_proof_holds_for_its_two_sizes_only(old: int, new: int, said: tuple[int, int]) -> None:
    proof = consistency_proof(LEAVES[:new], old)
    old_root, root = tree_hash(LEAVES[:old]), tree_hash(LEAVES[:new])

    assert is_proven(old, new, proof, old_root=old_root, root=root)
    assert not is_proven(said[0], said[1], proof, old_root=old_root, root=root)


@pytest.mark.parametrize("changed", range(5))
def test_a_ledger_whose_old_record_was_edited_proves_nothing(changed: int) -> None:
    edited = [*LEAVES[:changed], leaf_hash(b"edited"), *LEAVES[changed + 1 :]]

    assert not is_proven(5, 8, consistency_proof(edited, 5), root=tree_hash(edited))


def test_an_unchanged_ledger_needs_no_proof() -> None:
    assert consistency_proof(LEAVES, 8) == []
    assert is_proven(8, 8, [])
    assert not is_proven(8, 8, [], root=bytes(32))
    assert not is_proven(8, 8, [bytes(32)])


def test_every_ledger_goes_on_from_an_empty_one() -> None:
    assert consistency_proof(LEAVES, 0) == []
    assert is_proven(0, 8, [])
    assert not is_proven(0, 8, [bytes(32)])


def test_a_ledger_that_lost_records_is_not_consistent() -> None:
    assert consistency_proof(LEAVES[:5], 8) == []
    assert not is_proven(8, 5, [])
