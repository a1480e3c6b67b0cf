"""The examples run as they stand, on the data that they name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("KINFOLD_DATA", ROOT.parent / "shared" / "data")) / "interactions" / "ml-100k"


@pytest.mark.skipif(not DATA.is_dir(), reason="MovieLens 100k is not here")
def test_movies(tmp_path):
    script = ROOT / "examples" / "movies.py"
    ran = subprocess.run([sys.executable, script, DATA], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    near = next(line for line in ran.stdout.splitlines() if line.startswith("near Star Wars"))
    assert "Return of the Jedi (1983), Empire Strikes Back, The (1980)" in near
    assert "for 42: 0." in ran.stdout
    assert "Toy Story (1995)" in (tmp_path / "movies.html").read_text(encoding="utf-8")
    assert (tmp_path / "movies.arrow").stat().st_size > 1_000_000
