from __future__ import annotations

import itertools

import pytest

from kinfold.core.errors import BadData, BadFile, BadOption
from kinfold.sources.docstrings import clean, read

SOURCE = '''
"""Of the module."""
import nothing_that_exists

if True:
    class Spam:
        """Of the class."""

        async def egg(self):
            """Of the method."""
            def inner():
                """Of a function in it."""

x = """no docstring"""
def without(): return """none either"""
raise SystemExit("never run")
'''


def test_docstrings_of_everything_and_nothing_is_run(tmp_path):
    (tmp_path / "b.py").write_text(SOURCE)
    (tmp_path / "a.py").write_text('"""First."""\ndef f():\n    """Of the class."""\n')
    (tmp_path / "bad.py").write_text('"""Not Python."""\ndef f(:')
    (tmp_path / "nul.py").write_bytes(b'"""Bad"""\0')
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "c.py").write_text('"""Left out."""')
    (tmp_path / "d.txt").write_text('"""Left out."""')
    raw = read([tmp_path]).raw
    expected = ["First.", "Of the class.", "Of the module.", "Of the method.", "Of a function in it."]
    assert list(raw) == list(raw) == expected
    assert [b.data.tobytes().decode() for b in raw.blocks()] == ["".join(expected)]
    assert raw.unreadable == 2


def test_a_limit_takes_evenly(tmp_path):
    for number in range(100):
        (tmp_path / f"m{number:02}.py").write_text(f'"""Word number {chr(97 + number % 26)}{number} of this."""')
    every = list(read([tmp_path], limit=None).raw)
    some = list(read([tmp_path], limit=250).raw)
    assert len(every) == 100
    assert len(some) == 50
    places = [every.index(text) for text in some]
    assert places == sorted(places)
    assert max(b - a for a, b in itertools.pairwise(places)) <= 3


def test_the_standard_library_has_plenty():
    import email

    texts = list(read([email.__path__[0]]).raw)
    assert sum(len(text.split()) for text in texts) > 5000
    assert not any(">>>" in text for text in texts)


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Adds ``a`` to :class:`~x.Spam` and :ref:`that <there>`.", "Adds a to x.Spam and that."),
        ("Prose.\n\n>>> f(1)\nresult here\n\nMore.", "Prose.\nMore."),
        ("Head\n----\n.. note:: this\n.. [1] Someone\ntext", "Head\ntext"),
        ("a  b\n== ==\n1  2\n| x | y |\n+---+---+", ""),
        (":param x: the number\n:returns: the other", "x the number\nthe other"),
        ("See https://example.org/some/where for it.", "See   for it."),
        ("x = f(y)[0] + {}\nThe default is zero.", "The default is zero."),
    ],
)
def test_prose_is_kept(docstring, expected):
    assert [line.split() for line in clean(docstring).split("\n")] == [line.split() for line in expected.split("\n")]


def test_what_is_not_there(tmp_path):
    with pytest.raises(BadFile):
        read([tmp_path / "none"])
    with pytest.raises(BadData, match="no docstring"):
        list(read([tmp_path]).raw)
    with pytest.raises(BadOption):
        read(limit=0)
