"""A few vector instructions for kernels, and the two tiles that every negative-sampling learner spends its time in.

LLVM vectorizes a loop, but not a tile of rows against rows that stays in registers; so the tiles are written here as
LLVM instructions, by Python loops over their rows. Arrays are flat float32; rows are padded to whole vectors.

With contexts x (rows of `a`), targets o (rows of `b`) and gradients g:

    score_tile    s[i, j] = x_i . o_j
    update_tile   x_i += sum_j g[i, j] o_j ,  o_j += sum_i g[i, j] x_i      (both from the old values)
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDE = bool(llvm.get_host_cpu_features().get("avx512f", False))
# Floats of a vector, contexts of the largest score tile, columns of vectors that an update tile holds at once: what the
# 32 registers of AVX-512, or the 16 of AVX2, can keep.
LANES = 16 if WIDE else 8
CONTEXTS = 4 if WIDE else 2
COLUMNS = 2 if WIDE else 1
LINE = 16  # floats of a cache line
TARGETS = 6  # the word itself and five negatives; other numbers are padded to a multiple

_FLOAT = ir.FloatType()
_INT = ir.IntType(64)
_VECTOR = ir.VectorType(_FLOAT, LANES)
_BYTES = ir.IntType(8).as_pointer()
_FAST = ("reassoc", "nsz", "arcp", "contract")


def _data(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.make_array(kind)(context, builder, value).data


def _load(builder: Any, data: Any, offset: Any) -> Any:
    place = builder.bitcast(builder.gep(data, [offset]), _VECTOR.as_pointer())
    return builder.load(place, align=4)


def _store(builder: Any, data: Any, offset: Any, value: Any) -> None:
    place = builder.bitcast(builder.gep(data, [offset]), _VECTOR.as_pointer())
    builder.store(value, place, align=4)


def _constant(value: float) -> Any:
    return ir.Constant(_VECTOR, [value] * LANES)


def _splat(builder: Any, value: Any) -> Any:
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), _lanes([0] * LANES))


def _lanes(places: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)


def _call(builder: Any, name: str, kind: Any, *arguments: Any) -> Any:
    signature = ir.FunctionType(kind, [each.type for each in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), arguments)


def _fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return _call(builder, f"llvm.fma.v{LANES}f32", _VECTOR, a, b, c)


def _sums(builder: Any, vectors: list[Any]) -> Any:
    """One vector whose lane i is the sum of the lanes of vectors[i]; lanes past them hold nothing of use.

    Interleaving two vectors and adding the halves costs 3 instructions a pair and leaves both sums in one vector, where
    summing each vector by itself costs 8.
    """
    size = 8 if len(vectors) <= 8 else 16
    vectors = vectors + [_constant(0.0)] * (size - len(vectors))
    half = LANES // 2
    low = _lanes([lane // 2 + LANES * (lane % 2) for lane in range(LANES)])
    high = _lanes([half + lane // 2 + LANES * (lane % 2) for lane in range(LANES)])
    while len(vectors) > 1:
        middle = len(vectors) // 2
        vectors = [
            builder.fadd(builder.shuffle_vector(a, b, low), builder.shuffle_vector(a, b, high), flags=_FAST)
            for a, b in zip(vectors[:middle], vectors[middle:], strict=True)
        ]
    if size < LANES:
        swapped = builder.shuffle_vector(
            vectors[0], vectors[0], _lanes([(lane + half) % LANES for lane in range(LANES)])
        )
        return builder.fadd(vectors[0], swapped, flags=_FAST)
    return vectors[0]


class _Loop:
    """A counted loop in LLVM instructions, with vectors that are carried from one round to the next."""

    def __init__(self, builder: Any, stop: Any, step: int, carried: list[Any]) -> None:
        self.builder, self.step = builder, step
        before = builder.block
        self.head = builder.append_basic_block("head")
        self.body = builder.append_basic_block("body")
        self.done = builder.append_basic_block("done")
        builder.branch(self.head)
        builder.position_at_end(self.head)
        self.at = builder.phi(_INT)
        self.at.add_incoming(ir.Constant(_INT, 0), before)
        self.carried = [builder.phi(each.type) for each in carried]
        for phi, first in zip(self.carried, carried, strict=True):
            phi.add_incoming(first, before)
        inside = builder.icmp_signed("<", self.at, stop)
        builder.cbranch(inside, self.body, self.done)
        builder.position_at_end(self.body)

    def end(self, carried: list[Any]) -> None:
        """Closes the body with the next values of what is carried; goes on after the loop."""
        after = self.builder.block
        self.at.add_incoming(self.builder.add(self.at, ir.Constant(_INT, self.step)), after)
        for phi, value in zip(self.carried, carried, strict=True):
            phi.add_incoming(value, after)
        self.builder.branch(self.head)
        self.builder.position_at_end(self.done)


def _prefetch(write: int) -> Any:
    @intrinsic
    def prefetch(typing: Any, flat: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = _data(context, builder, signature.args[0], arguments[0])
            place = builder.bitcast(builder.gep(data, [arguments[1]]), _BYTES)
            flags = [ir.Constant(ir.IntType(32), value) for value in (write, 3, 1)]
            _call(builder, "llvm.prefetch.p0", ir.VoidType(), place, *flags)
            return context.get_dummy_value()

        return types.void(flat, types.int64), generate

    return prefetch


# prefetch(flat, offset): asks for the cache line of flat[offset], to be written soon; prefetch_read, to be read by
# several threads.
prefetch = _prefetch(1)
prefetch_read = _prefetch(0)


def _offset(builder: Any, context: Any, kinds: Any, arguments: Any, which: int, place: Any) -> Any:
    """arguments[which][place] of an int64 array."""
    return builder.load(builder.gep(_data(context, builder, kinds[which], arguments[which]), [place]))


def _score_tile(rows: int) -> Any:
    @intrinsic
    def score_tile(
        typing: Any, a: Any, at: Any, first: Any, b: Any, to: Any, target: Any, width: Any, s: Any, place: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            a_data = _data(context, builder, kinds[0], arguments[0])
            b_data = _data(context, builder, kinds[3], arguments[3])
            lefts = [
                _offset(builder, context, kinds, arguments, 1, builder.add(arguments[2], ir.Constant(_INT, row)))
                for row in range(rows)
            ]
            rights = [
                _offset(builder, context, kinds, arguments, 4, builder.add(arguments[5], ir.Constant(_INT, column)))
                for column in range(TARGETS)
            ]
            loop = _Loop(builder, arguments[6], LANES, [_constant(0.0)] * (rows * TARGETS))
            targets = [_load(builder, b_data, builder.add(each, loop.at)) for each in rights]
            sums = list(loop.carried)
            for row, left in enumerate(lefts):
                x = _load(builder, a_data, builder.add(left, loop.at))
                for column, o in enumerate(targets):
                    cell = row * TARGETS + column
                    sums[cell] = _fused(builder, x, o, sums[cell])
            loop.end(sums)
            out = _data(context, builder, kinds[7], arguments[7])
            group = min(LANES, 16)
            for start in range(0, rows * TARGETS, group):
                some = _sums(builder, loop.carried[start : start + group])
                _store(builder, out, builder.add(arguments[8], ir.Constant(_INT, start)), some)
            return context.get_dummy_value()

        return types.void(a, at, types.int64, b, to, types.int64, types.int64, s, types.int64), generate

    return score_tile


# score_tile_N(a, at, first, b, to, target, width, s, place): scores of the N rows of `a` at offsets at[first:first + N]
# and the TARGETS rows of `b` at to[target:target + TARGETS], written to s[place:]; up to LANES floats past them are
# overwritten.
score_tile_1 = _score_tile(1)
score_tile_2 = _score_tile(2)
score_tile_4 = _score_tile(4)


def _update_columns(columns: int) -> Any:
    @intrinsic
    def update_columns(
        typing: Any,
        a: Any,
        at: Any,
        count: Any,
        b: Any,
        to: Any,
        target: Any,
        column: Any,
        g: Any,
        place: Any,
        both: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            a_data = _data(context, builder, kinds[0], arguments[0])
            b_data = _data(context, builder, kinds[3], arguments[3])
            g_data = _data(context, builder, kinds[7], arguments[7])
            shifts = [builder.add(arguments[6], ir.Constant(_INT, LANES * each)) for each in range(columns)]
            places, old = [], []
            for j in range(TARGETS):
                right = _offset(builder, context, kinds, arguments, 4, builder.add(arguments[5], ir.Constant(_INT, j)))
                for shift in shifts:
                    places.append(builder.add(right, shift))
                    old.append(_load(builder, b_data, places[-1]))
            loop = _Loop(builder, arguments[2], 1, [_constant(0.0)] * len(old))
            change = list(loop.carried)
            left = _offset(builder, context, kinds, arguments, 1, loop.at)
            lefts = [builder.add(left, shift) for shift in shifts]
            x = [_load(builder, a_data, each) for each in lefts]
            new = list(x)
            row = builder.add(arguments[8], builder.mul(loop.at, ir.Constant(_INT, TARGETS)))
            for j in range(TARGETS):
                weight = _splat(builder, builder.load(builder.gep(g_data, [builder.add(row, ir.Constant(_INT, j))])))
                for each in range(columns):
                    cell = j * columns + each
                    new[each] = _fused(builder, weight, old[cell], new[each])
                    change[cell] = _fused(builder, weight, x[each], change[cell])
            for each in range(columns):
                _store(builder, a_data, lefts[each], new[each])
            loop.end(change)
            with builder.if_then(arguments[9], likely=True):
                for cell, place in enumerate(places):
                    _store(builder, b_data, place, builder.fadd(old[cell], loop.carried[cell], flags=_FAST))
            return context.get_dummy_value()

        whole = types.int64
        return types.void(a, at, whole, b, to, whole, whole, g, whole, types.boolean), generate

    return update_columns


# update_columns_N(a, at, count, b, to, target, column, g, place, both): N vectors of every row from `column` on: the
# rows of `a` at at[:count] and, if `both`, the TARGETS rows of `b` at to[target:]; gradients (count, TARGETS) from
# g[place:].
update_columns_1 = _update_columns(1)
update_columns_2 = _update_columns(2)


def _sum_rows(columns: int) -> Any:
    @intrinsic
    def sum_rows(
        typing: Any, a: Any, at: Any, first: Any, last: Any, column: Any, share: Any, out: Any, copy: Any, to: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            a_data = _data(context, builder, kinds[0], arguments[0])
            outs = [_data(context, builder, kinds[each], arguments[each]) for each in (6, 7)]
            share_lanes = _splat(builder, arguments[5])
            shifts = [builder.add(arguments[4], ir.Constant(_INT, LANES * each)) for each in range(columns)]
            count = builder.sub(arguments[3], arguments[2])
            loop = _Loop(builder, count, 1, [_constant(0.0)] * columns)
            row = _offset(builder, context, kinds, arguments, 1, builder.add(arguments[2], loop.at))
            loads = [_load(builder, a_data, builder.add(row, shift)) for shift in shifts]
            loop.end([builder.fadd(old, x, flags=_FAST) for old, x in zip(loop.carried, loads, strict=True)])
            for shift, total in zip(shifts, loop.carried, strict=True):
                scaled = builder.fmul(total, share_lanes, flags=_FAST)
                for out_data in outs:
                    _store(builder, out_data, builder.add(arguments[8], shift), scaled)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(a, at, whole, whole, whole, types.float32, out, copy, whole), generate

    return sum_rows


# sum_rows_N(a, at, first, last, column, share, out, copy, to): N vectors from `column` on, of the sum of the rows of
# `a` at at[first:last] times share, written from `to` on twice.
sum_rows_1 = _sum_rows(1)
sum_rows_4 = _sum_rows(4)


@intrinsic
def add_rows(typing: Any, a: Any, to: Any, b: Any, at: Any, first: Any, width: Any, g: Any, place: Any) -> Any:
    """a[to:to + width] += the sum of g[place + j] times the row of `b` at at[first + j], for j below TARGETS."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        a_data, b_data, g_data = (_data(context, builder, kinds[each], arguments[each]) for each in (0, 2, 6))
        rights, weights = [], []
        for j in range(TARGETS):
            shift = ir.Constant(_INT, j)
            rights.append(_offset(builder, context, kinds, arguments, 3, builder.add(arguments[4], shift)))
            weight = builder.load(builder.gep(g_data, [builder.add(arguments[7], shift)]))
            weights.append(_splat(builder, weight))
        loop = _Loop(builder, arguments[5], LANES, [])
        here = builder.add(arguments[1], loop.at)
        total = _load(builder, a_data, here)
        for right, weight in zip(rights, weights, strict=True):
            total = _fused(builder, weight, _load(builder, b_data, builder.add(right, loop.at)), total)
        _store(builder, a_data, here, total)
        loop.end([])
        return context.get_dummy_value()

    whole = types.int64
    return types.void(a, whole, b, at, whole, whole, g, whole), generate


@intrinsic
def outer_tile(typing: Any, t: Any, count: Any, width: Any, row: Any, column: Any, out: Any) -> Any:
    """Adds tᵀ t to `out`, TARGETS by 2 LANES cells from (row, column) on; t (count, width), out square, flat."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds = signature.args
        t_data, out_data = (_data(context, builder, kinds[each], arguments[each]) for each in (0, 5))
        loop = _Loop(builder, arguments[1], 1, [_constant(0.0)] * (2 * TARGETS))
        start = builder.mul(loop.at, arguments[2])
        right = builder.add(start, arguments[4])
        rights = [_load(builder, t_data, builder.add(right, ir.Constant(_INT, LANES * each))) for each in range(2)]
        sums = list(loop.carried)
        for j in range(TARGETS):
            left = builder.add(builder.add(start, arguments[3]), ir.Constant(_INT, j))
            x = _splat(builder, builder.load(builder.gep(t_data, [left])))
            for each in range(2):
                sums[2 * j + each] = _fused(builder, x, rights[each], sums[2 * j + each])
        loop.end(sums)
        for j in range(TARGETS):
            line = builder.mul(builder.add(arguments[3], ir.Constant(_INT, j)), arguments[2])
            for each in range(2):
                shift = builder.add(arguments[4], ir.Constant(_INT, LANES * each))
                here = builder.add(line, shift)
                old = _load(builder, out_data, here)
                _store(builder, out_data, here, builder.fadd(old, loop.carried[2 * j + each], flags=_FAST))
        return context.get_dummy_value()

    whole = types.int64
    return types.void(t, whole, whole, whole, whole, out), generate


@intrinsic
def add_row(typing: Any, a: Any, to: Any, b: Any, at: Any, width: Any, scale: Any) -> Any:
    """a[to:to + width] += scale * b[at:at + width]; `width` is a multiple of LANES."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a_data = _data(context, builder, signature.args[0], arguments[0])
        b_data = _data(context, builder, signature.args[2], arguments[2])
        scale_lanes = _splat(builder, arguments[5])
        loop = _Loop(builder, arguments[4], LANES, [])
        place = builder.add(arguments[1], loop.at)
        x = _load(builder, b_data, builder.add(arguments[3], loop.at))
        _store(builder, a_data, place, _fused(builder, scale_lanes, x, _load(builder, a_data, place)))
        loop.end([])
        return context.get_dummy_value()

    whole = types.int64
    return types.void(a, whole, b, whole, whole, types.float32), generate


def _exp_minus(builder: Any, x: Any) -> Any:
    """exp(-x) for x in 0..80: 2^n times a polynomial of degree 5 on |f| <= 1/2; relative error below 3e-7."""
    name = f".v{LANES}f32"
    scaled = builder.fmul(x, _constant(-1.4426950408889634), flags=_FAST)
    whole = _call(builder, "llvm.rint" + name, _VECTOR, scaled)
    part = builder.fsub(scaled, whole, flags=_FAST)
    value = _constant(0.0013333558)
    for factor in (0.0096181291, 0.0555041087, 0.2402265069, 0.6931471806, 1.0):
        value = _fused(builder, value, part, _constant(factor))
    integers = ir.VectorType(ir.IntType(32), LANES)
    power = builder.shl(builder.fptosi(whole, integers), ir.Constant(integers, [23] * LANES))
    return builder.bitcast(builder.add(builder.bitcast(value, integers), power), _VECTOR)


@intrinsic
def sigmoid_step(typing: Any, s: Any, place: Any, rate: Any, losses: Any) -> Any:
    """s[place:place + LANES] becomes -rate sigmoid(s), and the losses of scores with label 0 are added up.

    log(1 + exp(s)) = max(s, 0) + log(1 + exp(-|s|)): losses[:LANES] adds up the first terms and losses[LANES:]
    multiplies the arguments of the logarithms, so that one logarithm serves many scores; it is due before 2^128.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = _data(context, builder, signature.args[0], arguments[0])
        sums = _data(context, builder, signature.args[3], arguments[3])
        x = _load(builder, data, arguments[1])
        name = f".v{LANES}f32"
        size = _call(
            builder, "llvm.minnum" + name, _VECTOR, _call(builder, "llvm.fabs" + name, _VECTOR, x), _constant(80.0)
        )
        small = _exp_minus(builder, size)
        above = builder.fadd(small, _constant(1.0), flags=_FAST)
        positive = builder.fcmp_ordered(">", x, _constant(0.0))
        upper = builder.select(positive, _constant(1.0), small)
        sigmoid = builder.fdiv(upper, above, flags=_FAST)
        minus = builder.fmul(sigmoid, _splat(builder, builder.fneg(arguments[2])), flags=_FAST)
        _store(builder, data, arguments[1], minus)
        zero, one = ir.Constant(_INT, 0), ir.Constant(_INT, LANES)
        high = builder.select(positive, x, _constant(0.0))
        _store(builder, sums, zero, builder.fadd(_load(builder, sums, zero), high, flags=_FAST))
        _store(builder, sums, one, builder.fmul(_load(builder, sums, one), above, flags=_FAST))
        return context.get_dummy_value()

    return types.void(s, types.int64, types.float32, losses), generate


@intrinsic
def above(typing: Any, a: Any, at: Any, bound: Any) -> Any:
    """Which of the 64 floats a[at:at + 64] are above a bound, the first in the lowest bit of an int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = _data(context, builder, signature.args[0], arguments[0])
        limit = _splat(builder, arguments[2])
        found = ir.Constant(_INT, 0)
        for first in range(0, 64, LANES):
            vector = _load(builder, data, builder.add(arguments[1], ir.Constant(_INT, first)))
            bits = builder.bitcast(builder.fcmp_ordered(">", vector, limit), ir.IntType(LANES))
            found = builder.or_(found, builder.shl(builder.zext(bits, _INT), ir.Constant(_INT, first)))
        return found

    return types.int64(a, types.int64, types.float32), generate


@intrinsic
def lowest(typing: Any, bits: Any) -> Any:
    """The place of the lowest bit of an int64 that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _call(builder, "llvm.cttz.i64", _INT, arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate
