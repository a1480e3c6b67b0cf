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
    for out, option, says in (("small.vec", (), "by .arrow"), ("small.arrow", ("--width", 17), "smaller width")):
        ran = kinfold("compress", tmp_path / "space.arrow", "-o", tmp_path / out, *option)
        assert ran.code == 2
        assert says in ran.err


def test_a_file_that_cuts_texts_in_another_way_says_so(kinfold, tmp_path):
    lines = [f"__label__{name} {name} here" for name in ("sea", "land") for _ in range(300)]
    (tmp_path / "train.txt").write_text("\n".join(lines))
    for tokenizer, told in (("words", True), ("whitespace", False)):
        command = ("classify", tmp_path / "train.txt", "-o", tmp_path / "m.arrow", "--tokenizer", tokenizer)
        assert kinfold(*command).code == 0
        ran = kinfold("compress", tmp_path / "m.arrow", "-o", tmp_path / "m.ftz")
        assert ran.code == 0, ran.err
        assert ("cut at white space alone" in ran.out) is told
        ran = kinfold("convert", tmp_path / "m.arrow", tmp_path / "m.bin", "--format", "fasttext")
        assert ("cut at white space alone" in ran.out) is told
