"""The blog's headline, felt: the closest pair among 10,000 sentences, in seconds or in days."""

import html
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from ststudio.compare.sides import check_compared
from ststudio.compare.watched import Job, Sign, last, watched
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import explained
from ststudio.tabs.documented import publish
from ststudio.tabs.progress import bar, build_job, wire_job
from ststudio.tabs.session import Session

CLOSEST = Job(
    "closest",
    "Finding the closest pair",
    seconds=420.0,
    advice="The machine is busy: try again in a few minutes.",
)
SENTENCES = 10_000
PAIRS = SENTENCES * (SENTENCES - 1) // 2
TEXT_CHARACTERS = 400
BUSY = 1.5  # times the processor's own time: then others had the cores meanwhile
ABOUT = (
    "Which two of 10,000 sentences are closest? A cross-encoder reads two texts together, so it "
    f"has to read all {PAIRS:,} pairs. A sentence embedding is computed once per sentence, and "
    "comparing vectors is cheap. Sentence-BERT's paper (2019, on a V100 GPU) put that at **65 "
    "hours** with BERT and about **5 seconds** with embeddings. Here both are measured on this "
    "machine, with this run's fine-tuned model."
)


def looked(run: Run) -> Iterator[Sign | dict[str, Any]]:
    """Yield signs of the search for a run's closest pair, and last what it found and took."""
    check_compared(run)
    message = {"model": str(run.model_dir), "examples": str(run.examples_dir)}
    yield from watched(CLOSEST, message)


@explained
def closest_pair(run: str) -> dict[str, Any]:
    """Find the closest pair among a run's texts; time it, and passes of a cross-encoder."""
    return last(looked(get_store().open(run)))


@explained
def find_pair(session: Session) -> Iterator[tuple[str, Any]]:
    """Find the closest pair, saying how far that has come, and show it with its time."""
    if session.run is None:
        raise StudioError("Start a run in the Fine-tune tab first; its texts are compared.")
    starting = "Loading the model"
    yield bar(starting, 0.0), gr.skip()
    try:
        for news in looked(get_store().open(session.run)):
            if isinstance(news, Sign):
                yield bar(news.words or starting, news.share), gr.skip()
            else:
                yield "", result_html(news)
    except StudioError:
        yield "", gr.skip()  # or the bar would stand there for ever
        raise


def duration(seconds: float) -> str:
    """Say how long something takes, in the unit that people would use."""
    for unit, size in (("years", 365.25 * 86_400), ("days", 86_400.0), ("hours", 3_600.0)):
        if seconds >= 2 * size:
            value = seconds / size
            return f"{value:,.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    if seconds >= 120:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1_000 * seconds:.0f} ms"


def result_html(found: Mapping[str, Any]) -> str:
    """Show the closest pair, and both ways' time side by side; texts are escaped."""
    first, second = (_text(text) for text in found["pair"])
    total = found["embedding_seconds"] + found["comparing_seconds"]
    n, pairs = found["n"], found["pairs"]
    cards = _card(
        "tuned",
        f"Embeddings: {n:,} sentences",
        duration(total),
        f"measured: {duration(found['embedding_seconds'])} to embed them anew, "
        f"{duration(found['comparing_seconds'])} to compare all {pairs:,} pairs "
        "(the paper: about 5 s)",
    )
    cards += _card(
        "base",
        f"Cross-encoder: {PAIRS:,} pairs",
        duration(PAIRS / found["bert"]["per_second"]),
        f"extrapolated from {found['bert']['passes']:,} real passes at "
        f"{found['bert']['per_second']:.1f} a second (the paper: 65 hours)",
    )
    return (
        f'<div class="felt">{cards}</div><p>{_honesty(found)}</p>'
        f"<p>The closest pair, at a cosine of <b>{found['cosine']:.3f}</b>:</p>"
        f'<div class="hits tuned"><ol><li><div class="text">{first}</div></li>'
        f'<li><div class="text">{second}</div></li></ol></div>'
    )


def _text(text: str) -> str:
    cut = text if len(text) <= TEXT_CHARACTERS else text[: TEXT_CHARACTERS - 1] + "…"
    return html.escape(cut)


def _card(who: str, title: str, figure: str, words: str) -> str:
    return (
        f'<div class="card {who}"><div>{title}</div><div class="figure">{figure}</div>'
        f'<div class="small">{words}</div></div>'
    )


def _honesty(found: Mapping[str, Any]) -> str:
    """Say what was measured, what was not, and what of the difference is the models' size."""
    n, pairs, bert, own = found["n"], found["pairs"], found["bert"], found["own"]
    parts = []
    if found["embedding_seconds"] > BUSY * found["embedding_alone_seconds"]:
        parts.append(
            "The machine was busy with other work: with its cores to itself, embedding would have "
            f"taken about {duration(found['embedding_alone_seconds'])} at best."
        )
    if n < SENTENCES:
        why = "all the different texts it has" if n == found["known"] else "what fits the time"
        parts.append(
            f"This run gave {n:,} sentences ({why}), not {SENTENCES:,}: that is n(n−1)/2 = "
            f"{pairs:,} pairs, and a cross-encoder would need "
            f"{duration(pairs / bert['per_second'])} for those."
        )
    where = "a GPU, in float32"
    if found["device"] != "cuda":
        where = (
            f"{found['threads']} threads of a CPU, in float32 (of the passes only the processor's "
            "own time counts, so that other work here makes them look no slower)"
        )
    parts.append(
        f"Both were timed on {where}, in batches of texts of like length. The "
        "cross-encoder is BERT-base (12 layers, width 768) with random weights, since time does "
        f"not depend on them, on pairs as long as this run's (about {bert['tokens']:.0f} tokens)."
    )
    if own is not None:
        parts.append(
            "Part of the difference is the model's size: a cross-encoder made of this run's own "
            f"Transformer would read {own['per_second']:.0f} pairs a second and take "
            f"{duration(PAIRS / own['per_second'])} for {PAIRS:,}."
        )
    return " ".join(parts)


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what is shown when another run is opened: nothing, until it is asked for."""
    return "", ""


def build(session: gr.State) -> list[gr.components.Component]:
    """Lay out the accordion and wire it; return what `opened` fills."""
    with gr.Accordion("The closest pair among 10,000 sentences", open=False):
        gr.Markdown(ABOUT)
        job = build_job("Find the closest pair", "find-pair")
        result = gr.HTML("", elem_id="pair")
    wire_job(job, find_pair, [session], [result])
    publish(closest_pair, "closest_pair")
    return [job[-1], result]
