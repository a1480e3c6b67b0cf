"""Texts through a transformer: texts a second beside sentence-transformers with its defaults, and what it keeps.

The model is all-MiniLM-L6-v2, which a package holds. 5,000 pieces of novels, of lognormal length (median 18 words, up
to 200), are encoded in turns by all contenders on the same cores; STS-B says what each precision is worth.

    python benchmarks/texts.py              everything, some ten minutes
    python benchmarks/texts.py --small      a minute on 500 texts, as a check
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from _measure import interleave, record
from _texts import agreement, model, pieces

from kinfold.encode.transformer import Transformer

ROUNDS = 5
PRECISIONS = ("float32", "bfloat16", "int8", "auto")

START = {
    "Kinfold": "import kinfold as kf; kf.encoder(MODEL).vectors(['a first text'])",
    "sentence-transformers": "from sentence_transformers import SentenceTransformer as S; S(MODEL, device='cpu')",
}
MEMORY = {
    "Kinfold": "import kinfold as kf; kf.encoder(MODEL).vectors(TEXTS)",
    "sentence-transformers": "from sentence_transformers import SentenceTransformer as S; "
    "S(MODEL, device='cpu').encode(TEXTS)",
}


def child(code: str, folder: Path, lines: Path, tail: str) -> float:
    """What a new process prints at its end."""
    given = f"import sys, time; sys.path.insert(0, {str(Path(__file__).parent)!r}); MODEL = {str(folder)!r}\n"
    given += f"TEXTS = open({str(lines)!r}, encoding='utf-8').read().splitlines()\nbegan = time.perf_counter()\n"
    whole = [sys.executable, "-c", f"{given}{code}\n{tail}"]
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    run = subprocess.run(whole, check=True, capture_output=True, text=True, env=env)
    return float(run.stdout.split()[-1])


def rates() -> dict[str, float]:
    """Billion operations a second of a product of matrices of this model's shape: what the processor can do at most."""
    import torch

    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16, "int8": torch.int8}

    def product(kind: Any) -> Any:
        a, b = (torch.randn(*shape).to(kind) for shape in ((2048, 384), (384, 1536)))
        return lambda: [torch._int_mm(a, b) if kind == torch.int8 else a @ b for _ in range(50)]

    seconds = interleave({name: product(kind) for name, kind in kinds.items()})
    return {name: 50 * 2 * 2048 * 384 * 1536 / each / 1e9 for name, each in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    from sentence_transformers import SentenceTransformer

    folder, count = model(), 500 if small else 5000
    texts = pieces(count)
    library = SentenceTransformer(str(folder), device="cpu")
    encoders = {each: Transformer(folder, precision=each) for each in PRECISIONS}
    contenders = {each: (lambda e=encoder: e.vectors(texts)) for each, encoder in encoders.items()}
    contenders["sentence-transformers"] = lambda: library.encode(texts)
    seconds = interleave(contenders, 1 if small else ROUNDS)

    wanted = library.encode(texts)
    quality: dict[str, Any] = {"sentence-transformers": {"stsb": 100 * agreement(library.encode)}}
    for each, encoder in encoders.items():
        cosines = (encoder.vectors(texts) * wanted).sum(axis=1)
        told = {"cosine_mean": float(cosines.mean()), "cosine_least": float(cosines.min())}
        quality[each] = {**told, "stsb": 100 * agreement(encoder.vectors), "picked": encoder.choice[0]}
    starts: dict[str, list[float]] = {name: [] for name in START}
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("\n".join(texts))
        file.flush()
        for _ in range(1 if small else ROUNDS):
            for name, code in START.items():
                starts[name].append(child(code, folder, Path(file.name), "print(time.perf_counter() - began)"))
        peak = "from _measure import peak_memory; print(peak_memory())"
        memory = {name: child(code, folder, Path(file.name), peak) for name, code in MEMORY.items()}
    results = {
        "texts": count,
        "texts_a_second": {name: count / each for name, each in seconds.items()},
        "quality": quality,
        "start_seconds": {name: median(each) for name, each in starts.items()},
        "peak_bytes": memory,
        "billion_operations_a_second": rates(),
    }
    results["summary"] = summary(results)
    record("texts_small" if small else "texts", results)


def summary(results: dict[str, Any]) -> list[dict[str, str]]:
    """Lines of a table."""
    speed, quality = results["texts_a_second"], results["quality"]
    beside = speed["sentence-transformers"]
    rows = []
    for each in ("auto", "float32", "int8", "bfloat16"):
        kept = quality[each]
        name = f"the default, {kept['picked']}" if each == "auto" else each
        rows.append(
            {
                "measured": f"all-MiniLM-L6-v2, texts/s, {name}",
                "kinfold": f"{speed[each]:,.0f} (cosine {kept['cosine_mean']:.5f}, STS-B {kept['stsb']:.2f})",
                "beside": f"sentence-transformers 6 {beside:,.0f} (STS-B "
                f"{quality['sentence-transformers']['stsb']:.2f})",
                "ratio": f"{speed[each] / beside:.1f}×",
            }
        )
    for title, key, show in (
        ("import, load, first text", "start_seconds", lambda value: f"{value:.2f} s"),
        ("peak memory of a run", "peak_bytes", lambda value: f"{value / 1e6:,.0f} MB"),
    ):
        ours, theirs = (results[key][name] for name in ("Kinfold", "sentence-transformers"))
        what = f"sentence-transformers 6 {show(theirs)}" + (" without a text" if key == "start_seconds" else "")
        ratio = f"{ours / theirs:.2f} of {'the time' if key == 'start_seconds' else 'it'}"
        rows.append({"measured": title, "kinfold": show(ours), "beside": what, "ratio": ratio})
    return rows


if __name__ == "__main__":
    main()
