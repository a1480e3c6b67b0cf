import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from quality.planted import found, places, table

import kinfold as kf
from kinfold.core.errors import BadData, MissingExtra
from kinfold.quality import images

Image = pytest.importorskip("PIL.Image")
DATA = Path(os.environ.get("KINFOLD_DATA", Path(__file__).parents[3] / "shared" / "data"))


def picture(seed, size=(64, 48)):
    """A picture with some shapes on it."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def save(folder, name, image, **how):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **how)
    return path


def clean(folder, count=40, seed=0):
    for at in range(count):
        save(folder, f"{'ab'[at % 2]}/{at:03}.png", picture(seed + at))
    return folder


def test_clean_images_raise_no_alarm(tmp_path):
    report = kf.check(clean(tmp_path / "images"))
    assert found(report) == {}
    assert "read as images" in report.notes[1]
    assert table(report, "Classes") == [["a", 20, 0.5], ["b", 20, 0.5]]


def test_images_that_do_not_open_or_show_nothing(tmp_path):
    folder = clean(tmp_path / "images")
    whole = (folder / "a" / "000.png").read_bytes()
    (folder / "a" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "a" / "empty.png").write_bytes(b"")
    (folder / "a" / "no.jpg").write_bytes(b"<html>not found</html>")
    save(folder, "b/blank.png", Image.new("RGB", (40, 40), (20, 30, 40)))
    save(folder, "b/tiny.png", picture(500, (5, 30)))
    save(folder, "b/gray.png", picture(501).convert("L"))
    save(folder, "b/long.png", picture(502, (700, 20)))
    (folder / "b" / "other.jpg").write_bytes(save(tmp_path, "x.png", picture(503)).read_bytes())
    (folder / "readme.txt").write_text("no image")
    report = kf.check(folder)
    assert found(report) == {
        "images that do not open": ("serious", 3),
        "images of one color": ("warning", 1),
        "images with a side below 8 pixels": ("warning", 1),
        "images more than 20 times as long as wide": ("note", 1),
        "images whose ending says another format": ("note", 1),
        "images of another kind of color than most": ("note", 1),
    }
    assert [where for where, _ in places(report, "images that do not open")] == [
        f"{folder}/a/cut.png",
        f"{folder}/a/empty.png",
        f"{folder}/a/no.jpg",
    ]
    assert "1 files that are no images" in " ".join(report.notes)


@pytest.mark.parametrize("by_hash", [False, True])
def test_copies_made_smaller_lighter_and_worse_are_found(tmp_path, monkeypatch, by_hash):
    if by_hash:
        monkeypatch.setattr(images, "_COMPARED", 10)
    folder = clean(tmp_path / "images", 60)
    save(folder, "a/copy.png", picture(2))
    save(folder, "a/worse.jpg", picture(4).resize((48, 36)).point(lambda value: 20 + 0.8 * value), quality=60)
    save(folder, "b/torn.png", picture(6).resize((128, 96)))
    report = kf.check(folder)
    told = found(report)
    assert told["images that stand twice"] == ("warning", 1)
    assert places(report, "images that stand twice")[0][0] == f"{folder}/a/copy.png = {folder}/a/002.png"
    assert told["images that nearly repeat another"] == ("warning", 2)
    assert told["nearly equal images of two classes"] == ("warning", 1)
    assert places(report, "nearly equal images of two classes")[0][1] == "b and a"


def test_splits_of_folders_and_of_archives(tmp_path):
    folder = tmp_path / "images"
    clean(folder / "train", 30)
    clean(folder / "test", 12, seed=100)
    save(folder, "test/a/copy.png", picture(2))
    report = kf.check(folder)
    assert found(report) == {"images of a later split that an earlier one has": ("serious", 1)}
    assert places(report, "images of a later split that an earlier one has")[0][0] == (
        f"{folder}/test/a/copy.png = {folder}/train/a/002.png"
    )
    packed = []
    for name in ("train", "test"):
        packed.append(tmp_path / f"{name}.zip")
        with zipfile.ZipFile(packed[-1], "w") as archive:
            for path in sorted((folder / name).rglob("*.png")):
                archive.write(path, path.relative_to(folder / name))
    report = kf.check(packed)
    assert found(report) == {"images of a later split that an earlier one has": ("serious", 1)}
    assert [row[0] for row in table(report, "Splits")] == [str(each) for each in packed]


def test_classes_of_few_images_and_archives_that_are_broken(tmp_path):
    folder = clean(tmp_path / "images")
    save(folder, "rare/0.png", picture(900))
    assert found(kf.check(folder)) == {"classes of fewer than 5 images": ("warning", 1)}
    path = tmp_path / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each in sorted(folder.rglob("*.png")):
            archive.write(each, each.relative_to(folder))
    data = bytearray(path.read_bytes())
    data[120] ^= 0xFF
    path.write_bytes(data)
    assert found(kf.check(path))["images that do not open"] == ("serious", 1)
    path.write_bytes(data[:500])
    with pytest.raises(BadData, match="damaged or cut short"):
        kf.check(path)


def test_without_pillow_the_way_out_is_told(tmp_path, monkeypatch):
    import sys

    folder = clean(tmp_path / "images", 4)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra, match=r"kinfold\[images\]"):
        kf.check(folder)


def test_the_hash_survives_what_an_eye_does():
    def hashed(image):
        return images.perceptual_hash(np.asarray(image.convert("L").resize((32, 32), Image.Resampling.BOX)))

    apart = []
    for seed in range(30):
        image, sink = picture(seed, (96, 96)), io.BytesIO()
        image.resize((72, 72)).point(lambda value: 0.9 * value + 10).save(sink, "JPEG", quality=60)
        apart.append((hashed(image) ^ hashed(Image.open(sink))).bit_count())
    others = [(hashed(picture(seed)) ^ hashed(picture(seed + 1))).bit_count() for seed in range(30)]
    assert max(apart) <= 12 < min(others)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "images").exists(), reason=f"{DATA} is not there; set KINFOLD_DATA")
def test_the_same_photo_under_two_labels_is_found():
    path = DATA / "images" / "clothing_train.zip"
    report = kf.check(path)
    assert found(report) == {
        "images that nearly repeat another": ("note", 1),
        "nearly equal images of two classes": ("warning", 1),
    }
