import numpy as np
import pytest
from models import tiny, tokenizer
from peers import peer

from kinfold.core.errors import BadData
from kinfold.search.rerank import CrossEncoder


def crossed(folder, labels=1, family="bert", seed=0):
    """A small cross-encoder with random weights."""
    torch, transformers = peer("torch"), peer("transformers")
    made = tokenizer()
    torch.manual_seed(seed)
    config = transformers.AutoConfig.for_model(
        family,
        vocab_size=made.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        num_labels=labels,
        pad_token_id=0,
    )
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for each in model.parameters():
            each.mul_(3)
    model.save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    return folder


def test_scores_are_those_of_each_pair_alone(tmp_path):
    torch, transformers = peer("torch"), peer("transformers")
    folder = crossed(tmp_path / "cross")
    pairs = [("the sea", "a ship is blue"), ("a barn", "the hay and the farm and the red barn " * 3), ("ship", "sea")]
    found = CrossEncoder(folder).scores(pairs, threads=1)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    for (one, other), score in zip(pairs, found, strict=True):
        cut = tokenizer()
        cut.enable_truncation(64)
        read = cut.encode(one, other)
        with torch.inference_mode():
            told = {"input_ids": read.ids, "token_type_ids": read.type_ids, "attention_mask": [1] * len(read.ids)}
            logit = model(**{name: torch.tensor([each]) for name, each in told.items()}).logits[0, 0]
        assert score == pytest.approx(float(torch.sigmoid(logit)), abs=1e-5)
    assert len(np.unique(found)) == 3
    assert len(CrossEncoder(folder).scores([])) == 0


def test_what_is_no_cross_encoder_is_refused(tmp_path):
    with pytest.raises(BadData, match="ForSequenceClassification with one"):
        CrossEncoder(crossed(tmp_path / "three", labels=3)).scores([("a", "b")])
    with pytest.raises(BadData, match="ForSequenceClassification with one"):
        CrossEncoder(tiny(tmp_path / "plain")).scores([("a", "b")])
