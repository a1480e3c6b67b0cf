import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import kinfold as kf


def test_learn_words_writes_a_space_with_the_options_asked_for(kinfold, corpus, tmp_path):
    out = tmp_path / "words.arrow"
    asked = "--dim 10 --epochs 2 --window 3 --negatives 4 --min-count 2 --threads 1 --seed 9 --mode cbow"
    ran = kinfold("learn", "words", corpus, "-o", out, *asked.split(), "--no-shrink-windows", "--json")
    assert ran.code == 0, ran.err
    space = kf.open(out)
    asked = {"dim": 10, "epochs": 2, "window": 3, "negatives": 4, "mode": "cbow", "shrink_windows": False}
    assert asked.items() <= dict(space.card.parameters).items()
    assert space.card.seed == 9
    assert ran.json["words"] == len(space) == 16
    assert len(ran.json["epochs"]) == 2


@pytest.mark.parametrize("recipe", ["words", "documents"])
def test_every_field_of_every_method_is_an_option(kinfold, recipe):
    import dataclasses
    import importlib

    text = kinfold("learn", recipe, "--help").out
    for entry in importlib.import_module(f"kinfold.recipes.{recipe}").METHODS.values():
        for field in dataclasses.fields(entry.load()):
            assert "--" + field.name.replace("_", "-")[:18] in text


def test_learn_words_by_the_other_method(kinfold, corpus, tmp_path):
    out = tmp_path / "words.arrow"
    ran = kinfold("learn", "words", corpus, "-o", out, "--method", "svd", "--dim", 6)
    assert ran.code == 0, ran.err
    space = kf.open(out)
    assert space.card.method == "svd"
    assert space.attribute("count").to_pylist()[0] == 1600


def test_learn_words_by_glove_counts_as_asked(kinfold, corpus, tmp_path):
    out = tmp_path / "words.arrow"
    options = "--method glove --dim 6 --epochs 3 --window 2 --x-max 50 --alpha 0.5"
    ran = kinfold("learn", "words", corpus, "-o", out, *options.split(), "--json")
    assert ran.code == 0, ran.err
    space = kf.open(out)
    assert {"dim": 6, "epochs": 3, "x_max": 50, "alpha": 0.5}.items() <= dict(space.card.parameters).items()
    assert space.card.data["counting"] == {"window": 2, "weighting": "harmonic", "ppmi": False}
    assert space.card.data["tokens"] == 1600 * 9
    assert space.attribute("count").to_pylist()[0] == 1600
    assert len(ran.json["epochs"]) == 3
    text = kinfold("learn", "words", corpus, "-o", out, *options.split()).out
    assert "M entries/s" in text
    assert "from 14,400 tokens by glove" in text
    wider = kf.words(corpus, method="glove", dim=6, epochs=3, x_max=50, alpha=0.5)
    assert wider.card.data["counting"]["window"] == 10
    assert wider.card.data["entries"] >= space.card.data["entries"]
    assert wider.frame != space.frame


def test_the_window_of_svd_reaches_the_counting(corpus):
    spaces = [kf.words(corpus, method="svd", dim=6, window=window) for window in (1, 7)]
    assert [space.card.data["counting"]["window"] for space in spaces] == [1, 7]
    assert spaces[0].frame != spaces[1].frame


def test_help_tells_defaults_that_differ(kinfold):
    text = " ".join(kinfold("learn", "words", "--help").out.replace("│", " ").split())
    assert "[default: 5, 10 for glove]" in text
    assert "[default: false, true for svd]" in text


def test_an_option_of_another_learner_is_refused(kinfold, corpus, tmp_path):
    ran = kinfold("learn", "words", corpus, "-o", tmp_path / "x.arrow", "--method", "svd", "--negatives", 3)
    assert ran.code == 2
    assert "svd has no option 'negatives'" in ran.err


def test_learn_words_goes_on_with_new_text(kinfold, learned, tmp_path):
    more = tmp_path / "more.txt"
    more.write_text("the pilot flew a plane over the sea and wave\n" * 200)
    out = tmp_path / "more.arrow"
    ran = kinfold("learn", "words", more, "--resume", learned, "-o", out, "--epochs", 2)
    assert ran.code == 0, ran.err
    old, new = kf.open(learned), kf.open(out)
    assert list(new.keys)[: len(old)] == list(old.keys)
    assert set(list(new.keys)[len(old) :]) == {"pilot", "flew", "a", "plane", "over"}
    assert new.card.parameters["epochs"] == 2
    assert new.card.parameters["dim"] == 12


def test_learn_words_joins_phrases(kinfold, tmp_path):
    text = tmp_path / "text.txt"
    rng = np.random.default_rng(0)
    words = [f"w{number}" for number in range(30)]
    text.write_text(
        "\n".join(" ".join([*rng.choice(words, 4), "new", "york", *rng.choice(words, 4)]) for _ in range(400))
    )
    out = tmp_path / "words.arrow"
    ran = kinfold("learn", "words", text, "-o", out, "--dim", 4, "--epochs", 1, "--phrases", 1)
    assert ran.code == 0, ran.err
    assert "new_york" in kf.open(out)


def test_info_tells_rows_groups_card_and_attributes(kinfold, learned):
    values = kinfold("info", learned, "--json").json
    assert values["rows"] == 16
    assert values["groups"] == {"word": 16}
    assert {each["name"] for each in values["attributes"]} == {"count", "context"}
    assert values["card"]["parameters"]["dim"] == 12
    text = kinfold("info", learned).out
    for part in ("word", "word2vec", "cosine", "count", "epoch"):
        assert part in text


def test_nearest_answers_each_key_by_itself(kinfold, learned):
    answers = kinfold("nearest", learned, "ship", "horse", "-k", 4, "--json").json
    assert [each["query"] for each in answers] == ["ship", "horse"]
    assert all(len(each["hits"]) == 4 for each in answers)
    assert {"sailor", "whale", "sea", "wave", "sail", "harbor"} >= {hit["key"] for hit in answers[0]["hits"]}
    text = kinfold("nearest", learned, "ship").out
    assert answers[0]["hits"][0]["key"] in text


def test_nearest_where_keeps_to_the_condition(kinfold, learned):
    answers = kinfold("nearest", learned, "ship", "-k", 50, "--where", "count > 1500", "--json").json
    assert {hit["key"] for hit in answers[0]["hits"]} == {"the", "and"}


def test_an_index_is_built_searched_and_measured(kinfold, learned):
    assert kinfold("index", learned, "--method", "hnsw").code == 0
    saved = learned.with_suffix(".hnsw")
    exact = kinfold("nearest", learned, "ship", "-k", 3, "--json").json
    assert kinfold("nearest", learned, "ship", "-k", 3, "--index", saved, "--json").json[0]["hits"][0]["key"] == \
        exact[0]["hits"][0]["key"]  # fmt: skip
    ran = kinfold("recall", learned, saved, "-k", 3, "--json")
    assert ran.code == 0, ran.err
    recall = next(each for each in ran.json["findings"] if "recall" in each["name"])
    assert recall["value"] > 0.9


def test_analogy_answers_without_its_own_words(kinfold, learned):
    ran = kinfold("analogy", learned, "ship", "sea", "horse", "-k", 3, "--json")
    assert ran.code == 0, ran.err
    keys = [hit["key"] for hit in ran.json["hits"]]
    assert len(keys) == 3
    assert not {"ship", "sea", "horse"} & set(keys)


def test_evaluate_reports_both_sets(kinfold, learned, tmp_path):
    questions = tmp_path / "questions.txt"
    questions.write_text(": farm\nship sea horse field\nship sea horse nowhere\n")
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("ship\tsea\t9\nhorse\thay\t8\nship\thay\t1\nhorse\tunicorn\t5\n")
    ran = kinfold("evaluate", learned, "--analogies", questions, "--similarity", pairs, "--json")
    assert ran.code == 0, ran.err
    analogies, similarity = ran.json
    assert "unicorn" in json.dumps(similarity)
    assert "nowhere" in json.dumps(analogies)
    out = tmp_path / "judged.arrow"
    assert kinfold("evaluate", learned, "--similarity", pairs, "-o", out).code == 0
    assert len(kf.open(out).card.reports) == 2


def test_convert_there_and_back(kinfold, learned, tmp_path):
    there, back = tmp_path / "words.bin", tmp_path / "back.arrow"
    assert kinfold("convert", learned, there).code == 0
    assert kinfold("convert", there, back).code == 0
    old, new = kf.open(learned), kf.open(back)
    assert list(old.keys) == list(new.keys)
    np.testing.assert_array_equal(old.rows.values, new.rows.values)


def test_convert_passes_options_to_the_reader_and_the_writer(kinfold, learned, tmp_path):
    assert kinfold("convert", learned, tmp_path / "a.safetensors", "--write", "tensor=rows").code == 0
    assert kinfold("convert", tmp_path / "a.safetensors", tmp_path / "b.arrow", "--read", "tensor=other").code == 2
    reading = ("--read", "tensor=rows", "--read", f"keys={tmp_path / 'a.keys.txt'}", "--read", "group=word")
    ran = kinfold("convert", tmp_path / "a.safetensors", tmp_path / "b.tsv", *reading, "--write", "header=true")
    assert ran.code == 0, ran.err
    assert (tmp_path / "b.tsv").read_text().startswith("key\t0\t1")
    (tmp_path / "c.tsv").write_bytes(b"ship\t1\t2\nc\xe9\t1\nsea wave\t5\t6\n")
    assert kinfold("convert", tmp_path / "c.tsv", tmp_path / "c.vec").code == 2
    repairs = ("--on-bad", "skip", "--bad-bytes", "ignore", "--replace", "_", "--read", "threads=1")
    ran = kinfold("convert", tmp_path / "c.tsv", tmp_path / "c.vec", *repairs, "--json")
    assert ran.code == 0, ran.err
    assert list(kf.open(tmp_path / "c.vec").keys) == ["ship", "sea_wave"]
    unreadable = next(each for each in ran.json["findings"] if each["name"] == "skipped: unreadable")
    assert unreadable["value"] == 1


def test_convert_to_a_folder_and_back(kinfold, learned, tmp_path):
    ran = kinfold("convert", learned, tmp_path / "model", "--format", "model2vec", "--json")
    assert ran.code == 0, ran.err
    files = sum(each.stat().st_size for each in (tmp_path / "model").iterdir())
    assert ran.json["bytes"] == files > 0
    ran = kinfold("info", tmp_path / "model")
    assert ran.code == 0, ran.err
    assert "…" in ran.out
    assert kinfold("nearest", tmp_path / "model", "ship").code == 0
    assert kinfold("convert", learned, tmp_path / "model", "--format", "model2vec").code == 2
    assert kinfold("convert", tmp_path / "model", tmp_path / "b.arrow").code == 0
    old, new = kf.open(learned), kf.open(tmp_path / "b.arrow")
    np.testing.assert_array_equal(new.rows.values[:-1], old.rows.values)


def test_formats_lists_every_format_with_its_options(kinfold):
    listed = kinfold("formats", "--json").json
    assert [each["name"] for each in listed] == [entry.name for entry in kf.io.FORMATS]
    of = {each["name"]: each for each in listed}
    assert "tensor" in of["safetensors"]["read"]
    assert "header" in of["tsv"]["write"]
    assert not of["gensim"]["written"]
    assert "word2vec-binary" in kinfold("formats").out


@pytest.mark.parametrize("command", ["map", "report"])
def test_pages_are_whole_html(kinfold, learned, tmp_path, command):
    out = tmp_path / "page.html"
    ran = kinfold(command, learned, "-o", out, "--json")
    assert ran.code == 0, ran.err
    text = out.read_text()
    assert text.lstrip().lower().startswith("<!doctype html")
    assert text.rstrip().endswith("</html>")
    assert ran.json["bytes"] == out.stat().st_size


def test_version_is_the_package_version(kinfold):
    assert kinfold("version", "--json").json["kinfold"] == kf.__version__


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nearest", "{space}", "shap"), "Did you mean 'ship'"),
        (("nearest", "{space}", "ship", "--where", "size > 3"), "count"),
        (("nearest", "{space}", "ship", "-k", "0"), "at least 1"),
        (("nearest", "nowhere.arrow", "ship"), "no such file"),
        (("info", "{text}"), "corpus.txt"),
        (("learn", "words", "nowhere.txt", "-o", "{out}"), "nowhere.txt"),
        (("learn", "words", "{text}", "-o", "no/folder/x.arrow"), "folder"),
        (("learn", "words", "{text}", "-o", "{out}", "--dim", "0"), "dim is 0"),
        (("learn", "words", "{text}", "-o", "{out}.bin"), "kinfold convert"),
        (("learn", "words", "{text}", "-o", "{out}", "--method", "glove", "--window", "0"), "window is 0"),
        (("learn", "words", "{text}", "-o", "{out}", "--method", "word3vec"), "Did you mean 'word2vec'"),
        (("learn", "words", "{text}", "-o", "{out}", "--min-count", "100000"), "min_count"),
        (("evaluate", "{space}"), "--similarity"),
        (("convert", "{space}", "{out}.xyz"), "format"),
        (("convert", "{space}", "{out}.vec", "--write", "header=true"), "no option 'header'"),
        (("convert", "{space}", "{out}.tsv", "--write", "header=yes"), "not true or false"),
        (("convert", "{space}", "{out}.tsv", "--write", "header"), "give NAME=VALUE"),
        (("convert", "{space}", "{out}.bin", "--format", "gensim"), "only read"),
        (("convert", "{space}", "{out}.bin", "--read", "tensor=x"), "no option 'tensor'"),
    ],
)
def test_an_error_is_one_line_and_code_2_and_leaves_nothing(kinfold, learned, corpus, tmp_path, words, says):
    out = tmp_path / "out"
    places = {"space": learned, "text": corpus, "out": out}
    ran = kinfold(*(word.format(**places) for word in words))
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_command_is_code_2(kinfold):
    assert kinfold("learnt").code == 2


def test_interrupting_leaves_no_half_written_output(corpus, tmp_path):
    out = tmp_path / "words.arrow"
    command = [
        sys.executable,
        "-c",
        "from kinfold.app.main import main; main()",
        "learn",
        "words",
        str(corpus),
        "-o",
        str(out),
    ]
    running = subprocess.Popen([*command, "--epochs", "100000"], stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_importing_is_cheap():
    heavy = (
        "numba",
        "scipy",
        "duckdb",
        "faiss",
        "sklearn",
        "umap",
        "matplotlib",
        "pandas",
        "polars",
        "pyarrow",
        "typer",
    )
    code = f"import sys, kinfold; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
    code = f"import sys, kinfold.app.main; print([name for name in {heavy[:-2]!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_a_closed_pipe_is_no_error(learned):
    code = "from kinfold.app.main import main; main()"
    script = f"'{sys.executable}' -c '{code}' info '{learned}' | head -1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=os.environ)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
