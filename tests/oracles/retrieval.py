"""Quality of one ranked list, as the papers write it."""

import math


def metrics(ranked, truth, k):
    hits = [item in truth for item in ranked[:k]]
    most = min(k, len(truth))
    gains = sum(1 / math.log2(place + 2) for place, hit in enumerate(hits) if hit)
    precisions = sum(sum(hits[: place + 1]) / (place + 1) for place, hit in enumerate(hits) if hit)
    return {
        "recall": sum(hits) / most,
        "ndcg": gains / sum(1 / math.log2(place + 2) for place in range(most)),
        "map": precisions / most,
        "mrr": next((1 / (place + 1) for place, hit in enumerate(hits) if hit), 0.0),
        "hit": float(any(hits)),
    }
