"""The hash tree over the ledger's records. Source: RFC 6962, section 2.1."""

import hashlib
from collections.abc import Sequence


def leaf_hash(record: bytes) -> bytes:
    """The hash of one record. Source: RFC 6962, 2.1 (prefix 0x00)."""
    return hashlib.sha256(b"\x00" + record).digest()


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; of none it is the hash of nothing. Source: RFC 6962, 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    # the recursive definition splits at the largest power of two, which is what pairing level by level gives
    level = list(leaves)
    while len(level) > 1:
        paired = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def consistency_proof(leaves: Sequence[bytes], size: int) -> list[bytes]:
    """The nodes that prove that the tree over the first ``size`` leaves is a part of this one.

    Source: RFC 6962, 2.1.2.
    """
    return _subproof(leaves, size, is_whole=True) if 0 < size < len(leaves) else []


def is_consistent(*, old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the newer tree only added records. Source: RFC 9162, 2.1.4.2."""
    if not 0 < old_size < size:
        return not proof and (old_size == 0 or (old_size == size and old_root == root))
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    first, last = old_size - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    one = other = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            one, other = _node(node, one), _node(node, other)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            other = _node(other, node)
        first, last = first >> 1, last >> 1
    return last == 0 and one == old_root and other == root


def path_root(leaf: bytes, path: Sequence[bytes], *, index: int, size: int) -> bytes | None:
    """The root that a path leads to from a leaf hash; None when no tree of that size has such a path.

    Source: RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    at, last, node = index, size - 1, leaf
    for other in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            node = _node(other, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = _node(node, other)
        at, last = at >> 1, last >> 1
    return node if last == 0 else None


def _subproof(leaves: Sequence[bytes], size: int, *, is_whole: bool) -> list[bytes]:
    count = len(leaves)
    if size == count:
        return [] if is_whole else [tree_hash(leaves)]
    split = 1 << (count - 1).bit_length() - 1
    if size <= split:
        return [*_subproof(leaves[:split], size, is_whole=is_whole), tree_hash(leaves[split:])]
    return [*_subproof(leaves[split:], size - split, is_whole=False), tree_hash(leaves[:split])]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
