"""How every kernel is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

Function = Callable[..., Any]

# One by one: sums may be reordered and multiplications fused; NaN and infinity keep their meaning.
FLAGS = {"reassoc", "nsz", "arcp", "contract", "afn"}


def jit(function: Function) -> Function:
    """A kernel: compiled on first call, kept on disk for the next process, free of the interpreter lock."""
    kernel: Function = njit(nogil=True, cache=True, fastmath=FLAGS, error_model="numpy", boundscheck=False)(function)
    return kernel


def inline(function: Function) -> Function:
    """A part of a kernel that is compiled into it."""
    part: Function = njit(nogil=True, fastmath=FLAGS, error_model="numpy", boundscheck=False, inline="always")(function)
    return part


def plain(array: np.ndarray) -> np.ndarray:
    """The same memory, seen as writeable: a read-only array is a second signature and would compile a kernel twice."""
    return array if array.flags.writeable else np.asarray(_Borrowed(array))


class _Borrowed:
    """Offers an array's memory as writeable, and keeps the array alive for as long as it is used."""

    def __init__(self, array: np.ndarray) -> None:
        self.owner = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}


def aligned(rows: int, width: int) -> np.ndarray:
    """Zeros (rows * width,) float32 that begin on a cache line."""
    memory = np.zeros(rows * width + 16, np.float32)
    start = -(memory.ctypes.data // 4) % 16
    return memory[start : start + rows * width]
