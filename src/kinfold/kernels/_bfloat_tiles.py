"""Tiles of matrix products in bfloat16, as `_tiles` has them in float32: two products and their sum an instruction.

Numbers of bfloat16 are the upper halves of float32 ones, here uint16. The right matrix is packed in panels of PANEL
columns: PANEL pairs for each two k. Sums are float32.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from kinfold.kernels._simd import _INT, LANES, WIDE, _call, _constant, _data, _load, _Loop
from kinfold.kernels._simd import _VECTOR as _FLOATS
from kinfold.kernels._tiles import (
    _SMALL,
    PANEL,
    ROWS,
    UNROLLED,
    _at,
    _finish,
    _load_whole,
    _rows_at,
    _whole_splat,
)

# Whether this processor multiplies such numbers by vectors of 512 bits.
BFLOATS = bool(llvm.get_host_cpu_features().get("avx512bf16") and WIDE)


class _BFloat(ir.Type):  # type: ignore[misc]
    """LLVM's bfloat, for which llvmlite has no name."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


_HALVES = ir.VectorType(_BFloat(), LANES)
_PAIRS = ir.VectorType(_BFloat(), 2 * LANES)
_SHORTS = ir.VectorType(ir.IntType(16), LANES)


def _bfloat_tile(act: str) -> Any:
    @intrinsic
    def bfloat_tile(
        typing: Any,
        a: Any,
        at: Any,
        stride: Any,
        b: Any,
        to: Any,
        depth: Any,
        bias: Any,
        column: Any,
        out: Any,
        place: Any,
        wide: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            data = {each: _data(context, builder, kinds[each], arguments[each]) for each in (0, 3, 6, 8)}
            lefts = _rows_at(builder, arguments[1], arguments[2])
            loop = _Loop(builder, arguments[5], 2 * UNROLLED, [_constant(0.0)] * (2 * ROWS))
            line = builder.add(arguments[4], builder.mul(loop.at, ir.Constant(_INT, PANEL)))
            places = [builder.gep(data[0], [builder.add(left, loop.at)]) for left in lefts]
            sums = list(loop.carried)
            for step in range(UNROLLED):
                shift = 2 * PANEL * step
                rights = [
                    _load_whole(builder, data[3], _at(builder, line, shift + 2 * LANES * each)) for each in range(2)
                ]
                for row, left in enumerate(places):
                    two = builder.bitcast(builder.gep(left, [ir.Constant(_INT, 2 * step)]), _SMALL.as_pointer())
                    x = _whole_splat(builder, builder.load(two, align=2))
                    for each in range(2):
                        sums[2 * row + each] = _two_products(builder, sums[2 * row + each], x, rights[each])
            loop.end(sums)
            to = data[8], _rows_at(builder, arguments[9], arguments[10])
            _finish(builder, act, loop.carried, (data[6], arguments[7]), to)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(a, whole, whole, b, whole, whole, bias, whole, out, whole, whole), generate

    return bfloat_tile


def _two_products(builder: Any, total: Any, a: Any, b: Any) -> Any:
    a, b = (builder.bitcast(each, _PAIRS) for each in (a, b))
    return _call(builder, "llvm.x86.avx512bf16.dpbf16ps.512", _FLOATS, total, a, b)


# bfloat_tile_X(a, at, stride, b, to, depth, bias, column, out, place, wide): as float_tile, of a packed matrix.
bfloat_tile_plain = _bfloat_tile("plain")
bfloat_tile_gelu = _bfloat_tile("gelu")


@intrinsic
def to_bfloats(typing: Any, x: Any, at: Any, width: Any, out: Any, place: Any) -> Any:
    """out[place:place + width] = x[at:at + width] in bfloat16, rounded to the nearest."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        x_data, out_data = (_data(context, builder, kinds[each], arguments[each]) for each in (0, 3))
        loop = _Loop(builder, arguments[2], LANES, [])
        value = builder.fptrunc(_load(builder, x_data, builder.add(arguments[1], loop.at)), _HALVES)
        where = builder.gep(out_data, [builder.add(arguments[4], loop.at)])
        builder.store(builder.bitcast(value, _SHORTS), builder.bitcast(where, _SHORTS.as_pointer()), align=2)
        loop.end([])
        return context.get_dummy_value()

    return types.void(x, types.int64, types.int64, out, types.int64), generate
