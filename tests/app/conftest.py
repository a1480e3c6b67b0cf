import json
import sys
from typing import NamedTuple

import pytest

from kinfold.app.main import main


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
    """Two topics that share a few words."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    sea = "the ship sailed over the sea and the sailor saw a whale\n"
    land = "the farmer ploughed a field and the horse ate the hay\n"
    path.write_text((sea + land) * 400)
    return path


@pytest.fixture(scope="session")
def learned(tmp_path_factory, corpus):
    """A saved Space of that corpus."""
    import kinfold as kf

    path = tmp_path_factory.mktemp("space") / "words.arrow"
    kf.words(corpus, dim=12, threads=1, subsample=0).save(path)
    return path
