"""The Merkle tree's hashes, compared with the vectors of Google's certificate-transparency and with RFC 9162's recursive definition."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from hubtrust.evidence.merkle import Tree, leaf_hash, node_hash

# github.com/google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc: kInputs and kSHA256Roots.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def tree_of(leaves: list[bytes]) -> Tree:
    tree = Tree()
    for leaf in leaves:
        tree = tree.with_leaf(leaf)
    return tree


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 2.1.1, word for word: the left part is the largest power of two that is smaller than the number of leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(defined_root(leaves[:left]), defined_root(leaves[left:]))


def test_the_roots_are_those_of_certificate_transparency() -> None:
    """The eight trees that every implementation of RFC 6962 is tested with, and the empty one."""
    assert [tree_of([bytes.fromhex(leaf) for leaf in LEAVES[:size]]).root.hex() for size in range(1, 9)] == ROOTS
    assert Tree().root.hex() == EMPTY


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_a_tree_that_grew_leaf_by_leaf_has_the_defined_root(leaves: list[bytes]) -> None:
    """Whatever the number of leaves, the root is the one of the recursive definition, and the size is their number."""
    tree = tree_of(leaves)

    assert (tree.root, tree.size) == (defined_root(leaves), len(leaves))
