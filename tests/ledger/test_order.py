"""Keys in order, some at a time."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mika.ledger.order import in_order, parts_of_ids

IDS = st.integers(0, 2**63 - 1)


@given(st.sets(IDS), st.integers(1, 50))
def test_numbers_come_in_order_whatever_they_are(ids, most):
    """All of them, once, ascending."""
    shift = parts_of_ids(ids)
    assert list(chain.from_iterable(in_order(ids, lambda number: number >> shift, most))) == sorted(ids)


@given(st.sets(st.tuples(st.binary(min_size=20, max_size=20), IDS)), st.integers(1, 50))
def test_hashes_come_in_order(keys, most):
    """As tuples do: by the hash first."""
    assert list(chain.from_iterable(in_order(keys, lambda key: key[0][0], most))) == sorted(keys)


@pytest.mark.parametrize(("ids", "shift"), [([], 0), ([0, 255], 0), ([256], 1), ([2**63 - 1, 3], 55)])
def test_ids_have_256_parts_at_most(ids, shift):
    """The largest decides."""
    assert parts_of_ids(iter(ids)) == shift


def test_pieces_are_short():
    """After so many keys, and after each part, it may stop for a while."""
    keys = [bytes([number % 256, number // 256]) for number in range(1000)]
    pieces = list(in_order(keys, itemgetter(0), 100))
    assert pieces[:10] == [[]] * 10
    assert max(map(len, pieces)) == 4
