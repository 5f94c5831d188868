"""A tiny DeBERTa-v2 as its authors publish them: pieces by SentencePiece, no tokenizer.json."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import sentencepiece

WORDS = "the printer on floor two blinks red and my badge does not open its door since friday"
# As deberta-v3 numbers them; what XLM-RoBERTa expects is the package's own usage.
DEBERTA = {
    "pad_id": 0, "bos_id": 1, "eos_id": 2, "unk_id": 3,
    "pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]", "unk_piece": "[UNK]",
}  # fmt: skip
CONFIG: dict[str, Any] = {
    "model_type": "deberta-v2", "vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": 64, "type_vocab_size": 0,
    "max_position_embeddings": 128, "relative_attention": True, "position_buckets": 16,
    "norm_rel_ebd": "layer_norm", "share_att_key": True, "pos_att_type": "p2c|c2p",
    "layer_norm_eps": 1e-7, "max_relative_positions": -1, "position_biased_input": False,
    "pooler_dropout": 0, "pooler_hidden_act": "gelu", "pooler_hidden_size": 32,
}  # fmt: skip


@cache
def pieces(kind: str = "unigram", size: int = 120, **numbers: Any) -> bytes:
    """Train a SentencePiece model on a few sentences, and return its file."""
    words = WORDS.split()
    lines = [" ".join(words[at:] + words[:at]) + f" {at * 37}" for at in range(len(words))] * 20
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, vocab_size=size, model_type=kind,
        hard_vocab_limit=False, minloglevel=2, num_threads=1, **numbers,
    )  # fmt: skip
    return out.getvalue()


def deberta_files() -> dict[str, bytes]:
    """Return all but the weights, as microsoft/deberta-v3-small has them."""
    return {
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer_config.json": b'{"do_lower_case": false, "vocab_type": "spm"}',
        "spm.model": pieces(**DEBERTA),
        "pytorch_model.bin": b"a pickle, never opened",
        "tf_model.h5": b"weights for another library",
    }


def deberta_weights(folder: Path) -> bytes:
    """Return random weights in safetensors, the same ones each time."""
    import torch
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(7)
    AutoModel.from_config(AutoConfig.for_model(**CONFIG)).save_pretrained(folder)
    return (folder / "model.safetensors").read_bytes()
