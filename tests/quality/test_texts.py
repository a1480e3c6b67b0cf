import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from quality.planted import FRENCH, RUSSIAN, found, places, sentences, table

import kinfold as kf
from kinfold.core.errors import BadData, BadFile, BadOption

DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))


def written(folder, name, lines):
    path = folder / name
    path.write_bytes(b"\n".join(each if isinstance(each, bytes) else each.encode() for each in lines) + b"\n")
    return path


def test_a_clean_file_raises_no_alarm(tmp_path):
    report = kf.check(written(tmp_path, "clean.txt", sentences(600)))
    assert found(report) == {}
    assert "Nothing was found" in report.notes[0]
    assert "read as text" in report.notes[1]
    assert table(report, "Files")[0][1:4] == [600, 0, 600 * 20]
    assert table(report, "Languages, by their small words")[0][:2] == ["English", 600]


def test_what_is_said_twice_or_nearly_so_is_counted_and_named(tmp_path):
    lines = sentences(400)
    lines[50] = lines[3].upper().replace(" ", "  ")
    lines[60] = lines[3]
    lines[70] = " ".join(f"the{at} word{at}" for at in range(30))
    lines[90] = lines[70].replace("word9", "sword")
    lines[91] = lines[92] = "Yes."  # too short to be more than a phrase
    path = written(tmp_path, "texts.txt", lines)
    report = kf.check(path)
    assert found(report) == {"texts that stand twice": ("warning", 2), "texts that nearly repeat another": ("note", 1)}
    assert [where for where, _ in places(report, "texts that stand twice")] == [
        f"{path} line 51 = {path} line 4",
        f"{path} line 61 = {path} line 4",
    ]
    assert places(report, "texts that nearly repeat another")[0][0] == f"{path} line 91 ≈ {path} line 71"


def test_dedup_leaves_out_what_the_check_counts(tmp_path):
    lines = sentences(100)
    lines[50], lines[60] = lines[3], lines[4].title()
    checked = kf.check(written(tmp_path, "texts.txt", lines))
    left_out = kf.tasks.dedup.of_texts(lines, exact=True).report["dropped"]
    assert checked["texts that stand twice"].value == left_out.value == 2


def test_damaged_characters_are_found_each_with_its_place(tmp_path):
    lines = sentences(400)
    lines[10] += " caf" + b"\xc3\xa9".decode("latin-1")
    lines[11] += " itâ€™s"
    lines[20] += " lost \ufffd here"
    lines[30] += " bell\x07"
    lines[40] += " zero\u200bwidth"
    lines[41] += "\ufeff"
    lines[50] += " <br /> and &amp; more"
    lines[51] += " if a < b and c > d, A&B"  # neither tag nor entity
    lines[60] += " café, naïve, Ångström, NÃO, «Â»"
    report = kf.check(written(tmp_path, "texts.txt", lines))
    assert found(report) == {
        "texts with garbled characters (UTF-8 read as Latin-1)": ("warning", 2),
        "texts with replacement characters (U+FFFD)": ("warning", 1),
        "texts with control characters": ("warning", 1),
        "texts with invisible characters": ("note", 2),
        "texts with HTML in them": ("note", 1),
    }
    garbled = places(report, "texts with garbled characters (UTF-8 read as Latin-1)")
    assert [where.rsplit(" ", 1)[1] for where, _ in garbled] == ["11", "12"]
    assert "Ã©" in garbled[0][1]
    assert places(report, "texts with control characters")[0][1].endswith("bell\x07")


def test_bytes_that_are_not_utf8_are_named_with_line_and_offset(tmp_path):
    lines = [each.encode() for each in sentences(300)]
    lines[7] = b"caf\xe9 " + lines[7]
    lines[200] += b" \xff\xfe"
    path = written(tmp_path, "texts.txt", lines)
    report = kf.check(path)
    assert found(report) == {"lines with bytes that are not UTF-8": ("serious", 2)}
    offset = sum(len(each) + 1 for each in lines[:7]) + 3
    where, shown = places(report, "lines with bytes that are not UTF-8")[0]
    assert where == f"{path} line 8, byte {offset:,}"
    assert path.read_bytes()[offset] == 0xE9
    assert shown.startswith("0xe9 in caf\\xe9")


def test_two_forms_of_characters_are_one_word_written_twice(tmp_path):
    lines = sentences(300)
    for at in range(20):
        lines[at] += " café"
    lines[25] += " cafe\u0301"
    report = kf.check(written(tmp_path, "texts.txt", lines))
    name = "texts with letters and marks apart (NFD), where most are NFC"
    assert found(report) == {name: ("warning", 1)}
    assert places(report, name)[0][0].endswith("line 26")
    # Marks that no letter has in one are no second form.
    assert not found(kf.check(written(tmp_path, "x.txt", [*sentences(300), "x\u0301 é"])))


def test_other_languages_and_scripts_are_counted(tmp_path):
    lines = sentences(500)
    lines[100:104] = FRENCH
    lines[200:203] = RUSSIAN
    report = kf.check(written(tmp_path, "texts.txt", lines))
    assert found(report) == {
        "texts in another language than most": ("note", 7),
        "texts in another script than most": ("note", 3),
    }
    assert places(report, "texts in another language than most")[0][1].startswith("French: je ne sais")
    rows = {row[0]: row[1] for row in table(report, "Languages, by their small words")}
    assert (rows["English"], rows["French"], rows["Russian"]) == (493, 4, 3)
    scripts = {row[0] for row in table(report, "Letters by script")}
    assert scripts == {"Latin", "Cyrillic"}


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_an_archive_that_is_cut_short_is_read_as_far_as_it_goes(tmp_path, cut):
    path = tmp_path / "texts.txt.gz"
    whole = gzip.compress("\n".join(sentences(4000)).encode())
    path.write_bytes(whole[: int(cut * len(whole))])
    report = kf.check(path, kind="text")
    assert found(report)["files that cannot be read to their end"] == ("serious", 1)
    where, shown = places(report, "files that cannot be read to their end")[0]
    assert where == str(path)
    assert "cut short" in shown


def test_what_splits_share_is_serious(tmp_path):
    train, test = sentences(400), sentences(100, seed=1)
    test[5], test[8] = train[17].title(), train[30]
    test[9] = "Thank you!"
    train[0] = "Thank you!"
    paths = [written(tmp_path, "train.txt", train), written(tmp_path, "test.txt", test)]
    report = kf.check(paths)
    assert found(report) == {"texts of a later file that an earlier one has": ("serious", 2)}
    assert [where for where, _ in places(report, "texts of a later file that an earlier one has")] == [
        f"{paths[1]} line 6 = {paths[0]} line 18",
        f"{paths[1]} line 9 = {paths[0]} line 31",
    ]
    assert found(kf.check(paths, together=True)) == {"texts that stand twice": ("note", 2)}


def test_one_text_again_and_again_and_one_that_nobody_divided(tmp_path):
    lines = sentences(1000)
    lines[100:130] = ["This message was sent by a machine."] * 30
    lines[500] = " ".join(sentences(400, seed=3))
    report = kf.check(written(tmp_path, "texts.txt", lines))
    assert found(report)["texts that are one and the same"] == ("warning", 30)
    assert "(30 times)" in places(report, "texts that are one and the same")[0][1]
    assert found(report)["texts far longer than all others"] == ("note", 1)
    assert places(report, "texts far longer than all others")[0][0].endswith("line 501")


def test_labeled_lines_of_json_broken_lost_torn_and_rare(tmp_path):
    records = [
        json.dumps({"text": text, "label": "ab"[at % 2], "who": f"u{at % 50}"})
        for at, text in enumerate(sentences(400))
    ]
    records[3] = records[3][:-4]
    records[7] = "[1, 2]"
    records[20] = json.dumps({"text": " ", "label": "a", "who": "u1"})
    records[30] = json.dumps({"text": json.loads(records[31])["text"], "label": "a", "who": "u2"})
    records[40] = json.dumps({"text": "a rare one that stands all alone here", "label": "c", "who": "u3"})
    path = written(tmp_path, "texts.jsonl", records)
    report = kf.check(path)
    assert found(report) == {
        "lines that are no JSON": ("serious", 1),
        "lines that are no object of JSON": ("serious", 1),
        "empty texts": ("warning", 1),
        "texts that stand twice": ("note", 1),
        "texts whose copies have other labels": ("warning", 2),
        "classes of fewer than 5 texts": ("warning", 1),
    }
    assert places(report, "lines that are no JSON")[0][0] == f"{path} line 4"
    assert places(report, "empty texts")[0][0] == f"{path} line 21"
    assert [where for where, _ in places(report, "texts whose copies have other labels")] == [
        f"{path} line 31",
        f"{path} line 32",
    ]
    assert table(report, "Classes")[-1][:2] == ["c", 1]


def test_classes_of_one_file_alone_and_one_that_outweighs(tmp_path):
    train = [f"__label__{'yes' if at else 'no'} {text}" for at, text in enumerate(sentences(300))]
    test = [f"__label__{'Yes' if at % 2 else 'maybe'} {text}" for at, text in enumerate(sentences(40, seed=5))]
    paths = [written(tmp_path, "train.txt", train), written(tmp_path, "test.txt", test)]
    report = kf.check(paths)
    assert found(report) == {
        f"texts of classes that {paths[0]} has not": ("serious", 40),
        "texts of one class that outweighs all others": ("warning", 299),
        "classes of fewer than 5 texts": ("warning", 1),
    }
    shown = [what for _, what in places(report, f"texts of classes that {paths[0]} has not")]
    assert shown == ["'maybe': 20", "'Yes': 20 (there is 'yes')"]
    balanced = [f"{at % 2} {text}" for at, text in enumerate(sentences(60))]
    report = kf.check(written(tmp_path, "sst.txt", balanced))
    assert found(report) == {}
    assert "labeled" in report.notes[1]


def test_groups_stand_in_one_split_and_do_not_outweigh(tmp_path):
    def saved(name, texts, who):
        path = tmp_path / name
        parquet.write_table(pa.table({"text": texts, "speaker": who}), path)
        return path

    train = saved("train.parquet", sentences(200), ["ann"] * 80 + [f"s{at % 40}" for at in range(120)])
    test = saved("test.parquet", sentences(50, seed=2), ["ann"] * 5 + [f"t{at}" for at in range(45)])
    report = kf.check([train, test], group="speaker")
    assert found(report) == {
        "texts of one group that dominates": ("warning", 80),
        "texts of groups that an earlier file has": ("serious", 5),
    }
    where, shown = places(report, "texts of groups that an earlier file has")[0]
    assert (where, shown[:17]) == (str(test), "'ann': 5 here, 80")


def test_sentences_with_tags(tmp_path):
    lines = []
    for text in sentences(60):
        lines += [f"{word}\t{'B-NUM' if word.isdigit() else 'O'}" for word in text.split()] + [""]
    clean = written(tmp_path, "clean.conll", lines)
    assert found(kf.check(clean)) == {}
    broken = lines.copy()
    broken[25] = "onlyaword"
    broken += [line.replace("B-NUM", "O") for line in lines[:22]]
    report = kf.check(written(tmp_path, "broken.conll", broken))
    assert found(report)["lines that are no word and tag"] == ("serious", 1)
    assert places(report, "lines that are no word and tag")[0][0].endswith("line 26")
    assert found(report)["sentences that stand twice"] == ("warning", 1)
    assert found(report)["sentences whose copies have other labels"] == ("warning", 2)


def test_a_folder_of_texts_is_one_whole(tmp_path):
    lines = sentences(200)
    folder = tmp_path / "texts"
    folder.mkdir()
    first = written(folder, "a.txt", lines[:100])
    second = written(folder, "b.txt", [*lines[100:], lines[3]])
    written(folder, ".hidden", lines)
    report = kf.check(folder)
    assert found(report) == {"texts that stand twice": ("note", 1)}
    assert places(report, "texts that stand twice")[0][0] == f"{second} line 101 = {first} line 4"
    other = written(tmp_path, "test.txt", [lines[5], *sentences(30, seed=8)])
    assert found(kf.check([folder, other]))["texts of a later file that an earlier one has"] == ("serious", 1)


def test_what_cannot_be_checked_is_refused_with_a_way_out(tmp_path):
    path = written(tmp_path, "a.txt", sentences(10))
    with pytest.raises(BadOption, match="one of: text"):
        kf.check(path, kind="poem")
    with pytest.raises(BadOption, match="named twice"):
        kf.check([path, path])
    with pytest.raises(BadOption, match="nothing"):
        kf.check([])
    with pytest.raises(BadFile, match="no such file"):
        kf.check(tmp_path / "none.txt")
    with pytest.raises(BadData, match="--kind"):
        kf.check([path, written(tmp_path, "t.csv", ["a,b,c", *(f"{at},{at % 3},x" for at in range(30))])])
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    assert kf.check(empty).tables[-1].rows[0][1] == 0
    utf16 = tmp_path / "utf16.txt"
    utf16.write_bytes("\n".join(sentences(10)).encode("utf-16"))
    report = kf.check(utf16)
    assert "iconv" in places(report, "files that cannot be read to their end")[0][1]


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "text" / "sst2").exists(), reason=f"{DATA} is not there; set KINFOLD_DATA")
def test_real_texts_have_few_faults_and_these_are_real():
    files = [DATA / "text" / "sst2" / f"stsa.binary.{name}.gz" for name in ("train", "dev", "test")]
    report = kf.check(files)
    assert found(report) == {
        "texts of a later file that an earlier one has": ("warning", 1),
        "texts that stand twice": ("note", 7),
    }
    assert places(report, "texts of a later file that an earlier one has")[0][1] == "what 's next ?"
    assert found(kf.check(DATA / "text" / "state_of_the_union.jsonl.gz")) == {}


def test_one_text_in_thousands_that_splits_share_makes_no_judgment_worthless(tmp_path):
    train, test = sentences(400), sentences(1000, seed=1)
    test[5] = train[17]
    paths = [written(tmp_path, "train.txt", train), written(tmp_path, "test.txt", test)]
    name = "texts of a later file that an earlier one has"
    assert found(kf.check(paths)) == {name: ("warning", 1)}
    written(tmp_path, "test.txt", [*test[:6], *train[20:25], *test[6:]])
    assert found(kf.check(paths)) == {name: ("serious", 6)}


def test_placeholders_are_no_html(tmp_path):
    lines = [f"<user> {each} <EUR=>" for each in sentences(100)]
    assert found(kf.check(written(tmp_path, "texts.txt", lines))) == {}


@pytest.mark.parametrize(("name", "held"), [("texts.txt", ""), ("table.csv", "height,label\n")])
def test_a_file_in_which_nothing_stands_is_serious(tmp_path, name, held):
    path = tmp_path / name
    path.write_text(held)
    report = kf.check(path)
    assert found(report) == {"files in which nothing stands": ("serious", 1)}
    assert places(report, "files in which nothing stands") == [(str(path), "")]
