"""A tiny real cross-encoder, as authors publish them: a Transformer with a head of one score."""

import json
import shutil
from pathlib import Path

from ststudio.shelf import packaged_model
from tests.training.tiny import BERT

ACTIVATION = "torch.nn.modules.linear.Identity"


def cross_encoder(folder: Path, labels: int = 1) -> Path:
    """Save one by transformers with random weights, the same ones each time, as most are."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    packaged = packaged_model()
    assert packaged is not None
    folder.mkdir(parents=True)
    for file in packaged.glob("*"):
        if file.name.startswith(("tokenizer", "vocab", "special_tokens")):
            shutil.copy(file, folder)
    torch.manual_seed(11)
    config = AutoConfig.for_model("bert", **BERT, num_labels=labels, initializer_range=0.5)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    change(folder, sentence_transformers={"activation_fn": ACTIVATION, "version": "4.0.1"})
    return folder


def change(folder: Path, **values: object) -> None:
    """Change what the configuration says; None leaves a key out."""
    path = folder / "config.json"
    told = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({key: value for key, value in told.items() if value is not None}))
