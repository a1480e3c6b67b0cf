import pytest

import kinfold as kf


@pytest.mark.slow
def test_the_demo_learns_from_what_is_installed(kinfold, tmp_path, monkeypatch):
    # A part of the standard library is enough to see that every step is there.
    import json as package
    from pathlib import Path

    read = kf.sources.docstrings.read
    monkeypatch.setattr(
        kf.sources.docstrings, "read", lambda **options: read([Path(package.__file__).parent.parent], **options)
    )
    ran = kinfold("demo", "-o", tmp_path / "demo", "--epochs", 2, "--dim", 32, "--json")
    assert ran.code == 0, ran.err
    values = ran.json
    assert values["tokens"] > 100_000
    assert len(values["nearest"]) == 6
    assert all(len(each["hits"]) == 6 for each in values["nearest"])
    assert len(kf.open(tmp_path / "demo" / "words.arrow")) == values["words"]
    assert "</html>" in (tmp_path / "demo" / "report.html").read_text()
