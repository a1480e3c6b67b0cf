"""Pickles written by hand: objects of classes that need not be installed, as files of any age have them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

RESULT = b"\x80\x02%s."


class Object:
    """An object that a pickle describes.

    Args:
        place: `module Class`.
        held: Its attributes.
    """

    def __init__(self, place: str, **held: Any) -> None:
        self.place = place
        self.held = held


def pickled(value: Any) -> bytes:
    """A whole pickle of plain values, arrays and Objects."""
    return RESULT % body(value)


def body(value: Any) -> bytes:
    """What puts a value on the stack."""
    if isinstance(value, Object):
        module, name = value.place.split()
        return b"c%s\n%s\n)\x81%sb" % (module.encode(), name.encode(), body(value.held))
    if isinstance(value, dict):
        return b"}(%su" % b"".join(body(key) + body(each) for key, each in value.items())
    if isinstance(value, list):
        return b"](%se" % b"".join(map(body, value))
    if isinstance(value, tuple):
        return b"(%st" % b"".join(map(body, value))
    return pickle.dumps(value, 2)[2:-1]


def python2(array: np.ndarray) -> bytes:
    """An array as Python 2 pickled it: the module's old name, and its bytes as a string."""
    kind = b"cnumpy\ndtype\nU\x02%sK\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb" % (
        array.dtype.str[1:].encode()
    )
    data = array.tobytes()
    shape = b"(%st" % b"".join(body(axis) for axis in array.shape)
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return made + b"(K\x01%s%s\x89T%s%stb" % (shape, kind, len(data).to_bytes(4, "little"), data)
