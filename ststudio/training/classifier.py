"""What a classifier on the vectors makes of texts with classes, beside their nearest neighbour."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from ststudio.data.examples import Examples
from ststudio.training.interval import Floats, Interval, paired_proportions
from ststudio.training.neighbours import cosine, unit_rows
from ststudio.training.remembered import Remembered

Hits = NDArray[np.bool_]

MOST_TEXTS = 2_000  # to learn from: at most those of the corpus, which is embedded anyway
STRENGTH = 10.0  # inverse of the regularisation; on unit vectors 1 underfits


def classify(examples: Examples, base: Remembered, tuned: Remembered) -> dict[str, Any] | None:
    """Judge a logistic regression and the nearest neighbour on test texts; None without classes.

    Both know the same training texts: those of the corpus. Accuracies are of base and fine-tuned;
    the interval is that of classifier − neighbour on the fine-tuned vectors.
    """
    if not examples.class_names or "text" not in examples.test.column_names:
        return None
    labels = dict(
        zip(*(examples.train[name].to_pylist() for name in ("text", "label")), strict=True)
    )
    taught = [text for text in examples.corpus["text"].to_pylist() if text in labels][:MOST_TEXTS]
    known = np.array([labels[text] for text in taught])
    if len(set(known.tolist())) < 2:
        return None
    texts, wanted = (examples.test[name].to_pylist() for name in ("text", "label"))
    hits = [
        _hits(model.encode_document(taught), known, model.encode_document(texts), np.array(wanted))
        for model in (base, tuned)
    ]
    interval: Interval = paired_proportions(*reversed(hits[1]))
    return {
        "n": len(texts),
        "texts": len(taught),
        "of": len(labels),
        "accuracy": [float(classified.mean()) for classified, _ in hits],
        "neighbour": [float(nearest.mean()) for _, nearest in hits],
        "interval": list(interval),
    }


def _hits(
    taught: Floats, known: NDArray[np.int64], asked: Floats, wanted: NDArray[np.int64]
) -> tuple[Hits, Hits]:
    """Tell for each text whether the classifier and whether its nearest neighbour is right."""
    model = LogisticRegression(C=STRENGTH, max_iter=200)
    said = model.fit(unit_rows(taught), known).predict(unit_rows(asked))
    nearest = known[cosine(asked, taught).argmax(axis=1)]
    return said == wanted, nearest == wanted
