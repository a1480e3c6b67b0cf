"""Numbers come out as Python's float, rounded to float32, has them; what is unsure is left, never guessed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.numbers import parse

from kinfold.kernels.numbers import gather, parse_lines

NUMBERS = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda x: str(np.float32(x))),
    st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,4})?", fullmatch=True).filter(str.isascii),
    st.from_regex(r"\.[0-9]{1,12}", fullmatch=True).filter(str.isascii),
    # The middle between two float32, and its neighbors in the 25th digit.
    st.integers(1 << 23, (1 << 24) - 1).map(lambda m: f"{2 * m + 1}e0"),
    st.integers(1 << 23, (1 << 24) - 1).map(lambda m: f"{2 * m + 1}.0000000000000000001"),
)


def lines_of(numbers: list[str], dim: int) -> list[bytes]:
    rows = [numbers[start : start + dim] for start in range(0, len(numbers) - dim + 1, dim)]
    return [f"k{place} {' '.join(row)}".encode() for place, row in enumerate(rows)]


@settings(max_examples=300, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=40), st.integers(1, 4), st.sampled_from([b"\n", b"\r\n", b" \n"]))
def test_equal_to_float_or_left(numbers: list[str], dim: int, end: bytes) -> None:
    lines = lines_of(numbers, dim)
    data = np.frombuffer(b"".join(line + end for line in lines) + b"\n", np.uint8)
    rows, starts, middles, _, _, total = parse_lines(data, dim)
    assert total == len(lines) + 1
    assert len(starts) == len(lines)
    clean = iter(rows)
    for line, start, middle in zip(lines, starts, middles, strict=True):
        if middle < 0:
            continue
        expected = parse(line, dim)
        assert expected is not None
        assert bytes(data[start:middle]) == expected[0]
        assert next(clean).tobytes() == expected[1].tobytes()


def test_ordinary_numbers_are_never_left() -> None:
    random = np.random.default_rng(1)
    values = np.concatenate([random.normal(0, 0.3, 30_000), 10.0 ** random.uniform(-36, 36, 30_000)])
    texts = [f"{x:.6f}" for x in values[:10_000]] + [repr(float(x)) for x in values[10_000:]]
    data = np.frombuffer("".join(f"w {text}\n" for text in texts).encode(), np.uint8)
    rows, _, middles, _, _, _ = parse_lines(data, 1)
    # One in 30 million is as near to the middle between two float32 as the kernel cannot tell.
    assert (middles >= 0).all()
    np.testing.assert_array_equal(rows[:, 0], np.array([float(text) for text in texts]).astype(np.float32))


def test_what_is_no_number_is_left() -> None:
    lines = [
        b"a 1 2", b"a 1", b"a 1 2 3", b"a b 1 2", b"a nan 1", b"a 1 inf", b"a 1 1e39", b"a 1 0x1", b"a 1 1_0", b"a 1 .",
        b"a 1 -", b"a 1 1e", b"a  1 2", b"a", b" 1 2", b"a 1 16777217", b"\xc2\xa0 -0 +.5e1",
    ]  # fmt: skip
    rows, _, middles, _, numbers, _ = parse_lines(np.frombuffer(b"\n".join(lines) + b"\n", np.uint8), 2)
    assert [lines[at] for at in np.flatnonzero(middles >= 0)] == [lines[0], lines[14], lines[16]]
    assert rows.tolist() == [[1, 2], [1, 2], [0, 5]]
    assert np.signbit(rows[2, 0])
    assert numbers.tolist() == list(range(len(lines)))


def test_lines_without_names_are_numbers_from_the_first_byte() -> None:
    rows, _, middles, _, _, _ = parse_lines(
        np.frombuffer(b"1\t2\n\n3\t4\r\n5\n", np.uint8), 2, separator=9, named=False
    )
    assert rows.tolist() == [[1, 2], [3, 4]]
    assert (middles >= 0).tolist() == [True, True, False]


def test_pieces_stand_one_after_another() -> None:
    data = np.frombuffer(b"one two three", np.uint8)
    joined, offsets = gather(data, np.array([8, 0, 3]), np.array([13, 3, 3]))
    assert bytes(joined) == b"threeone"
    assert offsets.tolist() == [0, 5, 8, 8]
