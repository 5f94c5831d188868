"""A tiny real model: a BERT of two narrow layers under the packaged model's tokenizer."""

import shutil
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import CNN, Normalize, Pooling
from torch import nn
from transformers import BertConfig, BertModel

from ststudio.shelf import packaged_model


def tiny_model(folder: Path, cnn: bool = False, include_prompt: bool = True) -> SentenceTransformer:
    """Return a model with random weights, the same ones each time, and without dropout."""
    packaged = packaged_model()
    assert packaged is not None
    folder.mkdir(parents=True, exist_ok=True)
    for file in packaged.glob("*"):
        if file.name.startswith(("tokenizer", "vocab", "special_tokens")):
            shutil.copy(file, folder)
    torch.manual_seed(7)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    transformer = Transformer(str(folder))
    transformer.max_seq_length = 64
    between: list[nn.Module] = [CNN(32, out_channels=16)] if cnn else []
    width = 48 if cnn else 32
    modules = [transformer, *between, Pooling(width, include_prompt=include_prompt), Normalize()]
    return SentenceTransformer(modules=modules, device="cpu")
