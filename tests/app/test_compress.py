from worlds import crowds


def test_compress_from_the_command_line(kinfold, tmp_path):
    crowds(size=4000, dim=16).save(tmp_path / "space.arrow")
    ran = kinfold("compress", tmp_path / "space.arrow", "-o", tmp_path / "small.arrow", "--bytes", "200k")
    assert ran.code == 0, ran.err
    assert (tmp_path / "small.arrow").stat().st_size <= 200_000
    assert "cosine to the row before" in ran.out
    near = kinfold("nearest", tmp_path / "small.arrow", "k2_17", "-k", 3, "--json")
    assert all(hit["key"].startswith("k2_") for hit in near.json[0]["hits"])
    ran = kinfold("compress", tmp_path / "space.arrow", "-o", tmp_path / "small.arrow", "--bytes", "much")
    assert ran.code == 2
    assert "is no size" in ran.err
