"""The type of what a signature covers: bytes and the keys that signed them."""

from collections.abc import Set
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Authentic:
    """A payload whose every signature was verified. Made in ``envelope.authenticate`` and nowhere else.

    Attributes:
        payload: the bytes that were verified; the only bytes a parser may use (T130).
        key_ids: ids of the distinct keys that signed.
    """

    payload: bytes
    key_ids: frozenset[str]

    def by(self, key_ids: Set[str]) -> "Authentic":
        """The same payload with only those of its signers that are among ``key_ids``."""
        return Authentic(self.payload, self.key_ids & key_ids)
