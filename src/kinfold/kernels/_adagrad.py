"""Steps of AdaGrad on pairs of rows, written as LLVM instructions: no loop vectorizer takes the short way to 1 / sqrt.

A row is `width` coordinates, a multiple of LANES, and behind them the sums of squares of each. Given a rate g:

    s = clip(g y) ,  x -= s / sqrt(G) ,  G += s^2        for the row x, G and the other one y, H
    t = clip(g x) ,  y -= t / sqrt(H) ,  H += t^2        (both from the old values)
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
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
    _load,
    _Loop,
    _offset,
    _splat,
    _store,
)

_FEATURES = llvm.get_host_cpu_features()
_RANGE = WIDE and bool(_FEATURES.get("avx512dq", False))
_ESTIMATE = WIDE or bool(_FEATURES.get("avx", False))
_ALL = ir.Constant(ir.IntType(16), -1)


def _step(builder: Any, x: Any, rate: Any, squares: Any) -> Any:
    """The difference x - rate / sqrt(squares): an estimate of 12 or 14 bits and one Newton step leave some 23."""
    if not _ESTIMATE:
        root = _call(builder, f"llvm.sqrt.v{LANES}f32", _VECTOR, squares)
        return builder.fsub(x, builder.fdiv(rate, root, flags=_FAST), flags=_FAST)
    if WIDE:
        near = _call(builder, "llvm.x86.avx512.rsqrt14.ps.512", _VECTOR, squares, _constant(0.0), _ALL)
    else:
        near = _call(builder, "llvm.x86.avx.rsqrt.ps.256", _VECTOR, squares)
    half = builder.fmul(squares, _constant(-0.5), flags=_FAST)
    correction = _fused(builder, half, builder.fmul(near, near, flags=_FAST), _constant(1.5))
    step = builder.fmul(rate, near, flags=_FAST)
    return _fused(builder, builder.fneg(step), correction, x)


def _clip(builder: Any, x: Any, high: Any, low: Any) -> Any:
    """What is left of x between low and high, where low is -high; NaN becomes one of them."""
    if _RANGE:
        # The smaller of both in size, with the sign of the first: one instruction.
        whole = ir.IntType(32)
        arguments = (x, high, ir.Constant(whole, 2), _constant(0.0), _ALL, ir.Constant(whole, 4))
        return _call(builder, "llvm.x86.avx512.mask.range.ps.512", _VECTOR, *arguments)
    x = builder.select(builder.fcmp_ordered("<", x, high), x, high)
    return builder.select(builder.fcmp_ordered(">", x, low), x, low)


def _offsets(pairs: int, builder: Any, context: Any, kinds: Any, arguments: Any) -> tuple[list[Any], list[Any]]:
    """Where the rows of the pairs begin: arguments 1 and 3 are int64 arrays of them."""
    places = [ir.Constant(_INT, pair) for pair in range(pairs)]
    lefts, rights = (
        [_offset(builder, context, kinds, arguments, which, place) for place in places] for which in (1, 3)
    )
    return lefts, rights


def _dot_rows(pairs: int) -> Any:
    @intrinsic
    def dot_rows(typing: Any, a: Any, at: Any, b: Any, to: Any, width: Any, s: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            a_data = _data(context, builder, kinds[0], arguments[0])
            b_data = _data(context, builder, kinds[2], arguments[2])
            out = _data(context, builder, kinds[5], arguments[5])
            lefts, rights = _offsets(pairs, builder, context, kinds, arguments)
            loop = _Loop(builder, arguments[4], LANES, [_constant(0.0)] * pairs)
            sums = []
            for left, right, total in zip(lefts, rights, loop.carried, strict=True):
                x = _load(builder, a_data, builder.add(left, loop.at))
                y = _load(builder, b_data, builder.add(right, loop.at))
                sums.append(_fused(builder, x, y, total))
            loop.end(sums)
            for pair, total in enumerate(loop.carried):
                name = f"llvm.vector.reduce.fadd.v{LANES}f32"
                signature = ir.FunctionType(_FLOAT, [_FLOAT, _VECTOR])
                reduce = builder.module.globals.get(name) or ir.Function(builder.module, signature, name)
                score = builder.call(reduce, [ir.Constant(_FLOAT, 0.0), total], fastmath=_FAST)
                builder.store(score, builder.gep(out, [ir.Constant(_INT, pair)]))
            return context.get_dummy_value()

        return types.void(a, at, b, to, types.int64, s), generate

    return dot_rows


# dot_rows_N(a, at, b, to, width, s): s[:N] become the products of rows of `a` at at[:N] and of `b` at to[:N].
dot_rows_1 = _dot_rows(1)
dot_rows_2 = _dot_rows(2)


def _step_rows(pairs: int) -> Any:
    @intrinsic
    def step_rows(typing: Any, a: Any, at: Any, b: Any, to: Any, width: Any, g: Any, most: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kinds = signature.args
            a_data = _data(context, builder, kinds[0], arguments[0])
            b_data = _data(context, builder, kinds[2], arguments[2])
            g_data = _data(context, builder, kinds[5], arguments[5])
            width = arguments[4]
            high, low = _splat(builder, arguments[6]), _splat(builder, builder.fneg(arguments[6]))
            rates = [
                _splat(builder, builder.load(builder.gep(g_data, [ir.Constant(_INT, pair)]))) for pair in range(pairs)
            ]
            lefts, rights = _offsets(pairs, builder, context, kinds, arguments)
            loop = _Loop(builder, width, LANES, [])
            for left, right, rate in zip(lefts, rights, rates, strict=True):
                sides = [(a_data, builder.add(left, loop.at)), (b_data, builder.add(right, loop.at))]
                rows = [_load(builder, data, place) for data, place in sides]
                for (data, place), row, other in zip(sides, rows, rows[::-1], strict=True):
                    behind = builder.add(place, width)
                    squares = _load(builder, data, behind)
                    change = _clip(builder, builder.fmul(rate, other, flags=_FAST), high, low)
                    _store(builder, data, place, _step(builder, row, change, squares))
                    _store(builder, data, behind, _fused(builder, change, change, squares))
            loop.end([])
            return context.get_dummy_value()

        return types.void(a, at, b, to, types.int64, g, types.float32), generate

    return step_rows


# step_rows_N(a, at, b, to, width, g, most): the step above for each of N pairs of rows, all different, with the rates
# g[:N], clipped at -most and most.
step_rows_1 = _step_rows(1)
step_rows_2 = _step_rows(2)
