"""The library's trainer, with the arithmetic on padding left out."""

from typing import Any

from sentence_transformers.base.losses.gradcache import uses_gradient_cache
from sentence_transformers.base.model_card import get_losses
from sentence_transformers.sentence_transformer.model_card import (
    SentenceTransformerModelCardCallback,
)
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer
from torch import Tensor

from ststudio.training.bucketing import Bucketed


class Trainer(SentenceTransformerTrainer):
    """Embed a batch's columns together, in chunks of like length, before the loss looks at them."""

    def __init__(self, *args: Any, bucketed: Bucketed, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **options)
        self.bucketed = bucketed
        inner = getattr(self.loss, "loss", None)  # of MatryoshkaLoss
        # These embed a batch piece by piece, and once more in the backward pass, to save memory.
        self.piecewise = uses_gradient_cache(self.loss) or uses_gradient_cache(inner)

    def collect_features(
        self, inputs: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], Tensor | None]:
        """Return the columns' features, which carry their embeddings already, and the labels."""
        columns, labels = super().collect_features(inputs)
        if self.piecewise or not self.model.training:
            return columns, labels
        return self.bucketed.together(columns), labels

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Keep what the library's card says of losses and arguments, and no row of the data.

        Its callback reads rows only where it is told of this trainer, which the library does here.
        """
        self.add_callback(SentenceTransformerModelCardCallback(default_args_dict))
        self.model.model_card_data.set_losses(get_losses(self.loss))
