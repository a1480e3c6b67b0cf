"""Writes wefe_scores.json: what WEFE says of vectors that are drawn here, and of the Google vectors where they are.

WEFE needs older libraries than Kinfold, so that it has an environment of its own:

    python -m venv /tmp/wefe && /tmp/wefe/bin/pip install 'wefe==1.0.1'
    KINFOLD_DATA=… /tmp/wefe/bin/python tests/golden/wefe_scores.py
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import sys
import tomllib
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
LISTS = HERE.parent.parent / "src" / "kinfold" / "measure" / "lists" / "weat.toml"
DATA = Path(os.environ.get("KINFOLD_DATA", HERE.parent.parent.parent / "shared" / "data"))
SEED, DIM = 11, 12
SIZES = {"targets": (6, 8), "attributes": (7, 5)}


def drawn() -> dict[str, np.ndarray]:
    """Vectors of words t0_0, t0_1 … a1_4, of different lengths: the test draws the same."""
    rng = np.random.default_rng(SEED)
    names = [
        f"{side[0]}{place}_{number}"
        for side, sizes in SIZES.items()
        for place, size in enumerate(sizes)
        for number in range(size)
    ]
    rows = rng.normal(size=(len(names), DIM)) * rng.uniform(0.5, 3, (len(names), 1))
    rows[:, 0] += [{"t0": 1.5, "a0": 1.0}.get(name[:2], 0.0) for name in names]
    return dict(zip(names, rows.astype(np.float32), strict=True))


def scores(vectors: dict[str, np.ndarray], targets: list[list[str]], attributes: list[list[str]]) -> dict[str, float]:
    from gensim.models import KeyedVectors
    from wefe.metrics import ECT, MAC, RIPA, RND, RNSB, WEAT
    from wefe.query import Query
    from wefe.word_embedding_model import WordEmbeddingModel

    held = KeyedVectors(len(next(iter(vectors.values()))))
    held.add_vectors(list(vectors), np.stack(list(vectors.values())))
    model = WordEmbeddingModel(held, "golden")
    how = {"preprocessors": [{}, {"lowercase": True}]}
    four, three = Query(targets, attributes), Query(targets, attributes[:1])
    pairs = min(map(len, targets))
    paired = Query([each[:pairs] for each in targets], attributes[:1])
    found = {
        "weat": WEAT().run_query(four, model, **how)["weat"],
        "effect size": WEAT().run_query(four, model, **how)["effect_size"],
        "rnsb": RNSB().run_query(four, model, holdout=False, estimator=exact(), estimator_params={}, **how)["rnsb"],
        "mac": MAC().run_query(four, model, **how)["mac"],
        "rnd": RND().run_query(three, model, **how)["rnd"],
        "ect": ECT().run_query(three, model, **how)["ect"],
        "ripa": RIPA().run_query(paired, model, **how)["ripa"],
    }
    return {name: None if np.isnan(value) else float(value) for name, value in found.items()}


def exact() -> type:
    """WEFE's logistic regression in double precision: in single it ends where the last digits are noise."""
    from sklearn.linear_model import LogisticRegression

    class Exact(LogisticRegression):
        def __init__(self) -> None:
            super().__init__(solver="newton-cholesky", tol=1e-10)

        def fit(self, rows, labels):  # type: ignore[no-untyped-def]
            return super().fit(rows.astype(np.float64), labels)

        def predict_proba(self, rows):  # type: ignore[no-untyped-def]
            return super().predict_proba(np.asarray(rows, np.float64))

        def score(self, rows, labels):  # type: ignore[no-untyped-def]
            return super().score(rows.astype(np.float64), labels)

    return Exact


def google() -> dict[str, np.ndarray] | None:
    from gensim.models import KeyedVectors

    path = DATA / "vectors" / "googlenews_subset_300d.bin"
    if not path.exists():
        return None
    held = KeyedVectors.load_word2vec_format(str(path), binary=True)
    return {name: held[name] for name in held.index_to_key}


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    names = {
        side: [[f"{side[0]}{place}_{number}" for number in range(size)] for place, size in enumerate(sizes)]
        for side, sizes in SIZES.items()
    }
    result = {"wefe": importlib.metadata.version("wefe"), "drawn": scores(drawn(), **names)}
    held = google()
    if held is not None:
        lists = tomllib.loads(LISTS.read_text())
        result["google"] = {
            query["name"]: scores(held, *([lists["words"][name] for name in query[side]] for side in SIZES))
            for query in lists["query"]
        }
    (HERE / "wefe_scores.json").write_text(json.dumps(result, indent=1) + "\n")
    json.dump(result, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
