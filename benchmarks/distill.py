"""all-MiniLM-L6-v2 distilled into a static encoder of 256 coordinates, beside the transformer and model2vec.

Quality is Spearman's correlation of cosines with the judgments of STS-B's test. The lessons are pieces of English
novels, none of STS-B. Speed is texts a second, in memory, on 2 threads, for texts whose length is lognormal with a
median of 18 words; model2vec and ours, with rows of the same file, and the transformer take turns.

model2vec's distillation needs the package skeletoken to clean tokenizers. Where that is not installed, its own steps
(create_embeddings, apply_pca, compute_weights) run over the tokens that are left after what it leaves out.

    python benchmarks/distill.py     some minutes
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _measure import record
from _texts import agreement, model, pieces

os.environ["HF_HUB_OFFLINE"] = "1"
THREADS = 2


def model2vec_distill(folder: Path, target: Path, dim: int) -> str:
    """model2vec's distillation; how it was done."""
    from model2vec import StaticModel

    if importlib.util.find_spec("skeletoken") is not None:
        from model2vec.distill import distill

        distill(str(folder), pca_dims=dim, device="cpu", quantize_to="float32").save_pretrained(target)
        return "distill"
    import json
    import re

    from tokenizers import Tokenizer
    from transformers import AutoModel

    spec = importlib.util.find_spec("model2vec")
    assert spec is not None
    assert spec.origin is not None
    place = Path(spec.origin).parent / "distill" / "inference.py"
    steps: Any = importlib.util.module_from_spec(
        found := importlib.util.spec_from_file_location("steps", place)  # type: ignore[arg-type]
    )
    found.loader.exec_module(steps)  # type: ignore[union-attr]
    told = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    order = sorted(told["model"]["vocab"], key=told["model"]["vocab"].__getitem__)
    kept = [token for token in order if not re.match(r"\[unused\d+\]", token)]
    old = told["model"]["vocab"]
    ids = [[old["[CLS]"], old[token], old["[SEP]"]] for token in kept]
    model = AutoModel.from_pretrained(folder)
    rows = steps.create_embeddings(tokenized=ids, model=model, device="cpu", pad_token_id=old["[PAD]"])
    rows = steps.apply_pca(rows, dim) * steps.compute_weights(len(rows), 1e-4)[:, None]
    told["model"]["vocab"] = {token: number for number, token in enumerate(kept)}
    told |= {"post_processor": None, "padding": None, "truncation": None, "added_tokens": []}
    tokenizer = Tokenizer.from_str(json.dumps(told))
    StaticModel(rows.astype(np.float32), tokenizer, normalize=True).save_pretrained(target)
    return "its steps, without skeletoken"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--lessons", type=int, default=4000)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--name", default="distill", help="of the file of results")
    arguments = parser.parse_args()

    import torch
    from model2vec import StaticModel
    from sentence_transformers import SentenceTransformer

    import kinfold as kf
    from kinfold.encode.transformer import Transformer

    torch.set_num_threads(THREADS)
    folder_of = arguments.model or model()
    results: dict[str, Any] = {"dim": arguments.dim, "threads": THREADS, "lessons": arguments.lessons}
    seconds: dict[str, float] = {}
    quality: dict[str, float] = {}
    transformer: Any = Transformer(folder_of, precision="float32")
    default: Any = Transformer(folder_of)
    library = SentenceTransformer(str(folder_of), device="cpu")
    for encode in (transformer.vectors, default.vectors, library.encode):
        encode(pieces(64, 9))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, corpus in (("plain", None), ("lessons", pieces(20_000, 3))):
            began = time.perf_counter()
            made = kf.distill(folder_of, corpus, dim=arguments.dim, lessons=arguments.lessons, threads=THREADS)
            seconds[kind] = time.perf_counter() - began
            kf.io.save(made, folder / kind, "model2vec")
        began = time.perf_counter()
        results["model2vec_by"] = model2vec_distill(folder_of, folder / "model2vec", arguments.dim)
        seconds["model2vec"] = time.perf_counter() - began
        print(seconds, flush=True)

        theirs = StaticModel.from_pretrained(folder / "lessons")
        ours: dict[str, Any] = {kind: kf.encoder(folder / kind) for kind in ("plain", "lessons")}
        for kind, encoder in ours.items():
            quality[kind] = agreement(lambda some, encoder=encoder: encoder.encode(some, threads=THREADS).rows.dense())
        quality["model2vec"] = agreement(StaticModel.from_pretrained(folder / "model2vec").encode)
        quality["transformer"] = agreement(lambda some: transformer.vectors(some, threads=THREADS))
        print(quality, flush=True)

        many, few = pieces(arguments.texts, 0), pieces(500, 5)
        contenders = {
            "kinfold": lambda: ours["lessons"].encode(many, threads=THREADS),
            "model2vec": lambda: theirs.encode(many, use_multiprocessing=False),
            "transformer": lambda: transformer.vectors(few, threads=THREADS),
            "transformer by default": lambda: default.vectors(few, threads=THREADS),
            "sentence-transformers": lambda: library.encode(few),
        }
        slow = tuple(contenders)[2:]
        ours["lessons"].encode(many[:2000], threads=THREADS)
        took: dict[str, list[float]] = {contender: [] for contender in contenders}
        for _ in range(arguments.rounds):
            for contender, encode in contenders.items():
                began = time.perf_counter()
                encode()
                took[contender].append(time.perf_counter() - began)
    per_second = {
        contender: (len(few) if contender in slow else len(many)) / median(took[contender]) for contender in took
    }
    ratio = {
        other: median(
            per / our * (len(many) / len(few) if other in slow else 1)
            for our, per in zip(took["kinfold"], took[other], strict=True)
        )
        for other in ("model2vec", *slow)
    }
    results |= {"distill_seconds": seconds, "spearman": quality, "texts_per_second": per_second, "ratio": ratio}
    results["summary"] = [
        {
            "measured": "static encoder, texts a second",
            "kinfold": f"{per_second['kinfold']:,.0f}",
            "beside": f"model2vec 0.10 {per_second['model2vec']:,.0f}",
            "ratio": f"{ratio['model2vec']:.1f}×",
        },
        {
            "measured": "the same, beside the transformer that it was distilled from (all-MiniLM-L6-v2, float32)",
            "kinfold": f"{per_second['kinfold']:,.0f}",
            "beside": f"transformer {per_second['transformer']:,.0f} (in {default.choice[0]} "
            f"{per_second['transformer by default']:,.0f}, by sentence-transformers "
            f"{per_second['sentence-transformers']:,.0f})",
            "ratio": f"{ratio['transformer']:,.0f}×",
        },
        {
            "measured": f"distilled without texts, STS-B test, Spearman ({arguments.dim} coordinates)",
            "kinfold": f"{quality['plain']:.3f}",
            "beside": f"model2vec 0.10 {quality['model2vec']:.3f}, transformer {quality['transformer']:.3f}",
            "ratio": "",
        },
        {
            "measured": f"distilled with {arguments.lessons:,} pieces of novels read by the transformer",
            "kinfold": f"{quality['lessons']:.3f}",
            "beside": f"model2vec 0.10 {quality['model2vec']:.3f}, transformer {quality['transformer']:.3f}",
            "ratio": "",
        },
    ]
    record(arguments.name, results)


if __name__ == "__main__":
    main()
