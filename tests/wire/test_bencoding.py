"""Bencoded bytes from strangers: whatever comes is a value or one error."""

from __future__ import annotations

from contextlib import suppress

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mika.wire.bencoding import BadBencodingError, read_bencoded

VALUES = st.recursive(
    st.integers() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.binary(max_size=5), inner, max_size=3),
    max_leaves=9,
)


@given(VALUES)
def test_what_was_encoded_is_read_strictly(value) -> None:
    """The value comes back, and is said to be strict."""
    assert read_bencoded(bencodepy.encode(value)) == (value, True)


@given(st.binary(max_size=60) | st.text(alphabet="dlie0123456789:-", max_size=30).map(str.encode))
def test_nonsense_is_a_value_or_an_error(data) -> None:
    """Nothing else is raised, and nothing hangs."""
    with suppress(BadBencodingError):
        value, strict = read_bencoded(data)
        assert strict == (bencodepy.encode(value) == data)


@pytest.mark.parametrize("data", [b"d1:b0:1:a0:e", b"d1:a0:1:a0:e", b"i+1e", b"i 1e"])
def test_sloppy_bytes_are_told_apart(data) -> None:
    """The library reads them; strict clients do not."""
    assert read_bencoded(data)[1] is False


@pytest.mark.parametrize(
    "data", [b"", b"-3:x", b"d-3:", b"l" * 100_000, b"i1ei2e", b"5:abc", b"i" + b"9" * 10_000 + b"e"]
)
def test_what_is_not_bencoded(data) -> None:
    """Each is the one error."""
    with pytest.raises(BadBencodingError):
        read_bencoded(data)
