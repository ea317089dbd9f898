"""The Merkle tree of RFC 9162 section 2.1.1 (and RFC 6962 2.1), built leaf by leaf."""

import hashlib
from dataclasses import dataclass

_LEAF, _NODE = b"\x00", b"\x01"  # so that no leaf can be taken for a node


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf with the content ``data``."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node above two others."""
    return hashlib.sha256(_NODE + left + right).digest()


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of ``size`` leaves. Only the roots of its full subtrees are kept, the largest first: a leaf costs O(log n)."""

    size: int = 0
    _subtrees: tuple[bytes, ...] = ()  # one for each 1 in the binary form of the size

    def with_leaf(self, data: bytes) -> "Tree":
        """The tree with one leaf more, whose content is ``data``."""
        subtrees, right, full = list(self._subtrees), leaf_hash(data), self.size
        while full & 1:  # the last subtree is as large as the new one: both become one
            right = node_hash(subtrees.pop(), right)
            full >>= 1
        return Tree(self.size + 1, (*subtrees, right))

    @property
    def root(self) -> bytes:
        """The root hash; without leaves, SHA-256 of nothing."""
        if not self._subtrees:
            return hashlib.sha256().digest()
        *others, root = self._subtrees
        for left in reversed(others):
            root = node_hash(left, root)
        return root
