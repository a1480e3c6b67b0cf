"""Transformers beside the libraries whose folders they read."""

import itertools
import json
import os
import shutil

import numpy as np
import pytest
from models import FAMILIES, real, tiny
from peers import peer

import kinfold as kf
from kinfold.core.errors import BadData, BadFile, BadOption, FrameMismatch
from kinfold.core.shapes import Items
from kinfold.encode.batches import overlapping, packed_batches, padded_batches
from kinfold.encode.kernel_network import KernelNetwork, suits
from kinfold.encode.transformer import Transformer
from kinfold.io.checkpoint import read

TEXTS = [
    "The sea is blue and the waves are high.",
    "hay",
    "A farm, a barn: hay and hay and hay.",
    "12 ships 34 waves 5 barns!",
    "the red ship is green",
]


def lengthy(words, sentences=1):
    drawn = np.random.default_rng(0).choice(["sea", "ship", "hay", "farm", "red", "green"], (sentences, words))
    return " ".join(" ".join(each) + "." for each in drawn)


def library_states(folder, texts, layers=1):
    """States of the last layers of texts one at a time, by the transformers library itself."""
    torch, transformers = peer("torch"), peer("transformers")
    tokenizer = peer("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        ids = [torch.tensor([tokenizer.encode(text).ids]) for text in texts]
        made = [model(each, output_hidden_states=True) for each in ids]
        if layers == 1:
            return [each.last_hidden_state[0].numpy() for each in made]
        return [torch.cat(each.hidden_states[-layers:], dim=-1)[0].numpy() for each in made]


def sentence_transformer(folder, texts, **how):
    library = peer("sentence_transformers")
    return library.SentenceTransformer(str(folder), device="cpu", **how).encode(texts)


@pytest.mark.filterwarnings("ignore")
class TestEveryFamily:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_means_are_those_of_the_library(self, family, tmp_path):
        folder = tiny(tmp_path / "model", family)
        found = Transformer(folder, precision="float32").vectors([*TEXTS, lengthy(30)])
        wanted = np.stack([each.mean(axis=0) for each in library_states(folder, [*TEXTS, lengthy(30)])])
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)

    @pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "mpnet", "distilbert"])
    def test_kernels_give_the_states_of_the_library(self, family, tmp_path):
        folder = tiny(tmp_path / "model", family, dim=128)
        checkpoint = read(folder)
        assert suits(checkpoint, "float32")
        found = Transformer(folder, precision="float32").tokens(TEXTS)
        for each, wanted in zip(found, library_states(folder, TEXTS), strict=True):
            np.testing.assert_allclose(each.rows, wanted[1:-1], rtol=1e-3, atol=2e-4)

    @pytest.mark.parametrize("family", ["bert", "mpnet", "distilbert"])
    @pytest.mark.parametrize("kind", ["int8", "bfloat16"])
    def test_bytes_and_bfloats_are_near(self, family, kind, tmp_path):
        folder = tiny(tmp_path / "model", family, dim=128)
        if not suits(read(folder), kind):
            pytest.skip(f"this processor has no instructions for {kind}")
        a, b = (Transformer(folder, precision=each).vectors(TEXTS) for each in ("float32", kind))
        cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        assert cosines.min() > 0.999

    @pytest.mark.parametrize("family", ["bert", "modernbert"])
    def test_the_last_layers_side_by_side(self, family, tmp_path):
        folder = tiny(tmp_path / "model", family, dim=128 if family == "bert" else 32)
        found = Transformer(folder, precision="float32", layers=2).tokens(TEXTS)
        for each, wanted in zip(found, library_states(folder, TEXTS, layers=2), strict=True):
            np.testing.assert_allclose(each.rows, wanted[1:-1], rtol=1e-3, atol=2e-4)

    def test_what_the_kernels_do_not_know_is_left_to_the_library(self, tmp_path):
        folder = tiny(tmp_path / "model", "bert", dim=128)
        config = json.loads((folder / "config.json").read_text())
        for change in ({"hidden_act": "relu"}, {"model_type": "albert"}, {"num_attention_heads": 16}):
            (folder / "config.json").write_text(json.dumps(config | change))
            assert not suits(read(folder), "float32")


@pytest.mark.filterwarnings("ignore")
class TestBesideSentenceTransformers:
    def test_the_real_model(self):
        folder = real()
        texts = [*TEXTS, lengthy(400), "Ein Satz auf Deutsch.", "x" * 300, "", "  ", "emoji 🙂 and ütf"]
        wanted = sentence_transformer(folder, texts)
        found = Transformer(folder, precision="float32").vectors(texts)
        assert (found * wanted).sum(axis=1).min() > 0.9999
        best = Transformer(folder)
        assert (best.vectors(texts) * wanted).sum(axis=1).mean() > 0.999
        assert best.choice[1] is None or best.choice[1] >= 0.999

    @pytest.mark.parametrize("pooling", ["cls", "max", "lasttoken", "weightedmean", "mean_sqrt_len_tokens", "mean+cls"])
    def test_poolings(self, pooling, tmp_path):
        folder = folder_with(tmp_path, pooling.split("+"))
        texts = [*TEXTS, lengthy(80)]
        wanted = sentence_transformer(folder, texts)
        found = Transformer(folder, precision="float32").vectors(texts)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)

    def test_another_pooling_than_the_models_is_remembered(self, tmp_path):
        folder = tiny(tmp_path / "model")
        found = Transformer(folder, precision="float32", pooling="mean+max")
        states = library_states(folder, TEXTS)
        wanted = np.stack([np.concatenate([each.mean(axis=0), each.max(axis=0)]) for each in states])
        np.testing.assert_allclose(found.vectors(TEXTS), wanted, rtol=1e-3, atol=1e-4)
        assert found.frame != Transformer(folder).frame
        found.encode(TEXTS).save(tmp_path / "texts.arrow")
        again = kf.encoder(kf.open(tmp_path / "texts.arrow"))
        np.testing.assert_allclose(again.vectors(TEXTS), wanted, rtol=0.05, atol=0.05)
        with pytest.raises(BadOption, match="'best' is not known; there are mean"):
            Transformer(folder, pooling="best")

    @pytest.mark.parametrize("include", [True, False])
    def test_prompts(self, include, tmp_path):
        prompts = {"query": "find the ship: ", "document": ""}
        folder = folder_with(tmp_path, ["mean"], prompts=prompts, include_prompt=include)
        plain = Transformer(folder, precision="float32").vectors(TEXTS)
        asked = Transformer(folder, precision="float32", prompt="query").vectors(TEXTS)
        own = Transformer(folder, precision="float32", prompt="find the ship: ").vectors(TEXTS)
        assert np.abs(plain - asked).max() > 0.01
        np.testing.assert_array_equal(asked, own)
        model = peer("sentence_transformers").SentenceTransformer(str(folder), device="cpu")
        np.testing.assert_allclose(asked, model.encode(TEXTS, prompt_name="query"), rtol=1e-3, atol=1e-4)

    def test_layers_behind_the_pooling_and_fewer_coordinates(self, tmp_path):
        library = peer("sentence_transformers")
        folder = tiny(tmp_path / "plain")
        modules = library.models
        body = modules.Transformer(str(folder))
        layers = [modules.Pooling(32), modules.Dense(32, 20), modules.Normalize()]
        library.SentenceTransformer(modules=[body, *layers], device="cpu").save(str(tmp_path / "model"))
        found = Transformer(tmp_path / "model", precision="float32")
        assert found.dim == 20
        wanted = sentence_transformer(tmp_path / "model", TEXTS)
        np.testing.assert_allclose(found.vectors(TEXTS), wanted, rtol=1e-3, atol=1e-4)
        short = Transformer(tmp_path / "model", precision="float32", truncate_dim=8)
        fewer = sentence_transformer(tmp_path / "model", TEXTS, truncate_dim=8)
        fewer /= np.linalg.norm(fewer, axis=1, keepdims=True)
        np.testing.assert_allclose(short.vectors(TEXTS), fewer, rtol=1e-3, atol=1e-4)
        assert short.frame != found.frame


def folder_with(tmp_path, pooling, prompts=None, include_prompt=True):
    """The folder of a sentence-transformers model with this pooling."""
    folder = tiny(tmp_path / "model")
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    told = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{name}"}
        for at, (path, name) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(told))
    (folder / "1_Pooling").mkdir()
    mode = {"embedding_dimension": 32, "pooling_mode": pooling, "include_prompt": include_prompt}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(mode))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 40}))
    told = {"prompts": prompts or {}, "default_prompt_name": None, "similarity_fn_name": "cosine"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("models") / "model", dim=128)


class TestEncode:
    def test_names_attributes_and_what_is_left_out(self, folder):
        import pyarrow as pa

        from kinfold.core.keys import Keys

        table = pa.table({"year": [1, 2, 3]})
        items = Items(["a ship", " ", "hay"], Keys(["x", "y", "z"], "document"), table=table)
        space = kf.encoder(folder).encode(items)
        assert list(space.keys) == ["x", "z"]
        assert space.attribute("year").to_pylist() == [1, 3]
        assert space.card.steps[-1] == {"step": "encode", "texts": 3, "skipped": 1}

    def test_a_space_remembers_its_model(self, folder, tmp_path):
        model = shutil.copytree(folder, tmp_path / "model")
        space = kf.encoder(model).encode(TEXTS)
        again = kf.encoder(space)
        np.testing.assert_array_equal(again.vectors(["hay"])[0], space["1"])
        assert again.frame == space.frame
        shutil.rmtree(model)
        tiny(model, dim=128, seed=1)
        with pytest.raises(FrameMismatch, match="is not the model that made this Space"):
            kf.encoder(space)

    def test_threads_and_the_order_change_nothing(self, folder):
        texts = [lengthy(n) for n in range(1, 60)]
        one = Transformer(folder).vectors(texts, threads=1)
        np.testing.assert_array_equal(one, Transformer(folder).vectors(texts, threads=3))
        np.testing.assert_array_equal(one[::-1], Transformer(folder).vectors(texts[::-1], threads=2))

    def test_half_a_surrogate_pair_is_no_character(self, folder):
        found = Transformer(folder).vectors(["hay \ud800 ship", "hay � ship"])
        np.testing.assert_array_equal(found[0], found[1])

    def test_ten_megabytes_are_one_text(self, folder):
        found = Transformer(folder).vectors(["hay ship " * 1_200_000, "hay ship " * 200])
        np.testing.assert_array_equal(found[0], found[1])

    def test_nothing_but_strings(self, folder):
        with pytest.raises(BadData, match="text 1 is int; texts are strings"):
            Transformer(folder).encode(["a", 3])
        with pytest.raises(BadData, match="all of the 2 texts are empty"):
            Transformer(folder).encode(["", " "])


class TestLongTexts:
    def test_windows_read_to_the_end(self, folder):
        start = lengthy(80)
        ends = [start + " " + lengthy(60, 3), start + " " + "hay " * 60]
        cut = Transformer(folder, precision="float32").vectors(ends)
        np.testing.assert_array_equal(cut[0], cut[1])
        whole = Transformer(folder, precision="float32", long="windows").vectors(ends)
        assert np.abs(whole[0] - whole[1]).max() > 0.01

    def test_a_short_text_is_one_window(self, folder):
        a, b = (Transformer(folder, long=each).vectors(TEXTS) for each in ("cut", "windows"))
        np.testing.assert_allclose(a, b, atol=1e-5)

    @pytest.mark.parametrize("length", [1, 10, 11, 100, 1000])
    def test_windows_cover_everything(self, length):
        found = list(overlapping(length, 10))
        assert set().union(*(range(first, last) for first, last in found)) == set(range(length))
        assert all(last - first <= 10 for first, last in found)
        assert all(a[1] - b[0] >= 2 for a, b in itertools.pairwise(found))

    def test_late_chunks_know_what_stands_around_them(self, folder):
        text = lengthy(7, 12)
        space = Transformer(folder, precision="float32").chunks([text, "hay"], 20)
        assert next(iter(space.keys)) == "0#0"
        assert list(space.keys)[-1] == "1#0"
        begins, ends = (np.array(space.attribute(name).to_pylist()) for name in ("begins", "ends"))
        first = space.attribute("document").to_pylist().index("1")
        assert begins[0] == 0
        assert ends[first - 1] == len(text)
        assert (begins[1:first] - ends[: first - 1] <= 1).all()
        shown = space.attribute("text").to_pylist()
        assert all(each.endswith(".") for each in shown[:first])
        alone = Transformer(folder, precision="float32").vectors([shown[1]])[0]
        assert not np.allclose(alone, space["0#1"], atol=1e-3)

    def test_a_chunk_of_everything_is_the_text(self, folder):
        encoder = Transformer(folder, precision="float32")
        states = encoder.tokens(["a ship at sea"])[0]
        np.testing.assert_allclose(
            encoder.chunks(["a ship at sea"], 64).rows.dense()[0], states.rows.mean(0), rtol=1e-4
        )


class TestTokensAndWords:
    def test_tokens_know_their_places(self, folder):
        text = "The ship, waves!"
        found = Transformer(folder).tokens([text])[0]
        assert [text[a:b].lower() for a, b in found.places] == [each.removeprefix("##") for each in found.pieces]

    def test_a_word_is_the_mean_of_its_pieces(self, folder):
        encoder = Transformer(folder, precision="float32")
        words = encoder.words([["the", "shipping", "sea"]])[0]
        tokens = encoder.tokens(["the shipping sea"])[0]
        assert len(tokens.pieces) > 3
        np.testing.assert_allclose(words[0], tokens.rows[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(words[1], tokens.rows[1:-1].mean(axis=0), rtol=1e-4, atol=1e-5)


class TestBadFolders:
    @pytest.fixture
    def broken(self, folder, tmp_path):
        return shutil.copytree(folder, tmp_path / "broken")

    def test_no_folder(self, tmp_path):
        with pytest.raises(BadFile, match="no such folder"):
            Transformer(tmp_path / "none")
        with pytest.raises(BadFile, match="no model of this name could be fetched"):
            Transformer("nobody/nothing")

    def test_no_tokenizer(self, broken):
        os.remove(broken / "tokenizer.json")
        with pytest.raises(BadFile, match=r"tokenizer\.json: no such file; a model needs the tokenizer"):
            Transformer(broken)

    def test_a_tokenizer_of_another_model(self, broken):
        config = json.loads((broken / "config.json").read_text())
        (broken / "config.json").write_text(json.dumps(config | {"vocab_size": 20}))
        with pytest.raises(BadData, match="the tokenizer does not match the model: it gives ids up to"):
            Transformer(broken)

    def test_a_damaged_tokenizer(self, broken):
        (broken / "tokenizer.json").write_text("{}")
        with pytest.raises(BadData, match="no tokenizer, or a damaged one"):
            Transformer(broken)

    def test_a_pickle(self, broken):
        os.rename(broken / "model.safetensors", broken / "pytorch_model.bin")
        with pytest.raises(BadFile, match="is a Python pickle, which could run anything and is not read"):
            Transformer(broken)

    @pytest.mark.parametrize("named", [("AutoModel", "AutoConfig"), ("AutoModel",)])
    def test_code_of_its_own(self, broken, named):
        config = json.loads((broken / "config.json").read_text())
        own = {"model_type": "mine", "auto_map": dict.fromkeys(named, "modeling.Mine")}
        (broken / "config.json").write_text(json.dumps(config | own))
        (broken / "modeling.py").write_text("raise SystemExit('this ran')")
        with pytest.raises(BadData, match="needs code of its own, which is not run"):
            Transformer(broken).vectors(["hay"])

    def test_a_static_encoder(self, broken):
        told = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"}]
        (broken / "modules.json").write_text(json.dumps(told))
        with pytest.raises(BadData, match=r"begins with a Transformer\. A static encoder is named as a Space is"):
            Transformer(broken)

    def test_modules_of_its_own(self, broken):
        told = [{"idx": 0, "name": "0", "path": "", "type": "custom.Module"}]
        (broken / "modules.json").write_text(json.dumps(told))
        with pytest.raises(BadData, match=r"custom\.Module is code of the model's own, which is not run"):
            Transformer(broken)

    def test_weights_of_another_shape(self, broken):
        config = json.loads((broken / "config.json").read_text())
        (broken / "config.json").write_text(json.dumps(config | {"intermediate_size": 512}))
        with pytest.raises(BadData, match="its weights should hold 'encoder"):
            Transformer(broken).vectors(["hay"])

    def test_cut_weights(self, broken):
        data = (broken / "model.safetensors").read_bytes()
        (broken / "model.safetensors").write_bytes(data[: len(data) // 2])
        with pytest.raises(BadData, match="damaged or cut short"):
            Transformer(broken).vectors(["hay"])

    def test_options(self, folder):
        for wrong, words in (
            ({"precision": "int4"}, "precision='int4' is not known"),
            ({"long": "all"}, "long='all' is not known"),
            ({"max_length": 2}, "max_length is 2"),
            ({"max_length": 100_000}, "max_length is 100000"),
            ({"truncate_dim": 1000}, "truncate_dim is 1000"),
        ):
            with pytest.raises(BadOption, match=words):
                Transformer(folder, **wrong)

    def test_a_transformer_is_no_space(self, folder):
        with pytest.raises(BadData, match="is the folder of a transformer, which has no vectors yet"):
            kf.open(folder)


def test_batches_hold_every_text_once():
    lengths = np.random.default_rng(0).integers(1, 50, 300)
    for kind in (padded_batches, packed_batches):
        found = list(kind(lengths, 120))
        assert sorted(np.concatenate(found).tolist()) == list(range(300))
        sizes = [lengths[some].max() * len(some) if kind is padded_batches else lengths[some].sum() for some in found]
        assert max(sizes) <= 120
    assert [some.tolist() for some in packed_batches(np.array([500, 3]), 120)] == [[0], [1]]


def test_a_network_for_another_thread_has_its_own_room(folder):
    network = KernelNetwork(read(folder))
    ids, starts = np.array([2, 7, 8, 3], np.int32), np.array([0, 4])
    one = network.states(ids, starts)
    two = network.states(ids[::-1].copy(), starts)
    assert not np.shares_memory(one, two)
