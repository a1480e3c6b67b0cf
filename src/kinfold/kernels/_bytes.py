"""Eight bytes at a time: what a kernel over text needs and numba has no name for."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from kinfold.kernels._jit import inline


@intrinsic
def eight(typing: Any, data: Any, at: Any) -> Any:
    """`data[at:at + 8]` of a uint8 array as one little-endian uint64; wherever it begins."""
    return types.uint64(data, types.int64), _load(64)


@intrinsic
def four(typing: Any, data: Any, at: Any) -> Any:
    """`data[at:at + 4]` of a uint8 array as one little-endian uint32; wherever it begins."""
    return types.uint32(data, types.int64), _load(32)


def _load(bits: int) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(bits).as_pointer())
        return builder.load(place, align=1)

    return build


@intrinsic
def trailing_zeros(typing: Any, value: Any) -> Any:
    """Zero bits below the lowest one of a uint64 that is not 0."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), build


@inline
def point_width(byte):
    """Bytes of the UTF-8 character that this byte begins."""
    if byte < 0x80:
        return 1
    if byte < 0xE0:
        return 2
    return 3 if byte < 0xF0 else 4


@inline
def point_at(data, at):
    """The code point at a place of valid UTF-8, int64."""
    byte = int(data[at])
    if byte < 0x80:
        return byte
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | (int(data[at + 1]) & 0x3F)
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | (int(data[at + 1]) & 0x3F) << 6 | (int(data[at + 2]) & 0x3F)
    return (
        (byte & 0x07) << 18
        | (int(data[at + 1]) & 0x3F) << 12
        | (int(data[at + 2]) & 0x3F) << 6
        | (int(data[at + 3]) & 0x3F)
    )


@inline
def put_point(point, data, at):
    """Writes a code point as UTF-8; returns the place behind it."""
    if point < 0x80:
        data[at] = point
        return at + 1
    if point < 0x800:
        data[at] = 0xC0 | point >> 6
        data[at + 1] = 0x80 | (point & 0x3F)
        return at + 2
    if point < 0x10000:
        data[at] = 0xE0 | point >> 12
        data[at + 1] = 0x80 | (point >> 6 & 0x3F)
        data[at + 2] = 0x80 | (point & 0x3F)
        return at + 3
    data[at] = 0xF0 | point >> 18
    data[at + 1] = 0x80 | (point >> 12 & 0x3F)
    data[at + 2] = 0x80 | (point >> 6 & 0x3F)
    data[at + 3] = 0x80 | (point & 0x3F)
    return at + 4
