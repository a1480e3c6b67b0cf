"""Word vectors beside gensim (corpus_file, its fastest mode) and fastText: 14 million words of novels.

Every training is a process of its own, so that memory is what that run took; contenders take turns. Same tokens, same
vocabulary, same settings: skip-gram or CBOW, 5 negatives, window 5, subsampling 1e-3, rate 0.025 falling linearly,
2 threads; with n-grams those that fastText has by default: 3 to 6 characters, 2 million buckets, subsampling 1e-4, rate
0.05 falling to 0.

    python benchmarks/words.py              everything, some forty minutes
    python benchmarks/words.py --small      half a minute on a twentieth of the text, as a check
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _measure import peak_memory, record
from _words import MIN_COUNT, answer, head, in_process, novels, save, scores, verdict

NAMES = {"gensim": "gensim", "fasttext": "fastText"}
RATE, WINDOW, NEGATIVES, SAMPLE = 0.025, 5, 5, 1e-3
# What fastText does by default where it has n-grams.
NGRAMS = {"min_n": 3, "max_n": 6, "buckets": 2_000_000, "subsample": 1e-4, "learning_rate": 0.05, "final_rate": 0.0}


# One contender in a process of its own. Each gives seconds for the vocabulary and for training, and writes its vectors.


def kinfold(job: dict[str, Any]) -> dict[str, Any]:
    from kinfold.core.shapes import Items
    from kinfold.learn import FastText, Word2Vec
    from kinfold.prepare.tokens import sequences
    from kinfold.sources.text import read

    kind, options = (FastText, NGRAMS) if job["ngrams"] else (Word2Vec, {"subsample": SAMPLE, "learning_rate": RATE})
    tiny = sequences(Items(["a b c a b c"] * 4), min_count=1, threads=1)
    kind(dim=job["dim"], epochs=1).fit(tiny, threads=1)  # loads what an earlier process compiled
    began = time.perf_counter()
    data = sequences(read(job["file"]), tokenizer="whitespace", min_count=MIN_COUNT, threads=job["threads"])
    ready = time.perf_counter()
    shared = {"epochs": job["epochs"], "window": WINDOW, "negatives": NEGATIVES, "mode": job["mode"]}
    learner = kind(dim=job["dim"], **shared, **options)
    space = learner.fit(data, seed=job["seed"], threads=job["threads"])
    done = time.perf_counter()
    memory = peak_memory()
    if job["out"]:
        space.save(job["out"])
    return {
        "vocabulary": ready - began,
        "train": done - ready,
        "tokens": len(data.ids),
        "words": len(data.keys),
        "memory": memory,
    }


def gensim(job: dict[str, Any]) -> dict[str, Any]:
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=job["dim"],
        epochs=job["epochs"],
        window=WINDOW,
        negative=NEGATIVES,
        sample=SAMPLE,
        alpha=RATE,
        min_count=MIN_COUNT,
        workers=job["threads"],
        sg=int(job["mode"] == "skipgram"),
        seed=job["seed"] + 1,
    )
    began = time.perf_counter()
    model.build_vocab(corpus_file=job["file"])
    ready = time.perf_counter()
    model.train(
        corpus_file=job["file"],
        total_examples=model.corpus_count,
        total_words=model.corpus_total_words,
        epochs=job["epochs"],
    )
    done = time.perf_counter()
    memory = peak_memory()
    tokens = int(sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key))
    save(job["out"], model.wv.index_to_key, model.wv.vectors)
    words = len(model.wv)
    return {"vocabulary": ready - began, "train": done - ready, "tokens": tokens, "words": words, "memory": memory}


def fasttext(job: dict[str, Any]) -> dict[str, Any]:
    import fasttext as library

    options = {
        "model": job["mode"],
        "dim": job["dim"],
        "ws": WINDOW,
        "neg": NEGATIVES,
        "minCount": MIN_COUNT,
        "thread": job["threads"],
        "verbose": 0,
    }
    if not job["ngrams"]:
        options |= {"t": SAMPLE, "lr": RATE, "minn": 0, "maxn": 0, "bucket": 1}
    # It reads the dictionary and trains in one call: the time of an epoch is what more epochs cost, one by one.
    began = time.perf_counter()
    library.train_unsupervised(job["file"], epoch=1, **options)
    one = time.perf_counter() - began
    epochs = max(2, job["epochs"])
    began = time.perf_counter()
    model = library.train_unsupervised(job["file"], epoch=epochs, **options)
    train = (time.perf_counter() - began - one) / (epochs - 1) * job["epochs"]
    memory = peak_memory()
    words, counts = model.get_words(include_freq=True)
    save(job["out"], words, np.array([model.get_word_vector(word) for word in words]))
    return {"train": train, "tokens": int(sum(counts)), "words": len(words), "memory": memory}


def run(contender: str, **job: Any) -> dict[str, Any]:
    """One contender in a new process."""
    job = {"dim": 100, "epochs": 1, "threads": 2, "mode": "skipgram", "seed": 0, "out": "", "ngrams": False, **job}
    result = in_process(__file__, contender, job)
    result["rate"] = result["tokens"] * job["epochs"] / result["train"]
    print(
        f"  {contender:8s} {job['mode']} {job['dim']} d × {job['epochs']}: {result['rate']:12,.0f} words/s", flush=True
    )
    return result


# The comparisons.


def speed(rounds: int, contenders: dict[str, dict[str, Any]], **job: Any) -> dict[str, Any]:
    """Median words per second of each contender and the ratios to Kinfold, round by round in turn."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for seed in range(rounds):
        for name, own in contenders.items():
            found[name].append(run(name, seed=seed, **{**job, **own})["rate"])
    return _rates(found)


def _rates(found: dict[str, list[float]]) -> dict[str, Any]:
    ratios = {
        name: median(ours / theirs for ours, theirs in zip(found["kinfold"], rates, strict=True))
        for name, rates in found.items()
        if name != "kinfold"
    }
    return {"words_per_second": found, "ratio": ratios}


def quality(rounds: int, folder: Path, peer: str, **job: Any) -> dict[str, Any]:
    """Scores of Kinfold and a peer with several seeds, and the speed and memory of the same runs."""
    runs: dict[str, list[dict[str, Any]]] = {"kinfold": [], peer: []}
    for seed in range(rounds):
        for name, results in runs.items():
            out = str(folder / f"{name}.arrow")
            result = run(name, seed=seed, out=out, **job)
            result["scores"] = scores(out)
            results.append(result)
    rates = _rates({name: [each["rate"] for each in results] for name, results in runs.items()})
    vocabulary = {
        name: median(each["vocabulary"] for each in results)
        for name, results in runs.items()
        if "vocabulary" in results[0]
    }
    memory = {name: max(each["memory"] for each in results) for name, results in runs.items()}
    return {
        **rates,
        "scores": verdict(runs, peer),
        "vocabulary_seconds": vocabulary,
        "peak_bytes": memory,
        "runs": runs,
    }


def tokenizing(raw: Path, rounds: int) -> dict[str, Any]:
    """Raw text to ids: Unicode words, lower-cased, megabytes a second a core."""
    from kinfold.prepare.tokens import sequences
    from kinfold.sources.text import read

    size = raw.stat().st_size / 1e6
    found: dict[int, list[float]] = {1: [], 2: []}
    sequences(read(raw), threads=1)
    for _ in range(rounds):
        for threads, rates in found.items():
            began = time.perf_counter()
            sequences(read(raw), threads=threads)
            rates.append(size / (time.perf_counter() - began))
    return {"megabytes_per_second": {str(threads): median(rates) for threads, rates in found.items()}}


def scaling(file: Path, rounds: int) -> dict[str, Any]:
    """One and two threads; one, four and all million tokens; a list of strings beside a file."""
    from kinfold.core.shapes import Sequences
    from kinfold.learn import Word2Vec
    from kinfold.prepare.tokens import sequences
    from kinfold.sources.text import read

    data = sequences(read(file), tokenizer="whitespace", min_count=MIN_COUNT)

    def first(tokens: int) -> Sequences:
        last = int(np.searchsorted(data.starts, tokens))
        starts = data.starts[: last + 1]
        return Sequences(data.keys, data.ids[: starts[-1]], starts)

    def seconds(part: Sequences, threads: int) -> float:
        began = time.perf_counter()
        Word2Vec(epochs=1).fit(part, threads=threads)
        return time.perf_counter() - began

    seconds(first(100_000), 2)
    by_threads: dict[int, list[float]] = {1: [], 2: []}
    by_tokens: dict[int, list[float]] = {1_000_000: [], 4_000_000: [], len(data.ids): []}
    for _ in range(rounds):
        for threads, times in by_threads.items():
            times.append(seconds(data, threads))
        for tokens, times in by_tokens.items():
            part = first(tokens)
            times.append(1e6 * seconds(part, 2) / len(part.ids))
    lines = file.read_text(encoding="utf-8").splitlines()
    from_list = sequences(read(lines), tokenizer="whitespace", min_count=MIN_COUNT)
    iterable = [(seconds(data, 2), seconds(from_list, 2)) for _ in range(rounds)]
    return {
        "threads": {
            "seconds": {str(threads): median(times) for threads, times in by_threads.items()},
            "speed_up": median(one / two for one, two in zip(by_threads[1], by_threads[2], strict=True)),
        },
        "seconds_per_million": {str(tokens): median(times) for tokens, times in by_tokens.items()},
        "list_over_file": median(listed / filed for filed, listed in iterable),
    }


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """Lines of the README's table."""
    rows = []

    def rate(what: str, title: str, peer: str, name: str) -> None:
        rates = results[what]["words_per_second"]
        row = [f"{median(rates[each]) / 1e3:,.0f} k words/s" for each in ("kinfold", peer)]
        ratio = results[what]["ratio"][peer]
        rows.append({"measured": title, "kinfold": row[0], "beside": f"{name} {row[1]}", "ratio": f"{ratio:.1f}×"})

    rate("skipgram_100", "skip-gram, 100 d, 5 epochs", "gensim", "gensim 4.4")
    rate("skipgram_300", "skip-gram, 300 d", "gensim", "gensim 4.4")
    rate("cbow_100", "CBOW, 100 d", "gensim", "gensim 4.4")
    rate("fasttext_100", "skip-gram, 100 d, no n-grams, 4 M words", "fasttext", "fastText 0.9.2")
    rate("fasttext_ngrams", "fastText with n-grams, 100 d, 5 epochs", "fasttext", "fastText 0.9.2")
    for what, method, peer in (("skipgram_100", "skip-gram", "gensim"), ("fasttext_ngrams", "fastText", "fasttext")):
        for title, score in results[what]["scores"].items():
            rows.append(
                {
                    "measured": f"{title}, {method}, mean of {len(results[what]['runs']['kinfold'])} seeds",
                    "kinfold": f"{score['kinfold']:.3f}",
                    "beside": f"{NAMES[peer]} {score[peer]:.3f} ± {score['half_width']:.3f}",
                    "ratio": "",
                }
            )
    seconds = results["skipgram_100"]["vocabulary_seconds"]
    rows.append(
        {
            "measured": "vocabulary and ids of 14 M words",
            "kinfold": f"{seconds['kinfold']:.2f} s",
            "beside": f"gensim build_vocab {seconds['gensim']:.2f} s",
            "ratio": f"{seconds['gensim'] / seconds['kinfold']:.1f}×",
        }
    )
    memory = results["skipgram_100"]["peak_bytes"]
    rows.append(
        {
            "measured": "peak memory of that run",
            "kinfold": f"{memory['kinfold'] / 1e6:,.0f} MB",
            "beside": f"gensim {memory['gensim'] / 1e6:,.0f} MB",
            "ratio": f"{memory['kinfold'] / memory['gensim']:.2f} of it",
        }
    )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--job", nargs=2)
    arguments = parser.parse_args()
    if arguments.job:
        answer(arguments.job, globals())
        return
    rounds = 1 if arguments.small else arguments.rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw, file = novels(folder, arguments.small)
        # fastText would take a quarter of an hour for all of it.
        part = folder / "part.txt"
        part.write_bytes(head(file.read_bytes(), 20_000_000))
        job = {"file": str(file)}
        ours = {"kinfold": {}, "gensim": {}}
        results: dict[str, Any] = {
            "tokenizing": tokenizing(raw, rounds),
            "scaling": scaling(file, rounds),
            "skipgram_300": speed(rounds, ours, dim=300, **job),
            "cbow_100": speed(rounds, ours, mode="cbow", **job),
            "fasttext_100": speed(rounds, {"kinfold": {}, "fasttext": {}}, file=str(part)),
            "skipgram_100": quality(rounds, folder, "gensim", epochs=5, **job),
            "fasttext_ngrams": quality(rounds, folder, "fasttext", epochs=5, ngrams=True, **job),
        }
    results["summary"] = summary(results)
    record("words_small" if arguments.small else "words", results)


if __name__ == "__main__":
    main()
