"""Build a model layer by layer: what a base model lends, and random weights by the seed."""

import math
import string
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize, Transformer
from sentence_transformers.sentence_transformer.modules import (
    CNN,
    BoW,
    Dropout,
    LayerNorm,
    Pooling,
    StaticEmbedding,
)
from tokenizers.normalizers import Lowercase, Sequence
from torch import nn
from transformers import AutoModel, AutoTokenizer, BertConfig, PreTrainedTokenizerFast

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.errors import StudioError
from ststudio.model_input import ModelInput, read_input
from ststudio.training.blueprint import LENGTH, layer_of, lender_of, settings_of
from ststudio.training.models import device, load_model
from ststudio.training.recipe import Recipe
from ststudio.training.sizes import Settings

# A tokenizer that is saved and loaded under another model's name must read these as before.
PROBES = ("One sentence, don't split it wrongly.", "Ünïcode: 東京 🎈 ", "a_b-c/d 3.14 #tag")


@dataclass(frozen=True)
class Site:
    """What layers are made from: the base model's folder, the texts, the recipe."""

    lender: Path
    recipe: Recipe
    texts: list[str]

    @property
    def base(self) -> ModelInput:
        """Return what the base model takes in."""
        return read_input(self.lender, str(self.recipe.base_model))


def build(lender: Path, recipe: Recipe, examples: Examples, folder: Path) -> None:
    """Build the model of a recipe's modules and save it; the same seed builds the same model."""
    assert recipe.modules is not None
    torch.manual_seed(recipe.seed)
    site = Site(lender, recipe, training_texts(examples))
    made: list[nn.Module] = []
    prompts: dict[str, Any] = {}
    width = 0
    for entry in recipe.modules:
        key = layer_of(entry).key
        module = MAKERS[key](site, settings_of(entry), width)
        if isinstance(module, SentenceTransformer):
            prompts = {"prompts": module.prompts, "default_prompt_name": module.default_prompt_name}
            module = module[0]
        made.append(module)
        width = _width(module, width)
    model = SentenceTransformer(modules=made, device=device(), **prompts)
    half = folder.with_name(f"{folder.name}.half")
    model.save_pretrained(str(half), safe_serialization=True, create_model_card=False)
    half.replace(folder)


def training_texts(examples: Examples) -> list[str]:
    """Return the distinct texts that are learned from, in their order."""
    columns = [examples.train.column(name) for name in CASES[examples.case].columns]
    return list(dict.fromkeys(text for column in columns for text in column.to_pylist()))


def _width(module: nn.Module, before: int) -> int:
    own = getattr(module, "get_embedding_dimension", None)
    return int(own()) if callable(own) else before


def _lent(site: Site, settings: Settings, width: int) -> SentenceTransformer:
    """Load the base model, whose first layer and prompts are taken over."""
    model = load_model(site.lender)
    if not isinstance(model[0], Transformer):
        raise StudioError(
            f"The base model starts with {type(model[0]).__name__}, not with a Transformer that "
            "could be taken over. Choose another base model."
        )
    return model


def _tokenizer(base: ModelInput) -> PreTrainedTokenizerFast:
    """Load a tokenizer of its own, lower case and all, without any weights."""
    tokenizer = AutoTokenizer.from_pretrained(
        str(base.folder), local_files_only=True, trust_remote_code=False
    )
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise StudioError(
            "The base model's tokenizer is of an old kind. Choose another base model."
        )
    if base.lowercase:
        inner = tokenizer.backend_tokenizer
        before = [inner.normalizer] if inner.normalizer else []
        inner.normalizer = Sequence([Lowercase(), *before])
    return tokenizer


def _scratch(site: Site, settings: Settings, width: int) -> Transformer:
    """Make a small BERT with random weights under the base model's tokenizer."""
    base, length = site.base, site.recipe.max_seq_length or LENGTH
    tokenizer = _tokenizer(base)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    tokenizer.padding_side = "right"  # this model counts positions from the left
    tokenizer.model_max_length = length
    vocabulary = lender_of(base).vocabulary or 0
    if tokenizer.pad_token_id is None or len(tokenizer) > vocabulary:
        raise StudioError(
            "The base model's tokenizer and its configuration do not fit together. "
            "Choose another base model."
        )
    config = BertConfig(
        **settings,
        vocab_size=vocabulary,
        max_position_embeddings=length,
        pad_token_id=tokenizer.pad_token_id,
    )
    with tempfile.TemporaryDirectory() as folder:
        AutoModel.from_config(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        module = Transformer(folder, max_seq_length=length)
    read = [tokenizer(text)["input_ids"] for text in PROBES]
    if read != [module.tokenizer(text)["input_ids"] for text in PROBES]:
        raise StudioError(
            "The base model's tokenizer reads texts otherwise once it is saved for another model. "
            "Choose another base model."
        )
    return module


def _static(site: Site, settings: Settings, width: int) -> StaticEmbedding:
    """Make one random vector for each token."""
    base = site.base
    tokenizer = _tokenizer(base).backend_tokenizer
    tokenizer.no_truncation()
    if site.recipe.max_seq_length:
        tokenizer.enable_truncation(site.recipe.max_seq_length)
    rows = max(lender_of(base).vocabulary or 0, tokenizer.get_vocab_size())
    weights = torch.randn(rows, settings["dimensions"])
    return StaticEmbedding(tokenizer, embedding_weights=weights)


def words_of(texts: Iterable[str], most: int) -> dict[str, int]:
    """Return the words that most texts hold, with the number of texts that hold them.

    A word of one text only teaches nothing, and may be a secret: the model carries its words.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        words = {word.strip(string.punctuation).lower() for word in text.split()}
        counts.update(words - {""})
    shared = {word: n for word, n in counts.items() if n > 1}
    frequent = sorted(shared.items(), key=lambda found: (-found[1], found[0]))
    return dict(frequent[:most])


def _words(site: Site, settings: Settings, width: int) -> BoW:
    """Take the words that most training texts hold; a word that few hold weighs more."""
    words, total = words_of(site.texts, settings["words"]), len(site.texts)
    if not words:
        raise StudioError("No word stands in two of the training texts. Start with another layer.")
    weights = {word: 1.0 for word in words}
    if settings["weights"] == "idf":  # smoothed as scikit-learn does it
        weights = {word: math.log((1 + total) / (1 + n)) + 1 for word, n in words.items()}
    return BoW(list(words), word_weights=weights)


def _convolutions(site: Site, settings: Settings, width: int) -> CNN:
    return CNN(width, settings["out_channels"], settings["kernel_sizes"])


def _pooling(site: Site, settings: Settings, width: int) -> Pooling:
    return Pooling(width, settings["mode"])


def _dense(site: Site, settings: Settings, width: int) -> Dense:
    activation = getattr(nn, settings["activation"])()
    return Dense(width, settings["out_features"], activation_function=activation)


Maker = Callable[[Site, Settings, int], nn.Module]

MAKERS: dict[str, Maker] = {
    "Transformer": _lent,
    "Transformer.from_scratch": _scratch,
    "StaticEmbedding": _static,
    "BoW": _words,
    "CNN": _convolutions,
    "Pooling": _pooling,
    "Dense": _dense,
    "LayerNorm": lambda site, settings, width: LayerNorm(width),
    "Dropout": lambda site, settings, width: Dropout(settings["dropout"]),
    "Normalize": lambda site, settings, width: Normalize(),
}
