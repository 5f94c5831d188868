"""The library's trainer, with the arithmetic on padding left out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sentence_transformers.base.losses.gradcache import uses_gradient_cache
from sentence_transformers.base.model_card import get_losses
from sentence_transformers.sentence_transformer.data_collator import (
    SentenceTransformerDataCollator,
)
from sentence_transformers.sentence_transformer.model_card import (
    SentenceTransformerModelCardCallback,
)
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from torch import Tensor

from ststudio.training.bucketing import Bucketed
from ststudio.training.graphs import Packed
from ststudio.training.tokens import Tokens

PACKED = "packed"  # where a batch carries its texts laid out, beside its columns


@dataclass
class Collator(SentenceTransformerDataCollator):
    """Tokenize each text once, and lay a batch out before it leaves for the GPU."""

    pack: Callable[[dict[str, Any]], Packed | None] = field(default=lambda batch: None, repr=False)

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the batch's columns, and all of them packed where training asks for that."""
        batch = super().__call__(features)
        packed = self.pack(batch)
        return batch if packed is None else {**batch, PACKED: packed}


class Trainer(SentenceTransformerTrainer):
    """Embed a batch's columns together, in chunks of like length, before the loss looks at them."""

    data_collator_class = Collator
    data_collator: Collator

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        bucketed: Bucketed,
        tokens: Tokens | None = None,
        **options: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **options)
        self.bucketed = bucketed
        self.data_collator.preprocess_fn = tokens or self.data_collator.preprocess_fn
        inner = getattr(self.loss, "loss", None)  # of MatryoshkaLoss
        # These embed a batch piece by piece, and once more in the backward pass, to save memory.
        self.piecewise = uses_gradient_cache(self.loss) or uses_gradient_cache(inner)
        if not self.piecewise:
            self.data_collator.pack = self._packed

    def _packed(self, batch: dict[str, Any]) -> Packed | None:
        columns, _ = super().collect_features(batch)
        return self.bucketed.pack(columns)

    def collect_features(
        self, inputs: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], Tensor | None]:
        """Return the columns' features, which carry their embeddings already, and the labels."""
        packed = inputs.pop(PACKED, None)
        columns, labels = super().collect_features(inputs)
        if self.piecewise or not self.model.training:
            return columns, labels
        return self.bucketed.together(columns, packed), labels

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Keep what the library's card says of losses and arguments, and no row of the data.

        Its callback reads rows only where it is told of this trainer, which the library does here.
        """
        self.add_callback(SentenceTransformerModelCardCallback(default_args_dict))
        self.model.model_card_data.set_losses(get_losses(self.loss))
