"""gensim's own files of all ages, read without running the pickles that they are."""

from __future__ import annotations

import os
import pickle
import pickletools
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers import peer
from pickled import Object, body, pickled, python2

from kinfold import io
from kinfold.core.errors import BadData, BadFile, KinfoldError
from kinfold.core.space import Space
from kinfold.io.pickles import load

ROWS = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
KEYS = ["the", "naïve", "of"]
VOCAB = {
    key: Object("gensim.models.keyedvectors Vocab", count=9 - place, index=place, sample_int=1)
    for place, key in enumerate(KEYS)
}


def opened(tmp_path: Path, data: bytes, name: str = "a.model") -> Space:
    (tmp_path / name).write_bytes(data)
    return io.open(tmp_path / name)


def keyed(**held: Any) -> Object:
    return Object("gensim.models.keyedvectors KeyedVectors", **held)


GENERATIONS = {
    "4.0": keyed(vectors=ROWS, index_to_key=KEYS, key_to_index={}, expandos={"count": np.array([9, 8, 7])}),
    "3.4": Object("gensim.models.keyedvectors Word2VecKeyedVectors", vectors=ROWS, index2entity=KEYS, vocab=VOCAB),
    "3.2": Object("gensim.models.keyedvectors EuclideanKeyedVectors", syn0=ROWS, index2word=KEYS, vocab=VOCAB),
    "1.0": Object("gensim.models.word2vec Word2Vec", wv=keyed(syn0=ROWS, index2word=KEYS, vocab=VOCAB), window=7, sg=1),
    "0.13": Object("gensim.models.word2vec Word2Vec", syn0=ROWS, index2word=KEYS, vocab=VOCAB, window=7, iter=5),
    "vocabulary": keyed(vectors=ROWS, vocab=dict(reversed(VOCAB.items()))),
}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_generation_of_attribute_names(tmp_path: Path, generation: str) -> None:
    space = opened(tmp_path, pickled(GENERATIONS[generation]))
    assert (list(space.keys), space.groups) == (KEYS, {"word": range(3)})
    np.testing.assert_array_equal(space.rows.values, ROWS)
    assert space.attribute("count").to_pylist() == [9, 8, 7]
    assert space.card.data["format"] == "gensim"
    if "Word2Vec" in GENERATIONS[generation].place.split():
        assert space.card.parameters["window"] == 7


def test_files_of_python_2(tmp_path: Path) -> None:
    held = body({"syn0": 0, "index2word": KEYS}).replace(body(0), python2(ROWS))
    space = opened(tmp_path, b"\x80\x02cgensim.models.word2vec\nWord2Vec\n)\x81%sb." % held)
    assert list(space.keys) == KEYS
    np.testing.assert_array_equal(space.rows.values, ROWS)
    # Protocol 0 names classes in the way of that time.
    held = b"(dS'syn0'\n%ssS'index2word'\n(lVthe\naV\\u20ac\nasb." % python2(ROWS[:2])
    old = b"\x80\x02ccopy_reg\n_reconstructor\n(cgensim.models.word2vec\nWord2Vec\nc__builtin__\nobject\nNtR"
    assert list(opened(tmp_path, old + held).keys) == ["the", "€"]


def test_large_arrays_stand_beside(tmp_path: Path) -> None:
    model = Object("gensim.models.word2vec Word2Vec", wv=keyed(index_to_key=KEYS, __numpys=["vectors"]), __numpys=[])
    with pytest.raises(BadFile, match=r"a\.model\.wv\.vectors\.npy: no such file; a\.model keeps its 'vectors' there"):
        opened(tmp_path, pickled(model))
    np.save(tmp_path / "a.model.wv.vectors.npy", ROWS)
    space = opened(tmp_path, pickled(model))
    np.testing.assert_array_equal(space.rows.values, ROWS)
    assert not space.rows.values.flags.writeable
    np.save(tmp_path / "a.model.wv.vectors.npy", np.array([[print, 1]], object), allow_pickle=True)
    with pytest.raises(BadData, match="a matrix of numbers"):
        opened(tmp_path, pickled(model))


def test_documents_of_old_models(tmp_path: Path) -> None:
    tags = Object(
        "gensim.models.keyedvectors Doc2VecKeyedVectors", vectors_docs=ROWS, offset2doctag=["x"], max_rawint=1
    )
    words = keyed(syn0=ROWS[:1], index2word=["the"])
    space = opened(tmp_path, pickled(Object("gensim.models.doc2vec Doc2Vec", wv=words, docvecs=tags)))
    assert {name: list(space.group(name).keys) for name in space.groups} == {
        "word": ["the"],
        "document": ["0", "1", "x"],
    }
    np.testing.assert_array_equal(space.group("document").rows.values, ROWS)


def test_ngrams_that_are_hashed_in_another_way_are_left_out_and_noted(tmp_path: Path) -> None:
    held = {"vectors_ngrams": ROWS, "vectors": ROWS, "index2entity": KEYS, "min_n": 3, "max_n": 6, "bucket": 3}
    place = "gensim.models.keyedvectors FastTextKeyedVectors"
    space = opened(tmp_path, pickled(Object(place, **held)))
    assert space.groups == {"word": range(3)}
    assert "only words were read" in space.card.data["notes"][0]
    report = io.convert(tmp_path / "a.model", tmp_path / "a.bin")
    assert any("not hashed as fastText does" in note for note in report.notes)
    held["compatible_hash"] = True
    assert "own rows" in opened(tmp_path, pickled(Object(place, **held))).card.data["notes"][0]
    space = opened(tmp_path, pickled(Object(place, **held, vectors_vocab=ROWS)))
    assert space.groups == {"word": range(3), "ngram": range(3, 6)}
    assert (space.card.method, space.card.parameters["buckets"]) == ("fasttext", 3)


class Payload:
    """Runs a command when a pickle of it is loaded by Python's library."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, Any]:
        return self.call


PAYLOADS = {
    "system": Payload(os.system, "touch pwned"),
    "eval": Payload(eval, "open('pwned', 'w')"),
    "exec": Payload(exec, "open('pwned', 'w')"),
    "Popen": Payload(subprocess.Popen, ["touch", "pwned"]),
    "open": Payload(open, "pwned", "w"),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", PAYLOADS)
def test_what_a_pickle_asks_for_is_refused_by_name_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps(PAYLOADS[name], protocol)
    attacks = [data]
    if protocol > 1:
        # As an attribute of one of gensim's objects, too.
        inside = body({"wv": 0}).replace(body(0), data[2:-1])
        attacks.append(b"\x80\x02cgensim.models.word2vec\nWord2Vec\n)\x81%sb." % inside)
    for attack in attacks:
        (tmp_path / "a.kv").write_bytes(attack)
        with pytest.raises(BadData, match=rf"this pickle asks for \w+\.{name}, .* it is not run"):
            io.open(tmp_path / "a.kv", "gensim")
    assert [each.name for each in tmp_path.iterdir()] == ["a.kv"]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy.f2py.capi_maps", "getinit"),
        ("pickle", "loads"),
        ("__main__", "trim_rule"),
        ("gensimx", "Word2Vec"),
        ("importlib", "import_module"),
        ("builtins", "getattr"),
        ("operator", "attrgetter"),
    ],
)
@pytest.mark.parametrize("opcode", ["global", "stack", "inst"])
def test_names_that_are_not_on_the_list(tmp_path: Path, module: str, name: str, opcode: str) -> None:
    data = {
        "global": f"\x80\x02c{module}\n{name}\n.".encode("latin1"),
        "stack": b"\x80\x04%s%s\x93." % (body(module), body(name)),
        "inst": f"(i{module}\n{name}\n.".encode(),
    }[opcode]
    with pytest.raises(BadData, match=rf"asks for .*{name}"):
        load(tmp_path / "a", data, ("gensim",))


def test_classes_of_gensim_are_never_imported(tmp_path: Path) -> None:
    # Not even where what they are called would lead somewhere else.
    code = "import sys; from pathlib import Path; from kinfold.io.pickles import load\n"
    code += "thing = load(Path('x'), bytes.fromhex(sys.argv[1]), ('gensim',))\n"
    code += "print(thing.kind, any(name.split('.')[0] == 'gensim' for name in sys.modules))"
    data = b"\x80\x04%s%s\x93)R." % (body("gensim.utils"), body("os.system"))
    done = subprocess.run([sys.executable, "-c", code, data.hex()], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["gensim.utils.os.system", "False"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02",
        b"\x80\x02.",
        b"\x80\x02N.",
        b"\x80\x02K\x01.",
        b"\x80\x02]q\x00h\x05.",
        b"\x80\x02X\xff\xff\xff\x7fab.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fab.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xffab.",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7fab.",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
        b"\x80\x02\x8b\xff\xff\xff\xffab.",
        b"\x80\x02Nr\xff\xff\xff\xff.",
        b"\x80\x02I" + b"9" * 10_000 + b"\n.",
        b"\x80\x02}" + b")" + b"\x85" * 300_000 + b"Ns.",
        b"\x80\x02(((((e.",
        b"\x80\x02NNb.",
        b"\x80\x02}}R.",
        b"\x80\x02)\x81.",
        b"\x80\x02P1\n.",
        b"\x80\x02\x82\x01.",
        b"\x80\x04\x8f(N\x90.",
        b"\x80\x02cnumpy\ndtype\n)R.",
        pickled(keyed(index_to_key=KEYS)),
        pickled(keyed(vectors=ROWS)),
        pickled(keyed(vectors=ROWS, index_to_key=[*KEYS, "more"])),
        pickled(keyed(vectors=ROWS, index_to_key=["a", None])),
        pickled(keyed(vectors=ROWS[0], index_to_key=KEYS)),
        pickled(keyed(vectors=ROWS[:, :0], index_to_key=KEYS)),
        pickled(keyed(vectors=[[1, 2]], index_to_key=["a"])),
        pickled(keyed(vectors=np.array([["a"]]), index_to_key=["a"])),
        pickled(keyed(vectors=np.array([[None]]), index_to_key=["a"])),
        pickled(keyed(vectors=ROWS, vocab={"a": 3})),
        pickled(keyed(__numpys=7, index_to_key=KEYS)),
        pickled({"wv": 1}),
    ],
)
def test_pickles_that_lie_or_hold_something_else(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.kv").write_bytes(data)
    began = time.perf_counter()
    with pytest.raises(BadData, match=r"a\.kv"):
        io.open(tmp_path / "a.kv", "gensim")
    assert time.perf_counter() - began < 5


def test_the_same_large_thing_again_and_again_takes_no_time(tmp_path: Path) -> None:
    # Python's library copies it each time.
    large = body({f"k{i}": i for i in range(20_000)})
    thing = b"cgensim.models.word2vec\nWord2Vec\n)\x81"
    data = b"\x80\x02" + large + b"q\x00" + thing + b"h\x00b" * 200_000 + b"."
    began = time.perf_counter()
    (tmp_path / "a.kv").write_bytes(data)
    with pytest.raises(BadData, match="holds no"):
        io.open(tmp_path / "a.kv", "gensim")
    assert time.perf_counter() - began < 10


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([pickled(each) for each in GENERATIONS.values()]),
    st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from("fi c"), st.binary(min_size=1, max_size=9)), min_size=1, max_size=4
    ),
)
def test_damaged_pickles(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, changes: list[tuple[float, str, bytes]]
) -> None:
    for share, kind, other in changes:
        at = int(share * len(data))
        data = {
            "f": data[:at] + other + data[at + len(other) :],
            "i": data[:at] + other + data[at:],
            " ": data[:at] + data[at + len(other) :],
            "c": data[:at],
        }[kind]
    path = tmp_path_factory.getbasetemp() / "damaged.kv"
    path.write_bytes(data)
    try:
        space = io.open(path, "gensim")
    except KinfoldError:
        return
    assert np.isfinite(space.rows.dense()).all()
    assert len(set(space.keys)) == len(space)


def test_a_vocabulary_without_one_of_the_keys(tmp_path):
    path = tmp_path / "damaged.kv"
    kind = "gensim.models.keyedvectors EuclideanKeyedVectors"
    path.write_bytes(pickled(Object(kind, syn0=ROWS, index2word=["other", *KEYS[1:]], vocab=VOCAB)))
    with pytest.raises(BadData, match="has no 'other'"):
        io.open(path, "gensim")


SENTENCES = [["the", "cat", "sat", "ünï"], ["the", "dog", "ran", "farther"]] * 20


def small(library: Any, name: str, **options: Any) -> Any:
    texts: Any = SENTENCES
    if name == "Doc2Vec":
        texts = [library.doc2vec.TaggedDocument(words, [options.pop("tag", str)(i)]) for i, words in enumerate(texts)]
        options = {key: value for key, value in options.items() if key != "tag"}
    return getattr(library, name)(texts, vector_size=6, min_count=1, epochs=1, workers=1, **options)


@pytest.mark.parametrize("aside", [False, True])
@pytest.mark.parametrize("name", ["Word2Vec", "FastText", "Doc2Vec"])
def test_gensims_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, aside: bool) -> None:
    library = peer("gensim.models")
    options = {"bucket": 500, "min_n": 2, "max_n": 4} if name == "FastText" else {}
    model = small(library, name, **options)
    if aside:
        # As with models so large that their arrays stand beside them.
        model.save(str(tmp_path / "a.model"), sep_limit=0)
        assert len(list(tmp_path.iterdir())) > 2
    else:
        model.save(str(tmp_path / "a.model"))
    space = io.open(tmp_path / "a.model")
    words = space.group("word")
    assert list(words.keys) == model.wv.index_to_key
    np.testing.assert_allclose(words.rows.dense(), model.wv.vectors, atol=1e-6)
    counts = [model.wv.get_vecattr(key, "count") for key in words.keys]
    assert words.attribute("count").to_pylist() == counts
    assert space.card.parameters["window"] == 5
    if name == "Doc2Vec":
        np.testing.assert_array_equal(space.group("document").rows.dense(), model.dv.vectors)
    if name == "FastText":
        ngrams = space.group("ngram")
        np.testing.assert_array_equal(ngrams.rows.dense(), model.wv.vectors_ngrams)
        assert list(ngrams.keys)[:3] == ["0", "1", "2"]
        from gensim.models.fasttext import ft_ngram_hashes

        hashes = ft_ngram_hashes("unseenünï", 2, 4, 500)
        np.testing.assert_allclose(
            ngrams.vectors([str(bucket) for bucket in hashes]).mean(axis=0), model.wv["unseenünï"], atol=1e-6
        )
        from kinfold.core.columns import matrix_of

        np.testing.assert_array_equal(matrix_of(words.attribute("own"), 6), model.wv.vectors_vocab)


@pytest.mark.parametrize("tag", [int, "doc{}".format])
def test_gensims_keyed_vectors(tmp_path: Path, tag: Any) -> None:
    library = peer("gensim.models")
    model = small(library, "Doc2Vec", tag=tag)
    for name, vectors in (("wv", model.wv), ("dv", model.dv)):
        vectors.save(str(tmp_path / f"{name}.kv"))
        space = io.open(tmp_path / f"{name}.kv", group="thing")
        assert list(space.keys) == [str(key) for key in vectors.index_to_key]
        np.testing.assert_array_equal(space.rows.dense(), vectors.vectors)
        assert space.groups == {"thing": range(len(space))}


@pytest.mark.parametrize("ending", [".vec", ".bin", ".txt.gz"])
def test_gensim_reads_ours_and_we_read_theirs(tmp_path: Path, ending: str) -> None:
    library = peer("gensim.models")
    rows = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    space = Space.of([f"wörd{i}" for i in range(50)], rows).with_attribute("count", list(range(50, 0, -1)))
    binary = ending == ".bin"
    io.save(space, tmp_path / f"a{ending}", vocabulary=tmp_path / "vocab.txt")
    theirs = library.KeyedVectors.load_word2vec_format(
        str(tmp_path / f"a{ending}"), binary=binary, fvocab=str(tmp_path / "vocab.txt")
    )
    assert theirs.index_to_key == list(space.keys)
    np.testing.assert_array_equal(theirs.vectors, rows)
    assert theirs.get_vecattr("wörd1", "count") == 49
    theirs.save_word2vec_format(str(tmp_path / f"b{ending}"), binary=binary, fvocab=str(tmp_path / "counts.txt"))
    again = io.open(tmp_path / f"b{ending}", vocabulary=tmp_path / "counts.txt")
    np.testing.assert_array_equal(again.rows.dense(), rows)
    assert again.attribute("count").to_pylist() == list(range(50, 0, -1))


@pytest.mark.filterwarnings("ignore:unclosed file", "ignore::pytest.PytestUnraisableExceptionWarning")  # gensim's
def test_glove_text_in_gensim(tmp_path: Path) -> None:
    library = peer("gensim.models")
    space = Space.of(["a", "b"], [[1, 2.5], [3, 4]])
    io.save(space, tmp_path / "a.glove")
    theirs = library.KeyedVectors.load_word2vec_format(str(tmp_path / "a.glove"), no_header=True)
    np.testing.assert_array_equal(theirs.vectors, space.rows.values)


def test_opcodes_of_gensims_files_are_all_understood(tmp_path: Path) -> None:
    from kinfold.io.pickles import _STEPS

    library = peer("gensim.models")
    small(library, "FastText", bucket=10).save(str(tmp_path / "a.model"))
    used = {opcode.code for opcode, _, _ in pickletools.genops((tmp_path / "a.model").read_bytes())}
    assert {ord(code) for code in used} - set(_STEPS) == {pickle.STOP[0]}
