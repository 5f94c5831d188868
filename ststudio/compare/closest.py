"""The closest pair among many sentences: found by vectors, and what a cross-encoder would take."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, BertConfig

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.data.negatives import keys_of
from ststudio.errors import StudioError
from ststudio.runs.documents import write_json
from ststudio.training import models
from ststudio.training.bucketing import bucketed
from ststudio.training.measuring import encoding_seconds

SENTENCES = 10_000  # of the paper's example (Reimers and Gurevych 2019): 49,995,000 pairs
EMBEDDING_SECONDS = 150.0  # at most; what does not fit is left out, and said
CHUNK = 256  # sentences between two signs
BLOCK = 1_024  # rows that are compared with all others at once
PASSES = 256  # of a cross-encoder, timed
PASSES_SECONDS = 25.0  # then the rate of those that are done must do
FEWEST_BATCHES = 3
PASS_BATCH = {"cpu": 16, "cuda": 128}
PAIR_SPECIALS = 3  # tokens that a cross-encoder puts around and between two texts
POSITIONS = 512  # tokens that BERT reads of a pair
THREADS = 4  # at most: runs and searches want cores too
NICE = 10

Tell = Callable[[float, str], None]


def sentences(examples: Examples) -> list[str]:
    """Return a run's texts, those that differ in nothing a reader sees only once."""
    columns = CASES[examples.case].columns
    texts = examples.corpus["text"].to_pylist()
    for part in (examples.train, examples.dev, examples.test):
        for name in columns:
            texts += part[name].to_pylist()
    first: dict[str, str] = {}
    for key, text in zip(keys_of(texts), texts, strict=True):
        first.setdefault(key, text)
    return list(first.values())


def closest(vectors: Tensor) -> tuple[int, int, float]:
    """Return the two rows of unit vectors [n, width] whose cosine is highest, and that cosine."""
    best = (0, 1, -2.0)
    for start in range(0, len(vectors) - 1, BLOCK):
        block = vectors[start : start + BLOCK]
        cosines = block @ vectors[start:].T
        # Each pair once: row r of the block is compared with what stands behind it.
        cosines.masked_fill_(torch.ones_like(cosines, dtype=torch.bool).tril(), -2.0)
        place = int(cosines.argmax())
        row, column = divmod(place, cosines.shape[1])
        found = float(cosines[row, column])
        if found > best[2]:
            best = (start + row, start + column, found)
    return best


def embed(model: SentenceTransformer, texts: Sequence[str], tell: Tell) -> Tensor:
    """Embed texts as one kind, longest first, and return unit vectors in their order."""
    order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
    total, done = sum(map(len, texts)) or 1, 0
    parts = []
    with bucketed(model):
        for at in range(0, len(order), CHUNK):
            chunk = [texts[row] for row in order[at : at + CHUNK]]
            parts.append(
                model.encode_document(chunk, batch_size=64, show_progress_bar=False,
                                      convert_to_tensor=True, normalize_embeddings=True)
            )  # fmt: skip
            done += sum(map(len, chunk))
            tell(done / total, f"Embedding {len(texts):,} sentences")
    vectors = torch.cat(parts).float()
    return vectors[torch.tensor(order, device=vectors.device).argsort()]


def fitting(model: SentenceTransformer, texts: list[str], seconds: float) -> list[str]:
    """Draw up to 10,000 of the texts that this model can embed in so many seconds."""
    rng = np.random.default_rng(0)
    drawn = [texts[row] for row in rng.permutation(len(texts))[:SENTENCES]]
    with bucketed(model):  # as they will be embedded
        allowed = seconds / max(encoding_seconds(model, drawn, seed=0), 1e-9)  # characters
    fits = np.cumsum([len(text) for text in drawn]) <= allowed
    return drawn[: max(2, int(fits.sum()))]


@dataclass(frozen=True)
class Rate:
    """How many pairs of texts a Transformer read in how many seconds, and how long pairs were.

    On a CPU these are the seconds that its threads would take with cores of their own: other work
    on the machine must not make a cross-encoder look slower than it is.
    """

    passes: int
    seconds: float
    tokens: float

    @property
    def json(self) -> dict[str, float]:
        """Return it as JSON, with the pairs per second."""
        told = {"passes": self.passes, "seconds": self.seconds, "tokens": self.tokens}
        return {**told, "per_second": self.passes / self.seconds}


def pair_lengths(model: SentenceTransformer, texts: Sequence[str]) -> list[int]:
    """Return how many tokens random pairs of these texts have, together with what joins them."""
    tokenizer: Any = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
    if hasattr(tokenizer, "no_truncation"):
        tokenizer.no_truncation()  # the pair is cut, not each text
        tokenizer.no_padding()
    rng = np.random.default_rng(1)
    first, second = (rng.integers(0, len(texts), PASSES) for _ in range(2))
    return [
        min(_tokens(tokenizer, texts[a]) + _tokens(tokenizer, texts[b]) + PAIR_SPECIALS, POSITIONS)
        for a, b in zip(first, second, strict=True)
    ]


def _tokens(tokenizer: Any, text: str) -> int:  # noqa: ANN401
    """Count the tokens of a text as this tokenizer parts it, without those around it."""
    if hasattr(tokenizer, "encode"):
        return len(tokenizer.encode(text, add_special_tokens=False).ids)
    return len(text.split())  # a bag of words counts words


@torch.inference_mode()
def passes(network: nn.Module, lengths: Sequence[int], words: int, tell: Tell) -> Rate:
    """Time passes over pairs of so many tokens, in batches of like length, drawn at random.

    The tokens are random: time depends on how many there are, not on what they or the weights say.
    """
    device = next(network.parameters()).device
    network.eval()
    size = PASS_BATCH[device.type]
    ordered = sorted(lengths)
    batches = [ordered[at : at + size] for at in range(0, len(ordered), size)]
    # Not the shortest first: what is left out when the time is up must be any of them.
    order = np.random.default_rng(2).permutation(len(batches))
    _pass(network, batches[order[0]], words)  # the first pays for what later ones reuse
    done: list[int] = []
    start, worked = time.perf_counter(), _worked(device)
    for number, place in enumerate(order, start=1):
        _pass(network, batches[place], words)
        done += batches[place]
        tell(len(done) / len(lengths), f"Timing {len(lengths)} cross-encoder passes")
        if time.perf_counter() - start > PASSES_SECONDS and number >= FEWEST_BATCHES:
            break
    return Rate(len(done), _worked(device) - worked, float(np.mean(done)))


def _worked(device: torch.device) -> float:
    """Return a clock that stands still while others have the cores."""
    if device.type == "cpu":
        return time.process_time() / torch.get_num_threads()
    return time.perf_counter()


def _pass(network: nn.Module, lengths: Sequence[int], words: int) -> None:
    device = next(network.parameters()).device
    counts = torch.tensor(lengths, device=device)
    places = torch.arange(max(lengths), device=device)
    mask = (places < counts[:, None]).long()
    network(input_ids=torch.randint(0, words, mask.shape, device=device), attention_mask=mask)
    if device.type == "cuda":
        torch.cuda.synchronize()


def bert_base() -> nn.Module:
    """Build BERT-base as a cross-encoder, with random weights: nothing is downloaded."""
    config = BertConfig()
    config.num_labels = 1
    network: nn.Module = AutoModelForSequenceClassification.from_config(config)
    return network.to(models.device())


def own_network(model: SentenceTransformer) -> Any:  # noqa: ANN401
    """Return the Transformer inside a model, or None where there is none to read pairs with."""
    found = getattr(model[0], "model", None)
    return found if isinstance(found, nn.Module) and hasattr(found, "config") else None


def closest_job(message: dict[str, Any]) -> dict[str, Any]:
    """Find the closest pair among a run's texts, and time what a cross-encoder would take."""
    if models.device() == "cpu":
        os.nice(NICE)
    torch.set_num_threads(min(THREADS, torch.get_num_threads()))
    file = Path(message["progress"])
    known = sentences(Examples.load(Path(message["examples"])))
    if len(known) < 2:
        raise StudioError("This run has fewer than two different texts. Train on more rows.")
    model = models.load_model(Path(message["model"])).eval()

    def tell(share: float, words: str) -> None:
        write_json(file, [share, words])

    tell(0.0, "Looking how many sentences fit the time")
    texts = fitting(model, known, EMBEDDING_SECONDS)
    return {**_pair(model, texts, tell), "known": len(known), **_crossing(model, texts, tell)}


def _pair(model: SentenceTransformer, texts: list[str], tell: Tell) -> dict[str, Any]:
    start, worked = time.perf_counter(), _worked(model.device)
    vectors = embed(model, texts, tell)
    embedded, alone = time.perf_counter(), _worked(model.device) - worked
    first, second, cosine = closest(vectors)
    compared = time.perf_counter()
    if not np.isfinite(cosine) or cosine < -1.5:
        raise StudioError("The model's vectors are not numbers. Train with a lower learning rate.")
    return {
        "n": len(texts),
        "pairs": len(texts) * (len(texts) - 1) // 2,
        "pair": [texts[first], texts[second]],
        "cosine": cosine,
        "embedding_seconds": embedded - start,
        "embedding_alone_seconds": alone,
        "comparing_seconds": compared - embedded,
    }


def _crossing(model: SentenceTransformer, texts: list[str], tell: Tell) -> dict[str, Any]:
    lengths = pair_lengths(model, texts)
    own = own_network(model)
    found: dict[str, Any] = {"own": None, "device": models.device()}
    found["threads"] = torch.get_num_threads()
    if own is not None:
        most = getattr(own.config, "max_position_embeddings", None) or POSITIONS
        most = min(most, POSITIONS)
        cut = [min(length, most - PAIR_SPECIALS) for length in lengths]
        found["own"] = passes(own, cut, own.config.vocab_size, tell).json
    bert = bert_base()
    found["bert"] = passes(bert, lengths, BertConfig().vocab_size, tell).json
    return found
