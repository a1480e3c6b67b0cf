import json
import random
import sys
from typing import NamedTuple

import pytest

from kinfold.app.main import main

SEA = ["ship", "sailor", "sea", "whale", "wave", "sail", "harbor"]
LAND = ["horse", "farmer", "field", "hay", "plough", "barn", "wheat"]


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def kinfold(capsys, monkeypatch):
    """Runs the command line in this process: `kinfold("nearest", path, "king")`."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["kinfold", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as leaving:
            code = leaving.code or 0
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Two topics that share a few words: 16 words in 1,600 lines."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    draw = random.Random(0)
    topics = SEA, LAND
    lines = [
        " ".join(["the", *draw.choices(topics[line % 2], k=6), "and", draw.choice(topics[line % 2])])
        for line in range(1600)
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="session")
def learned(tmp_path_factory, corpus):
    """A saved Space of that corpus."""
    import kinfold as kf

    path = tmp_path_factory.mktemp("space") / "words.arrow"
    kf.words(corpus, dim=12, threads=1, subsample=0).save(path)
    return path
