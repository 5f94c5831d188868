"""A tiny real model: two narrow layers of a known kind under the packaged model's tokenizer."""

import shutil
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sentence_transformer.modules import CNN, Normalize, Pooling
from torch import nn
from transformers import AutoConfig, AutoModel

from ststudio.shelf import packaged_model

BERT = {
    "vocab_size": 30522,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "pad_token_id": 0,
}
# Where a kind calls it otherwise than BERT, or looks at positions in a way of its own.
KINDS = {
    "bert": {},
    "roberta": {},
    "xlm-roberta": {},
    "camembert": {},
    "electra": {"embedding_size": 16},
    "mpnet": {},
    "albert": {"embedding_size": 16},
    "deberta-v2": {
        "relative_attention": True,
        "pos_att_type": ["c2p", "p2c"],
        "max_relative_positions": 64,
        "position_buckets": 16,
    },
    "modernbert": {
        "attention_dropout": 0.0,
        "embedding_dropout": 0.0,
        "mlp_dropout": 0.0,
        "cls_token_id": 101,
        "sep_token_id": 102,
        "bos_token_id": 101,
        "eos_token_id": 102,
        "local_attention": 8,
    },
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2,
           "dropout_rate": 0.0},
}  # fmt: skip


def tiny_model(
    folder: Path, cnn: bool = False, include_prompt: bool = True, kind: str = "bert"
) -> SentenceTransformer:
    """Return a model with random weights, the same ones each time, and without dropout."""
    packaged = packaged_model()
    assert packaged is not None
    folder.mkdir(parents=True, exist_ok=True)
    for file in packaged.glob("*"):
        if file.name.startswith(("tokenizer", "vocab", "special_tokens")):
            shutil.copy(file, folder)
    torch.manual_seed(7)
    base = BERT if kind != "t5" else {"vocab_size": 30522}
    config = AutoConfig.for_model(kind, **(base | KINDS[kind]))
    AutoModel.from_config(config).save_pretrained(folder)
    transformer = Transformer(str(folder))
    transformer.max_seq_length = 64
    between: list[nn.Module] = [CNN(32, out_channels=16)] if cnn else []
    width = 48 if cnn else 32
    modules = [transformer, *between, Pooling(width, include_prompt=include_prompt), Normalize()]
    return SentenceTransformer(modules=modules, device="cpu")
