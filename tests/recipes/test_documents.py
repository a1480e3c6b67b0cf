import json

import numpy as np
import pytest

import kinfold as kf
from kinfold.core.errors import BadData, BadOption, UnknownName
from kinfold.core.shapes import Items
from kinfold.encode.inferred import Inferred
from kinfold.encode.pooled import Pooled

SEA = ["ship", "sailor", "sea", "whale", "wave", "sail"]
LAND = ["horse", "farmer", "field", "hay", "plough", "barn"]


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    """A table of 300 texts of two topics, three of them empty or of unheard words."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("reviews") / "reviews.jsonl"
    lines = [
        {"id": f"r{number}", "text": " ".join(rng.choice((SEA, LAND)[number % 2], 8)), "stars": number % 5, "count": 1}
        for number in range(300)
    ]
    lines[7]["text"], lines[8]["text"], lines[9]["text"] = "", "zzz", None
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


@pytest.fixture(scope="module")
def words(reviews):
    return kf.words(reviews, column="text", dim=8, subsample=0, threads=1, epochs=10)


def topic(key):
    return int(key[1:]) % 2


@pytest.mark.parametrize("method", ["doc2vec", "mean", "sif", "usif"])
def test_documents_of_a_topic_are_near_and_keep_their_attributes(reviews, words, method):
    options = {"dim": 8, "epochs": 30, "subsample": 0} if method == "doc2vec" else {"words": words}
    space = kf.documents(reviews, text="text", key="id", method=method, threads=1, **options)
    assert list(space.groups) == ["document", "word"]
    documents = space.group("document")
    assert len(documents) == 297
    assert space.card.data["skipped"] == 3
    assert "r7" not in space
    assert documents.attribute("stars").to_pylist() == [int(key[1:]) % 5 for key in documents.keys]
    assert documents.attribute("count_").to_pylist() == [1] * 297
    hits = documents.nearest_many(list(documents.keys)[:60], 5)
    assert np.mean([topic(key) == topic(hit.query) for hit in hits for key in hit.keys]) > 0.9
    encoder = Inferred(space) if method == "doc2vec" else Pooled(space)
    again = encoder.encode(Items(["a ship on the sea with a sailor"]))
    assert again.frame == space.frame
    assert topic(space.nearest(again["0"], k=1, group="document").keys[0]) == 0


def test_saved_and_opened_it_encodes_the_same(reviews, words, tmp_path):
    space = kf.documents(reviews, text="text", key="id", method="sif", words=words)
    space.save(tmp_path / "docs.arrow")
    one, two = (Pooled(each).encode(Items(["ship sail"])) for each in (space, kf.open(tmp_path / "docs.arrow")))
    np.testing.assert_array_equal(one.rows.values, two.rows.values)


def test_from_frames_mappings_strings_and_lines(reviews, tmp_path):
    import pandas as pd
    import polars as pl

    rows = [json.loads(line) for line in reviews.read_text().splitlines()]
    options = {"dim": 4, "epochs": 1, "threads": 1}
    for frame in (pd.DataFrame(rows), pl.DataFrame(rows), pl.DataFrame(rows).lazy()):
        assert kf.documents(frame, text="text", key="id", **options).attribute("stars").to_pylist()[:3] == [0, 1, 2]
    texts = {row["id"]: row["text"] or "" for row in rows}
    assert list(kf.documents(texts, **options).keys)[:3] == ["r0", "r1", "r2"]
    assert list(kf.documents(list(texts.values()), **options).keys)[:3] == ["0", "1", "2"]
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(texts.values()))
    assert "7" not in kf.documents(path, **options)
    csv = tmp_path / "table.csv"
    pl.DataFrame(rows).write_csv(csv)
    space = kf.documents(csv, text="text", key="id", **options)
    assert space.group("document").attribute("stars").to_pylist()[:3] == [0, 1, 2]


def test_what_is_missing_is_named(reviews, words):
    with pytest.raises(BadOption, match="give words="):
        kf.documents(reviews, text="text", method="sif")
    with pytest.raises(BadOption, match="name the column"):
        kf.documents(reviews)
    with pytest.raises(UnknownName, match="no column 'ids'"):
        kf.documents(reviews, text="text", key="ids")
    with pytest.raises(BadData, match=r"column 'stars': the key '.' stands more than once"):
        kf.documents(reviews, text="text", key="stars")
    with pytest.raises(BadOption, match="this is none"):
        kf.documents(["a text"], key="id")
    with pytest.raises(UnknownName, match="Did you mean 'usif'"):
        kf.documents(["a text"], method="usiff")
    with pytest.raises(BadOption, match="sif has no option 'dim'"):
        kf.documents(["a text"], method="sif", words=words, dim=3)
