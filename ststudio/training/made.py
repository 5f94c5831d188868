"""What a trained model is made of and was made with, as the library's own card tells it."""

import json
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.base.model_card import get_versions

MODULES_CHARACTERS = 6_000
# Told by the run itself: training may be cut to its time, and casts on its own.
OURS = frozenset({"max_steps", "num_train_epochs", "bf16"})


def made(model: SentenceTransformer) -> dict[str, Any]:
    """Describe a model that was trained here; all values are JSON, none is a row of the data."""
    card, length = model.model_card_data, getattr(model, "max_seq_length", None)
    arguments = {
        name: value for name, value in card.all_hyperparameters.items() if name not in OURS
    }
    return {
        "modules": str(model)[:MODULES_CHARACTERS],
        "max_seq_length": length if isinstance(length, int) else None,
        "dimensions": model.get_embedding_dimension(),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "similarity": model.similarity_fn_name,
        "prompts": dict(model.prompts),
        "citations": dict(card.citations),
        "arguments": json.loads(json.dumps(arguments, default=str)),
        "versions": get_versions(),
    }
