"""Tiles of matrix products that stay in registers, as LLVM instructions: of float32, and of bytes where VNNI is there.

A tile is ROWS rows of the left matrix times two vectors of columns of the right one. The right matrix is packed in
panels of PANEL columns: of float32 a line of PANEL numbers for each k; of int8 PANEL groups of four for each four k,
which is what one VNNI instruction multiplies. What follows a product (bias, GELU, scales) is done before it is stored.

    float_tile   out = act(a b + bias)
    byte_tile    out = act((a - 128) b * (scale of the row) * (scale of the column) + bias)     a unsigned, b signed
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from kinfold.kernels._simd import (
    _FAST,
    _FLOAT,
    _INT,
    _VECTOR,
    LANES,
    WIDE,
    _call,
    _constant,
    _data,
    _fused,
    _lanes,
    _load,
    _Loop,
    _splat,
    _store,
)

_FEATURES = llvm.get_host_cpu_features()
# Whether four products of bytes and their sum are one instruction here.
BYTES = bool(
    (_FEATURES.get("avx512vnni") and _FEATURES.get("avx512vl") and WIDE) or (not WIDE and _FEATURES.get("avxvnni"))
)
ROWS = 12 if WIDE else 4
PANEL = 2 * LANES
UNROLLED = 4
BLOCK = 128  # numbers that one Hadamard matrix turns
_SMALL = ir.IntType(32)
_WHOLE = ir.VectorType(_SMALL, LANES)
_CHAR = ir.IntType(8)


def _at(builder: Any, base: Any, shift: int) -> Any:
    return builder.add(base, ir.Constant(_INT, shift)) if shift else base


def _whole_splat(builder: Any, value: Any) -> Any:
    one = builder.insert_element(ir.Constant(_WHOLE, ir.Undefined), value, ir.Constant(_SMALL, 0))
    return builder.shuffle_vector(one, ir.Constant(_WHOLE, ir.Undefined), _lanes([0] * LANES))


def _load_whole(builder: Any, data: Any, offset: Any) -> Any:
    place = builder.bitcast(builder.gep(data, [offset]), _WHOLE.as_pointer())
    return builder.load(place, align=4)


def _rows_at(builder: Any, start: Any, stride: Any) -> list[Any]:
    found = [start]
    for _ in range(1, ROWS):
        found.append(builder.add(found[-1], stride))
    return found


# erf on [-4, 4] as a ratio of polynomials, largest error 3e-7. Source: Eigen, generic_fast_erf_float.
_ABOVE = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_BELOW = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)


def _polynomial(builder: Any, x: Any, coefficients: tuple[float, ...]) -> Any:
    total = _constant(coefficients[0])
    for each in coefficients[1:]:
        total = _fused(builder, total, x, _constant(each))
    return total


def _inverse(builder: Any, x: Any) -> Any:
    """1 / x: an estimate and one step of Newton's, which costs less than a division."""
    if not WIDE:
        return builder.fdiv(_constant(1.0), x)
    rest, mask = ir.Constant(_VECTOR, [0.0] * LANES), ir.Constant(ir.IntType(16), -1)
    near = _call(builder, "llvm.x86.avx512.rcp14.ps.512", _VECTOR, x, rest, mask)
    miss = _fused(builder, builder.fneg(x), near, _constant(1.0))
    return _fused(builder, near, miss, near)


def _gelu(builder: Any, x: Any) -> Any:
    z = builder.fmul(x, _constant(0.7071067811865476))
    z = _call(builder, f"llvm.minnum.v{LANES}f32", _VECTOR, z, _constant(4.0))
    z = _call(builder, f"llvm.maxnum.v{LANES}f32", _VECTOR, z, _constant(-4.0))
    square = builder.fmul(z, z)
    above = builder.fmul(z, _polynomial(builder, square, _ABOVE))
    erf = builder.fmul(above, _inverse(builder, _polynomial(builder, square, _BELOW)))
    half = builder.fmul(x, _constant(0.5))
    return _fused(builder, half, erf, half)


def _exp(builder: Any, x: Any) -> Any:
    """e**x for x <= 0, as Cephes has it; what is below -87 gives about 1e-38."""
    x = _call(builder, f"llvm.maxnum.v{LANES}f32", _VECTOR, x, _constant(-87.0))
    n = _call(builder, f"llvm.rint.v{LANES}f32", _VECTOR, builder.fmul(x, _constant(1.4426950408889634)))
    r = _fused(builder, n, _constant(-0.693359375), x)
    r = _fused(builder, n, _constant(2.12194440e-4), r)
    series = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
    power = _fused(builder, builder.fmul(r, r), _polynomial(builder, r, series), builder.fadd(r, _constant(1.0)))
    shift = builder.shl(builder.fptosi(n, _WHOLE), ir.Constant(_WHOLE, [23] * LANES))
    return builder.bitcast(builder.add(builder.bitcast(power, _WHOLE), shift), _VECTOR)


def _finish(builder: Any, act: str, sums: list[Any], bias: tuple[Any, Any], to: tuple[Any, list[Any]]) -> None:
    """Stores the sums of a tile, plus biases from a place on, or times the shares of its rows that stand there."""
    data, column = bias
    out, rows = to
    adds = [_load(builder, data, _at(builder, column, LANES * each)) for each in range(2)]
    for row, where in enumerate(rows):
        for each in range(2):
            value = sums[2 * row + each]
            if act == "scaled":  # by a number a row
                share = builder.load(builder.gep(data, [_at(builder, column, row)]))
                value = builder.fmul(value, _splat(builder, share))
            else:
                value = builder.fadd(value, adds[each])
            value = _gelu(builder, value) if act == "gelu" else value
            _store(builder, out, _at(builder, where, LANES * each), value)


def _float_tile(act: str) -> Any:
    # Addresses are reckoned once in so many steps; they would take the place of multiplications.
    unrolled = 1 if act == "scaled" else UNROLLED

    @intrinsic
    def float_tile(
        typing: Any,
        a: Any,
        at: Any,
        stride: Any,
        b: Any,
        to: Any,
        apart: Any,
        depth: Any,
        bias: Any,
        column: Any,
        out: Any,
        place: Any,
        wide: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            data = {each: _data(context, builder, kinds[each], arguments[each]) for each in (0, 3, 7, 9)}
            lefts = _rows_at(builder, arguments[1], arguments[2])
            loop = _Loop(builder, arguments[6], unrolled, [_constant(0.0)] * (2 * ROWS))
            line = builder.add(arguments[4], builder.mul(loop.at, arguments[5]))
            places = [builder.gep(data[0], [builder.add(left, loop.at)]) for left in lefts]
            sums = list(loop.carried)
            for step in range(unrolled):
                rights = [_load(builder, data[3], _at(builder, line, LANES * each)) for each in range(2)]
                line = builder.add(line, arguments[5])
                for row, left in enumerate(places):
                    x = _splat(builder, builder.load(builder.gep(left, [ir.Constant(_INT, step)])))
                    for each in range(2):
                        sums[2 * row + each] = _fused(builder, x, rights[each], sums[2 * row + each])
            loop.end(sums)
            to = data[9], _rows_at(builder, arguments[10], arguments[11])
            _finish(builder, act, loop.carried, (data[7], arguments[8]), to)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(a, whole, whole, b, whole, whole, whole, bias, whole, out, whole, whole), generate

    return float_tile


# float_tile_X(a, at, stride, b, to, apart, depth, bias, column, out, place, wide): ROWS rows of `a` from a[at] on,
# `stride` apart, times PANEL columns of `b` from b[to] on, `depth` rows that are `apart` apart, plus
# bias[column:column + PANEL], to out[place:], rows `wide` apart. Of "scaled", rows are multiplied by
# bias[column:column + ROWS] instead.
float_tile_plain = _float_tile("plain")
float_tile_gelu = _float_tile("gelu")
float_tile_scaled = _float_tile("scaled")


def _byte_tile(act: str) -> Any:
    @intrinsic
    def byte_tile(
        typing: Any,
        a: Any,
        at: Any,
        stride: Any,
        b: Any,
        to: Any,
        depth: Any,
        scales: Any,
        first: Any,
        columns: Any,
        column: Any,
        out: Any,
        place: Any,
        wide: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            data = {each: _data(context, builder, kinds[each], arguments[each]) for each in (0, 3, 6, 8, 10)}
            lefts = _rows_at(builder, arguments[1], arguments[2])
            zero = ir.Constant(_WHOLE, [0] * LANES)
            loop = _Loop(builder, arguments[5], 4 * UNROLLED, [zero] * (2 * ROWS))
            line = builder.add(arguments[4], builder.mul(loop.at, ir.Constant(_INT, PANEL)))
            places = [builder.gep(data[0], [builder.add(left, loop.at)]) for left in lefts]
            sums = list(loop.carried)
            for step in range(UNROLLED):
                shift = 4 * PANEL * step
                rights = [
                    _load_whole(builder, data[3], _at(builder, line, shift + 4 * LANES * each)) for each in range(2)
                ]
                for row, left in enumerate(places):
                    four = builder.bitcast(builder.gep(left, [ir.Constant(_INT, 4 * step)]), _SMALL.as_pointer())
                    x = _whole_splat(builder, builder.load(four, align=1))
                    for each in range(2):
                        sums[2 * row + each] = _four_products(builder, sums[2 * row + each], x, rights[each])
            loop.end(sums)
            # Of every column: its scale, its bias, and 128 times its sum, which the offset of `a` has added.
            begin = builder.mul(arguments[9], ir.Constant(_INT, 3))
            told = [
                [_load(builder, data[8], _at(builder, begin, PANEL * part + LANES * each)) for each in range(2)]
                for part in range(3)
            ]
            for row, where in enumerate(_rows_at(builder, arguments[11], arguments[12])):
                share = _splat(builder, builder.load(builder.gep(data[6], [_at(builder, arguments[7], row)])))
                for each in range(2):
                    value = builder.sitofp(loop.carried[2 * row + each], _VECTOR)
                    value = builder.fsub(value, told[2][each])
                    value = _fused(builder, value, builder.fmul(share, told[0][each]), told[1][each])
                    value = _gelu(builder, value) if act == "gelu" else value
                    _store(builder, data[10], _at(builder, where, LANES * each), value)
            return context.get_dummy_value()

        whole = types.int64
        kinds = (a, whole, whole, b, whole, whole, scales, whole, columns, whole, out, whole, whole)
        return types.void(*kinds), generate

    return byte_tile


def _four_products(builder: Any, total: Any, a: Any, b: Any) -> Any:
    return _call(builder, f"llvm.x86.avx512.vpdpbusd.{32 * LANES}", _WHOLE, total, a, b)


# byte_tile_X(a, at, stride, b, to, depth, scales, first, columns, column, out, place, wide): as float_tile, with
# scales[first:first + ROWS] of the rows, and of the columns three lines of PANEL numbers from columns[3 column:] on:
# scales, biases, and 128 times the sums.
byte_tile_plain = _byte_tile("plain")
byte_tile_gelu = _byte_tile("gelu")


def _reduced(builder: Any, how: str, vector: Any) -> Any:
    """One number of a vector's lanes: `fmax` or `fadd`."""
    given = [vector] if how == "fmax" else [ir.Constant(_FLOAT, 0.0), vector]
    kind = ir.FunctionType(_FLOAT, [each.type for each in given])
    name = f"llvm.vector.reduce.{how}.v{LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), given, fastmath=_FAST)


def _all_of(builder: Any, how: Any, vectors: list[Any]) -> Any:
    """One vector whose lane i is all lanes of vectors[i] together, by `how` of two vectors."""
    vectors = vectors + [vectors[0]] * (LANES - len(vectors))
    size = LANES // 2
    while size:
        # Lanes of a pair meet at the distance `size`; the first of the pair keeps the lower half of each group.
        low = _lanes([lane if not lane & size else lane - size + LANES for lane in range(LANES)])
        high = _lanes([lane + size if not lane & size else lane + LANES for lane in range(LANES)])
        count = len(vectors) // 2
        vectors = [
            how(builder.shuffle_vector(a, b, low), builder.shuffle_vector(a, b, high))
            for a, b in zip(vectors[:count], vectors[count:], strict=True)
        ]
        size //= 2
    return vectors[0]


@intrinsic
def soften(typing: Any, s: Any, room: Any, length: Any, shares: Any) -> Any:
    """ROWS rows of s, `room` apart, become e**(s - the largest of the row); shares[row] = 1 / their sum.

    Only the first `length` of a row count; up to the next whole vector 0 is written.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        data, out = (_data(context, builder, kinds[each], arguments[each]) for each in (0, 3))
        rows = _rows_at(builder, ir.Constant(_INT, 0), arguments[1])
        numbers = ir.Constant(_WHOLE, list(range(LANES)))

        def held(row: Any, at: Any) -> Any:
            left = _whole_splat(builder, builder.trunc(builder.sub(arguments[2], at), _SMALL))
            inside = builder.icmp_signed("<", numbers, left)
            return builder.select(inside, _load(builder, data, builder.add(row, at)), _constant(-1e30))

        larger = lambda a, b: _call(builder, f"llvm.maxnum.v{LANES}f32", _VECTOR, a, b)  # noqa: E731
        loop = _Loop(builder, arguments[2], LANES, [_constant(-1e30)] * ROWS)
        loop.end([larger(most, held(row, loop.at)) for most, row in zip(loop.carried, rows, strict=True)])
        most = _all_of(builder, larger, loop.carried)
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        tops = [builder.shuffle_vector(most, undefined, _lanes([row] * LANES)) for row in range(ROWS)]
        loop = _Loop(builder, arguments[2], LANES, [_constant(0.0)] * ROWS)
        sums = []
        for total, row, top in zip(loop.carried, rows, tops, strict=True):
            value = _exp(builder, builder.fsub(held(row, loop.at), top))
            _store(builder, data, builder.add(row, loop.at), value)
            sums.append(builder.fadd(total, value, flags=_FAST))
        loop.end(sums)
        total = _all_of(builder, lambda a, b: builder.fadd(a, b, flags=_FAST), loop.carried)
        _store(builder, out, ir.Constant(_INT, 0), builder.fdiv(_constant(1.0), total))
        return context.get_dummy_value()

    return types.void(s, types.int64, types.int64, shares), generate


@intrinsic
def turn(typing: Any, x: Any, at: Any, width: Any, out: Any, place: Any) -> Any:
    """out[place:place + width] = blocks of x[at:at + width] times a Hadamard matrix of ±1; returns the largest size.

    Source: fast Walsh-Hadamard transform, within vectors by shuffles and between them by sums and differences.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        x_data, out_data = (_data(context, builder, kinds[each], arguments[each]) for each in (0, 3))
        loop = _Loop(builder, arguments[2], BLOCK, [_constant(0.0)])
        count = BLOCK // LANES
        here, there = (builder.add(arguments[each], loop.at) for each in (1, 4))
        held = [_load(builder, x_data, _at(builder, here, LANES * each)) for each in range(count)]
        stride = 1
        while stride < LANES:
            places = _lanes([lane ^ stride for lane in range(LANES)])
            signs = ir.Constant(_VECTOR, [-1.0 if lane & stride else 1.0 for lane in range(LANES)])
            held = [_fused(builder, each, signs, builder.shuffle_vector(each, each, places)) for each in held]
            stride *= 2
        stride = 1
        while stride < count:
            new = list(held)
            for each in range(count):
                if not each & stride:
                    new[each] = builder.fadd(held[each], held[each | stride])
                    new[each | stride] = builder.fsub(held[each], held[each | stride])
            held = new
            stride *= 2
        most = loop.carried[0]
        for each, value in enumerate(held):
            size = _call(builder, f"llvm.fabs.v{LANES}f32", _VECTOR, value)
            most = _call(builder, f"llvm.maxnum.v{LANES}f32", _VECTOR, most, size)
            _store(builder, out_data, _at(builder, there, LANES * each), value)
        loop.end([most])
        return _reduced(builder, "fmax", loop.carried[0])

    return types.float32(x, types.int64, types.int64, out, types.int64), generate


@intrinsic
def to_bytes(typing: Any, x: Any, at: Any, width: Any, factor: Any, out: Any, place: Any) -> Any:
    """out[place:place + width] = round(x[at:at + width] * factor) + 128, unsigned bytes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        x_data, out_data = (_data(context, builder, kinds[each], arguments[each]) for each in (0, 4))
        share = _splat(builder, arguments[3])
        kind = ir.VectorType(_CHAR, LANES)
        loop = _Loop(builder, arguments[2], LANES, [])
        value = _fused(builder, _load(builder, x_data, builder.add(arguments[1], loop.at)), share, _constant(128.0))
        value = builder.fptosi(_call(builder, f"llvm.rint.v{LANES}f32", _VECTOR, value), _WHOLE)
        where = builder.gep(out_data, [builder.add(arguments[5], loop.at)])
        builder.store(builder.trunc(value, kind), builder.bitcast(where, kind.as_pointer()), align=1)
        loop.end([])
        return context.get_dummy_value()

    return types.void(x, types.int64, types.int64, types.float32, out, types.int64), generate


@intrinsic
def turn_over(typing: Any, a: Any, at: Any, stride: Any, out: Any, place: Any, wide: Any) -> Any:
    """LANES by LANES numbers, rows of `a` from `at` on `stride` apart, become columns of `out` from `place` on.

    Pairs of vectors exchange halves, quarters, … of themselves.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        a_data, out_data = (_data(context, builder, kinds[each], arguments[each]) for each in (0, 3))
        row, held = arguments[1], []
        for _ in range(LANES):
            held.append(_load(builder, a_data, row))
            row = builder.add(row, arguments[2])
        size = 1
        while size < LANES:
            low = _lanes([lane if not lane & size else lane - size + LANES for lane in range(LANES)])
            high = _lanes([lane + size if not lane & size else lane + LANES for lane in range(LANES)])
            new = list(held)
            for each in range(LANES):
                if not each & size:
                    pair = held[each], held[each | size]
                    new[each] = builder.shuffle_vector(*pair, low)
                    new[each | size] = builder.shuffle_vector(*pair, high)
            held = new
            size *= 2
        line = arguments[4]
        for value in held:
            _store(builder, out_data, line, value)
            line = builder.add(line, arguments[5])
        return context.get_dummy_value()

    whole = types.int64
    return types.void(a, whole, whole, out, whole, whole), generate
