"""What a pickle's names stand for when it is read as data: stand-ins that keep what they are given, and do nothing.

None of them copies what it is given: a small file may hand over the same large thing again and again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np

# Modules, old and new, whose functions make arrays.
_NUMPY = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
# Names that stand for things which vectors do not need: types, random states, functions.
_IGNORED = {
    *(("builtins", name) for name in ("hash", "int", "float", "str", "object", "list", "dict", "bool", "bytes")),
    *(("numpy", name) for name in ("float32", "float64", "int32", "int64", "uint32", "bool_")),
    ("numpy.random", "__RandomState_ctor"),
    ("numpy.random._pickle", "__randomstate_ctor"),
    ("numpy.random._pickle", "__bit_generator_ctor"),
    ("numpy.random._pickle", "__generator_ctor"),
    ("numpy.random._mt19937", "MT19937"),
    ("numpy.random._pcg64", "PCG64"),
    ("numpy.random.mtrand", "RandomState"),
    ("mtrand", "RandomState"),
}


class Thing:
    """An object of which nothing is known but its class's name and what it was to hold.

    Args:
        kind: `module.Class`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._states: list[Any] = []

    def take(self, state: Any) -> None:
        """Attributes that the object is to hold: a dictionary, or a pair with one."""
        self._states.append(state)

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute."""
        for state in reversed(self._states):
            for part in state if isinstance(state, tuple) else (state,):
                if isinstance(part, dict) and name in part:
                    return part[name]
        return default


class Numbers(Thing):
    """An array of numpy, or the type of one.

    Args:
        code: Of a type, as `f4`; empty for an array.
    """

    def __init__(self, code: str = "") -> None:
        super().__init__("numpy.ndarray")
        self.code = code
        self._state: tuple[Any, ...] = ()

    def take(self, state: Any) -> None:
        """A type's state tells the order of its bytes, an array's all there is of it."""
        self._state = state if isinstance(state, tuple) else ()

    def array(self) -> np.ndarray:
        """The numbers, on the memory that they were read from.

        Raises:
            ValueError: It is an array of something else, or what it holds does not go with its shape.
        """
        if len(self._state) < 4:
            raise ValueError("an array that holds nothing")
        shape, kind, fortran, data = self._state[-4:]
        shape = (shape,) if isinstance(shape, int) else shape
        if not isinstance(kind, Numbers) or not isinstance(shape, tuple | list) or len(shape) > 8:
            raise ValueError("an array of no type or shape")
        if not all(type(axis) is int and 0 <= axis < 1 << 48 for axis in shape):
            raise ValueError("an array of no shape")
        data = _raw(data)
        if len(data) != math.prod(shape) * kind.type.itemsize:
            raise ValueError(f"{len(data):,} bytes do not go with the array's shape")
        return np.frombuffer(data, kind.type).reshape(shape, order="F" if fortran else "C")

    def scalar(self, data: Any) -> Any:
        """One number of this type."""
        return np.frombuffer(_raw(data[:16]), self.type, 1)[0].item()

    @property
    def type(self) -> np.dtype[Any]:
        """The type of numbers that this is.

        Raises:
            ValueError: It is that of something else.
        """
        if self.code[:1] not in tuple("fiub") or self.code[1:] not in tuple("1248"):
            raise ValueError("an array of something else than numbers")
        order = self._state[1] if len(self._state) > 1 and self._state[1] in ("<", ">") else "<"
        return np.dtype(self.code).newbyteorder(cast(Literal["<", ">"], order))


class Maker:
    """Stands for a class or a function.

    Args:
        make: Gives what a call of it gives.
    """

    __slots__ = ("make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make


def made(maker: Any, *arguments: Any) -> Any:
    """What a call of a class or a function gives.

    Raises:
        ValueError: It is neither.
    """
    if not isinstance(maker, Maker):
        raise ValueError("it calls what is no function")
    return maker.make(*arguments)


def stand_in(module: str, name: str, packages: tuple[str, ...]) -> Maker | None:
    """For a name on the list, or one of these packages; None for any other."""
    module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
    if (module, name) in _FUNCTIONS:
        return Maker(_FUNCTIONS[module, name])
    if (module, name) in _IGNORED or module.split(".")[0] in packages:
        return Maker(lambda *_: Thing(f"{module}.{name}"))
    return None


def _raw(data: Any) -> bytes | memoryview:
    """Bytes; Python 2 kept them as strings, and Python 3 does where it writes as Python 2 did."""
    if isinstance(data, str):
        return data.encode("latin1")
    if not isinstance(data, bytes | memoryview):
        raise ValueError("an array of something else than numbers")
    return data


def _array(*_: Any) -> Numbers:
    return Numbers()


def _array_of(data: Any, kind: Any, shape: Any, order: Any = "C") -> Numbers:
    found = Numbers()
    found.take((shape, kind, order == "F", data))
    return found


def _type(code: Any, *_: Any) -> Numbers:
    return Numbers(code if isinstance(code, str) else "O8")


def _scalar(kind: Any, data: Any = b"") -> Any:
    return kind.scalar(data)


def _text(text: Any, *_: Any) -> Any:
    return text


def _dictionary(*_: Any) -> dict[Any, Any]:
    return {}


def _rebuilt(maker: Any, *_: Any) -> Any:
    return made(maker)


_FUNCTIONS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _dictionary,
    ("collections", "defaultdict"): _dictionary,
    ("_codecs", "encode"): _text,
    ("copyreg", "_reconstructor"): _rebuilt,
    **{(module, "_reconstruct"): _array for module in _NUMPY},
    **{(module, "_frombuffer"): _array_of for module in _NUMPY},
    **{(module, "scalar"): _scalar for module in _NUMPY},
    ("numpy", "ndarray"): _array,
    ("numpy", "dtype"): _type,
}
