"""Bencoded bytes from strangers into values, without the traps of the library that reads them (BEP 3).

For .torrent files and the answers of other trackers; what the tracker itself says is written by `wire/response.py`.
"""

from __future__ import annotations

from typing import Any

from bencodepy import BencodeDecodeError, BencodeDecoder, BencodeEncoder

from mika.errors import MikaError


class BadBencodingError(MikaError):
    """These bytes are not bencoded; the text says what is the matter."""


class _Decoder(BencodeDecoder):  # type: ignore[misc]  # bencodepy ships no types
    """Refuses a negative length, with which the library's decoder would go back and read the same bytes for ever."""

    def decode_string(self, x: bytes, f: int, **kwargs: Any) -> Any:
        if not x[f : f + 1].isdigit():
            raise ValueError
        return super().decode_string(x, f, **kwargs)


def read_bencoded(data: bytes) -> tuple[Any, bool]:
    """Return the value, with byte strings, and whether it is written strictly: keys in order and once, plain numbers.

    The library reads more than BEP 3 allows. `BadBencodingError`, and nothing else, when it cannot read it.
    """
    try:
        value = _Decoder().decode(data)
        return value, BencodeEncoder().encode(value) == data
    except BencodeDecodeError as error:
        if "maximum depth" in str(error):
            raise BadBencodingError("it nests lists and dictionaries too deep") from None
        if "data after" in str(error):
            raise BadBencodingError("it is cut short, or has bytes after its end") from None
        raise BadBencodingError("it is not bencoded, or damaged") from None
    except RecursionError:  # how deep the library goes by itself depends on its version
        raise BadBencodingError("it nests lists and dictionaries too deep") from None
