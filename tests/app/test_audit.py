import numpy as np
import pytest
from models import real

import kinfold as kf

LISTS = """
[words]
sea = ["ship", "sailor", "whale", "sail"]
land = ["horse", "farmer", "hay", "plough"]
wet = ["sea", "wave", "harbor"]
dry = ["field", "barn", "wheat"]
[pairs]
place = [["ship", "horse"], ["sailor", "farmer"]]
[[query]]
name = "sea and land"
targets = ["sea", "land"]
attributes = ["wet", "dry"]
[[axis]]
name = "place"
pairs = "place"
words = "wet"
"""


@pytest.fixture
def lists(tmp_path):
    path = tmp_path / "places.toml"
    path.write_text(LISTS)
    return path


def test_audit_tells_and_keeps_what_it_found(kinfold, learned, lists, tmp_path):
    out = tmp_path / "audited.arrow"
    ran = kinfold("audit", learned, "--lists", lists, "-o", out)
    assert ran.code == 0
    assert "sea go with wet, land with dry" in ran.out
    assert "effect size" in ran.out
    report = kf.open(out).card.reports[-1]
    assert report["effect size"].low is not None
    values = kinfold("audit", learned, "--lists", lists, "--json").json
    assert values["title"] == "Bias · places"
    assert {"effect size", "p", "direct bias"} <= {each["name"] for each in values["findings"]}


def test_audit_asks_weat_where_nothing_is_named(kinfold, learned):
    ran = kinfold("audit", learned)
    assert ran.code == 0
    assert "Bias · WEAT 1 to 10" in ran.out
    assert "refused: 25 of 25 words of 'flowers' have no row" in ran.out
    assert "Nothing could be answered" in ran.out


def test_audit_reads_shares(kinfold, learned, lists, tmp_path):
    shares = tmp_path / "shares.csv"
    shares.write_text("word,share\nwave,90\nship,80\nfield,10\nhay,5\nbarn,20\n")
    values = kinfold("audit", learned, "--lists", lists, "--shares", shares, "--json").json
    found = {each["name"]: each for each in values["findings"]}
    assert found["correlation with shares"]["value"] > 0.7
    shares.write_text("word,share\nwave,ninety\n")
    ran = kinfold("audit", learned, "--lists", lists, "--shares", shares)
    assert ran.code == 2
    assert "row 1: the share 'ninety' is no number" in ran.err
    shares.write_text("word,women,men\nwave,1,2\n")
    ran = kinfold("audit", learned, "--lists", lists, "--shares", shares)
    assert "which column holds the shares? Name it: --share" in ran.err


def test_audit_compares_groups(kinfold, tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 4))
    rows[30:, 0] += 4
    path = tmp_path / "users.arrow"
    space = kf.Space.of([f"u{at}" for at in range(60)], rows, group="user")
    space.with_attribute("gender", ["f"] * 30 + ["m"] * 30).save(path)
    ran = kinfold("audit", path, "--group", "gender")
    assert ran.code == 0
    assert "A probe tells gender in" in ran.out
    assert kinfold("audit", path, "--by", "gender", "--json").json["title"] == "Groups · gender"
    ran = kinfold("audit", path, "--group", "sex")
    assert ran.code == 2
    assert "no attribute 'sex'" in ran.err


def test_lists_of_users_and_items_are_refused_by_the_options_that_there_are(kinfold, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "met.csv"
    path.write_text("user,item\n" + "".join(f"u{at % 30},i{rng.integers(0, 40)}\n" for at in range(300)))
    kf.items(path, dim=4, seed=0, threads=1).save(tmp_path / "met.arrow")
    ran = kinfold("audit", tmp_path / "met.arrow")
    assert ran.code == 2
    assert "with --group …, such as gender, or the group that holds words with --among …" in ran.err


def test_sentences_around_words_are_encoded(kinfold, learned, lists, tmp_path):
    ran = kinfold("audit", learned, "--lists", lists, "--templates", "sentences")
    assert ran.code == 0
    assert "the mean of 7 sentences around it" in ran.out
    own = tmp_path / "frames.toml"
    own.write_text('templates = ["the {word} and the {word}"]\n')
    values = kinfold("audit", learned, "--lists", lists, "--templates", own, "--json").json
    found = {each["name"]: each for each in values["findings"]}
    assert found["effect size"]["value"] > 1
    ran = kinfold("audit", learned, "--lists", lists, "--templates", lists)
    assert ran.code == 2
    assert "holds no templates" in ran.err


def test_encoders_are_judged_by_group(kinfold, learned, tmp_path):
    rng = np.random.default_rng(0)
    sea, land = ["ship", "whale", "sail", "wave"], ["horse", "hay", "barn", "field"]
    lines = ["kind\tsentence1\tsentence2\tscore"]
    for at in range(60):
        same = at % 2
        first, second = rng.choice(sea), rng.choice(sea if same else land)
        # Of every other kind, people's scores mean nothing.
        score = 5 * same if at % 4 < 2 else rng.uniform(0, 5)
        lines.append(f"{'clear' if at % 4 < 2 else 'noise'}\tthe {first}\ta {second}\t{score:.2f}")
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(lines))
    values = kinfold("audit", learned, "--test", path, "--group", "kind", "--json").json
    found = {(each["group"], each["name"]): each for each in values["findings"]}
    assert found["clear", "spearman"]["value"] > 0.7
    assert found["", "largest gap"]["low"] > 0
    assert found["", "p"]["value"] < 0.05
    ran = kinfold("audit", learned, "--test", path, "--group", "sort")
    assert ran.code == 2
    assert "no column 'sort'" in ran.err
    ran = kinfold("audit", learned, "--test", path)
    assert ran.code == 2
    assert "name it as --group" in ran.err


def test_classifiers_are_judged_by_group(kinfold, tmp_path):
    rows = ["text,label,who"]
    for at in range(80):
        warm = at % 2
        # To the second speaker, words mean the other thing.
        said = "sun beach" if warm == (at % 4 < 2) else "snow ice"
        rows.append(f"{said},{'warm' if warm else 'cold'},{'one' if at % 4 < 2 else 'two'}")
    path = tmp_path / "texts.csv"
    path.write_text("\n".join(rows))
    train = tmp_path / "train.csv"
    train.write_text("text,label\n" + "sun beach,warm\nsnow ice,cold\n" * 50)
    model = tmp_path / "model.arrow"
    assert kinfold("classify", train, "-o", model, "--epochs", "20", "--threads", "1").code == 0
    values = kinfold("audit", model, "--test", path, "--label", "label", "--group", "who", "--json").json
    found = {(each["group"], each["name"]): each for each in values["findings"]}
    assert found["one", "accuracy"]["value"] == 1
    assert found["two", "accuracy"]["value"] == 0
    assert found["", "largest gap"]["value"] == 1


def test_questions_that_do_not_go_together_are_refused(kinfold, learned, tmp_path):
    for words, message in (
        (("--label", "label"), "label is a column of a test"),
        (("--lists", "nothing"), "there are no lists 'nothing'"),
        (("--lists", tmp_path / "none.toml"), "no such file"),
        (("--lost", "2"), "lost is 2"),
        (("--test", "pairs.tsv", "--group", "kind", "-o", tmp_path / "out.arrow"), "-o writes a Space"),
    ):
        ran = kinfold("audit", learned, *words)
        assert ran.code == 2, words
        assert message in ran.err


def test_a_transformer_goes_with_people_on_flowers_and_insects(kinfold, tmp_path):
    lists = tmp_path / "few.toml"
    lists.write_text(
        """
[words]
flowers = ["rose", "tulip", "daisy", "lily", "orchid"]
insects = ["wasp", "cockroach", "mosquito", "flea", "maggot"]
pleasant = ["love", "peace", "gentle", "happy"]
unpleasant = ["filth", "disease", "rotten", "poison"]
[[query]]
name = "flowers"
targets = ["flowers", "insects"]
attributes = ["pleasant", "unpleasant"]
"""
    )
    values = kinfold("audit", real(), "--lists", lists, "--json").json
    found = {each["name"]: each for each in values["findings"]}
    assert found["effect size"]["low"] > 0
    assert found["p"]["value"] == pytest.approx(2 / 252)
    ran = kinfold("audit", real(), "--group", "gender")
    assert ran.code == 2
    assert "has no rows of its own" in ran.err
