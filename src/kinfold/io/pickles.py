"""Reads a pickle as data, and runs nothing that it asks for.

A pickle is a program: it names functions and says what to call them with. Python's library runs it; here every name
stands for a stand-in of this module that keeps what it is given, and a name that is not on the list is refused. Nothing
is imported, called or changed. What may be a key of a dictionary is a string or a number, so that nothing deep is ever
hashed, and no length is believed that goes beyond the data.

Source: Python's pickletools, the description of the opcodes.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinfold.core.errors import BadData, KinfoldError
from kinfold.io.stand_ins import Maker, Thing, made, stand_in

_KEYS = {str, int, float, bool, type(None)}
_STOP, _TEXT, _MEMOIZE = pickle.STOP[0], pickle.SHORT_BINUNICODE[0], pickle.MEMOIZE[0]
_RECALL, _INTEGER = pickle.LONG_BINGET[0], pickle.BININT[0]
_PACKED = {form: struct.Struct(form) for form in ("<B", "<H", "<I", "<i", "<Q", ">d")}


def load(path: Path, data: Any, packages: tuple[str, ...]) -> Any:
    """What a pickle describes: Python's own plain types, and `Thing`s.

    Args:
        path: The file, for errors.
        data: Its bytes, or a map of them.
        packages: Those whose classes may be named.

    Raises:
        BadData: The pickle names something else, which it then says, or is damaged.
    """
    machine = _Machine(path, data, packages)
    try:
        return machine.run()
    except KinfoldError:
        raise
    # Whatever the bytes may lead to, it is the file that is wrong.
    except Exception as error:
        raise BadData(f"{path} byte {machine.at:,}: a damaged pickle ({type(error).__name__}: {error}).") from error


def _fill(held: Any, items: list[Any]) -> None:
    if isinstance(held, Thing):
        return
    if type(held) is not dict:
        raise ValueError("it sets items of what is no dictionary")
    if not set(map(type, items[::2])) <= _KEYS:
        raise ValueError("a key of a dictionary is neither a string nor a number")
    held.update(zip(items[::2], items[1::2], strict=True))


def _extend(held: Any, items: list[Any]) -> None:
    if isinstance(held, Thing):
        return
    if type(held) is not list:
        raise ValueError("it adds to what is no list")
    held.extend(items)


class _Machine:
    """A stack, a memory, and a place in the data."""

    def __init__(self, path: Path, data: Any, packages: tuple[str, ...]) -> None:
        self.at = 0
        self.path = path
        self.packages = packages
        self._raw = data
        self._data = memoryview(data)
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memory: dict[int, Any] = {}

    def run(self) -> Any:
        """What is on the stack in the end."""
        steps, data, stack, memory = _STEPS, self._data, self._stack, self._memory
        whole, short = _PACKED["<I"].unpack_from, _PACKED["<i"].unpack_from
        while True:
            at = self.at
            code = data[at]
            # A million words are four million of these: a text, its place in the memory, and that again with a number.
            if code == _TEXT and at + 2 + data[at + 1] <= len(data):
                self.at = at + 2 + data[at + 1]
                stack.append(str(data[at + 2 : self.at], "utf-8", "surrogatepass"))
            elif code == _MEMOIZE and stack:
                self.at = at + 1
                memory[len(memory)] = stack[-1]
            elif code == _RECALL:
                stack.append(memory[whole(data, at + 1)[0]])
                self.at = at + 5
            elif code == _INTEGER:
                stack.append(short(data, at + 1)[0])
                self.at = at + 5
            elif code == _STOP:
                return stack.pop()
            elif code in steps:
                self.at = at + 1
                steps[code](self)
            else:
                raise ValueError(f"the opcode {code} is not understood")

    def number(self, form: str) -> Any:
        """One number as it is packed."""
        packed = _PACKED[form]
        (found,) = packed.unpack_from(self._data, self.at)
        self.at += packed.size
        return found

    def take(self, size: int) -> memoryview:
        """The next bytes."""
        start, self.at = self.at, self.at + size
        if self.at > len(self._data):
            raise ValueError("it ends within a value")
        return self._data[start : self.at]

    def line(self) -> str:
        """The text up to the next line feed."""
        start = self.at
        stop = self._raw.find(b"\n", start)
        if stop < 0:
            raise ValueError("it ends within a line")
        self.at = stop + 1
        return str(self._data[start:stop], "latin1")

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def pop(self) -> Any:
        return self._stack.pop()

    def top(self) -> Any:
        return self._stack[-1]

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def popped(self) -> list[Any]:
        """All above the last mark."""
        begins = self._marks.pop()
        items = self._stack[begins:]
        del self._stack[begins:]
        return items

    def remember(self, number: int) -> None:
        self._memory[number] = self._stack[-1]

    def memoize(self) -> None:
        self._memory[len(self._memory)] = self._stack[-1]

    def recall(self, number: int) -> None:
        self._stack.append(self._memory[number])

    def named(self, module: Any, name: Any) -> Maker:
        """The stand-in of a name.

        Raises:
            BadData: It is not on the list.
        """
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name that is no text")
        found = stand_in(module, name, self.packages)
        if found is None:
            raise BadData(
                f"{self.path} byte {self.at:,}: this pickle asks for {module[:60]}.{name[:60]}, which vectors do not "
                "need; it is not run. If you trust the file, let its own library save it in word2vec's format."
            )
        return found


def _global(machine: _Machine) -> None:
    module, name = machine.line(), machine.line()
    machine.push(machine.named(module, name))


def _stack_global(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    machine.push(machine.named(module, name))


def _reduce(machine: _Machine) -> None:
    arguments, maker = machine.pop(), machine.pop()
    machine.push(made(maker, *arguments))


def _new(machine: _Machine, arguments: int) -> None:
    for _ in range(arguments):
        machine.pop()
    machine.push(made(machine.pop()))


def _build(machine: _Machine) -> None:
    state = machine.pop()
    if isinstance(machine.top(), Thing):
        machine.top().take(state)
    elif not isinstance(machine.top(), dict):
        raise ValueError("it changes what is no object")


def _inst(machine: _Machine) -> None:
    module, name = machine.line(), machine.line()
    machine.popped()
    machine.push(made(machine.named(module, name)))


def _set_item(machine: _Machine) -> None:
    value, key = machine.pop(), machine.pop()
    _fill(machine.top(), [key, value])


def _set_items(machine: _Machine) -> None:
    items = machine.popped()
    _fill(machine.top(), items)


def _append(machine: _Machine) -> None:
    value = machine.pop()
    _extend(machine.top(), [value])


def _appends(machine: _Machine) -> None:
    items = machine.popped()
    _extend(machine.top(), items)


def _dict(machine: _Machine) -> None:
    found: dict[Any, Any] = {}
    _fill(found, machine.popped())
    machine.push(found)


def _tuple(machine: _Machine, size: int) -> None:
    items = [machine.pop() for _ in range(size)]
    machine.push(tuple(reversed(items)))


def _whole(machine: _Machine) -> None:
    text = machine.line()
    machine.push({"00": False, "01": True}[text] if text in ("00", "01") else int(text.rstrip("L")))


def _long(machine: _Machine, form: str) -> None:
    machine.push(int.from_bytes(machine.take(machine.number(form)), "little", signed=True))


def _text(machine: _Machine, form: str) -> None:
    machine.push(str(machine.take(machine.number(form)), "utf-8", "surrogatepass"))


def _string(machine: _Machine, form: str) -> None:
    machine.push(str(machine.take(machine.number(form)), "latin1"))


def _quoted(machine: _Machine) -> None:
    text = machine.line()
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        raise ValueError("a string without quotes")
    machine.push(text[1:-1].encode("latin1").decode("unicode_escape"))


_STEPS: dict[int, Callable[[_Machine], None]] = {
    code[0]: step
    for code, step in {
        pickle.PROTO: lambda m: m.take(1),
        pickle.FRAME: lambda m: m.take(8),
        pickle.MARK: _Machine.mark,
        pickle.POP: _Machine.pop,
        pickle.POP_MARK: _Machine.popped,
        pickle.DUP: lambda m: m.push(m.top()),
        pickle.NONE: lambda m: m.push(None),
        pickle.NEWTRUE: lambda m: m.push(True),
        pickle.NEWFALSE: lambda m: m.push(False),
        pickle.INT: _whole,
        pickle.LONG: _whole,
        pickle.BININT: lambda m: m.push(m.number("<i")),
        pickle.BININT1: lambda m: m.push(m.number("<B")),
        pickle.BININT2: lambda m: m.push(m.number("<H")),
        pickle.LONG1: lambda m: _long(m, "<B"),
        pickle.LONG4: lambda m: _long(m, "<I"),
        pickle.FLOAT: lambda m: m.push(float(m.line())),
        pickle.BINFLOAT: lambda m: m.push(m.number(">d")),
        pickle.STRING: _quoted,
        pickle.BINSTRING: lambda m: _string(m, "<I"),
        pickle.SHORT_BINSTRING: lambda m: _string(m, "<B"),
        pickle.BINBYTES: lambda m: m.push(m.take(m.number("<I"))),
        pickle.SHORT_BINBYTES: lambda m: m.push(m.take(m.number("<B"))),
        pickle.BINBYTES8: lambda m: m.push(m.take(m.number("<Q"))),
        pickle.UNICODE: lambda m: m.push(m.line().encode("latin1").decode("raw_unicode_escape")),
        pickle.BINUNICODE: lambda m: _text(m, "<I"),
        pickle.SHORT_BINUNICODE: lambda m: _text(m, "<B"),
        pickle.BINUNICODE8: lambda m: _text(m, "<Q"),
        pickle.EMPTY_LIST: lambda m: m.push([]),
        pickle.LIST: lambda m: m.push(m.popped()),
        pickle.APPEND: _append,
        pickle.APPENDS: _appends,
        pickle.EMPTY_TUPLE: lambda m: m.push(()),
        pickle.TUPLE: lambda m: m.push(tuple(m.popped())),
        pickle.TUPLE1: lambda m: _tuple(m, 1),
        pickle.TUPLE2: lambda m: _tuple(m, 2),
        pickle.TUPLE3: lambda m: _tuple(m, 3),
        pickle.FROZENSET: lambda m: m.push(tuple(m.popped())),
        pickle.EMPTY_DICT: lambda m: m.push({}),
        pickle.DICT: _dict,
        pickle.SETITEM: _set_item,
        pickle.SETITEMS: _set_items,
        pickle.GLOBAL: _global,
        pickle.STACK_GLOBAL: _stack_global,
        pickle.REDUCE: _reduce,
        pickle.NEWOBJ: lambda m: _new(m, 1),
        pickle.NEWOBJ_EX: lambda m: _new(m, 2),
        pickle.INST: _inst,
        pickle.OBJ: lambda m: m.push(made(m.popped()[0])),
        pickle.BUILD: _build,
        pickle.PUT: lambda m: m.remember(int(m.line())),
        pickle.BINPUT: lambda m: m.remember(m.number("<B")),
        pickle.LONG_BINPUT: lambda m: m.remember(m.number("<I")),
        pickle.MEMOIZE: _Machine.memoize,
        pickle.GET: lambda m: m.recall(int(m.line())),
        pickle.BINGET: lambda m: m.recall(m.number("<B")),
        pickle.LONG_BINGET: lambda m: m.recall(m.number("<I")),
    }.items()
}
