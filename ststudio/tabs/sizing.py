"""Size on the page: how far vectors may be cut and rounded before search gets worse."""

from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr

from ststudio.compare.sides import check_compared
from ststudio.compare.size_figure import MEASURES, size_figure
from ststudio.compare.watched import Job, Sign, last, watched
from ststudio.data.findings import count
from ststudio.errors import StudioError
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.tabs import explained
from ststudio.tabs.documented import publish
from ststudio.tabs.progress import bar, build_job, wire_job
from ststudio.tabs.session import Session

SIZES = Job(
    "sizes",
    "Measuring the sizes",
    seconds=240.0,
    advice="The machine is busy: try again in a few minutes, or with a run on fewer texts.",
)
ABOUT = (
    "A vector is kept for every text. Its last dimensions can be cut off (Matryoshka), and each "
    "number can be kept as one byte (int8) or one bit (binary) instead of four bytes. What that "
    "costs in quality is measured on this run's own test queries and corpus, for both models."
)
FEW_TEXTS = 1_000  # in a smaller corpus hardly anything lies close to what is sought
EASY = 0.98  # nDCG@10 from which on hardly a query is left to be lost
QUARTER = 0.25  # of the dimensions: where the two models are compared in words


def measured(run: Run) -> Iterator[Sign | dict[str, Any]]:
    """Yield signs of the measurement, and last its result, which the run keeps."""
    check_compared(run)
    if (kept := run.sizes) is not None:
        yield kept
        return
    message = {
        "embeddings": str(run.embeddings_dir),
        "examples": str(run.examples_dir),
        "trained": run.recipe.get("matryoshka_dims"),
    }
    for news in watched(SIZES, message):
        if not isinstance(news, Sign) and run.exists:  # one that is gone by now stays gone
            run.write("sizes", news)
        yield news


@explained
def sizes(run: str) -> dict[str, Any]:
    """Measure dimensions and precisions of both models' vectors: quality, time and bytes."""
    return last(measured(get_store().open(run)))


@explained
def measure_sizes(session: Session) -> Iterator[tuple[Any, ...]]:
    """Measure, and show the sizes as a plot and a table."""
    if session.run is None:
        raise StudioError("Start a run in the Fine-tune tab first; its vectors are measured.")
    yield bar("Reading the vectors", 0.0), gr.skip(), gr.skip()
    try:
        for news in measured(get_store().open(session.run)):
            if isinstance(news, Sign):
                words = news.words or "Reading the vectors"
                yield bar(words, news.share), gr.skip(), gr.skip()
            else:
                yield "", *shown(news)
    except StudioError:
        yield "", gr.skip(), gr.skip()  # or the bar would stand there for ever
        raise


def shown(found: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the plot and the words and table of what was measured."""
    return (
        gr.update(value=size_figure(found), visible=True),
        gr.update(value=f"{words_html(found)}{table_html(found)}", visible=True),
    )


def words_html(found: Mapping[str, Any]) -> str:
    """Say which size is sensible and by which rule, and what cutting does to each model."""
    choice = found["rows"][found["choice"]["tuned"]]
    whole, quality = found["rows"][0], MEASURES[found["relevance"]]
    n = f"{found['n']:,}" if found["n"] == found["of"] else f"{found['n']:,} of {found['of']:,}"
    smaller = whole["mb"] / choice["mb"]
    saved = f", {smaller:.0f} times smaller than the whole vector" if smaller > 1 else ""
    easy = _too_easy(found)
    named = "Smallest that passes here" if easy else "Sensible for the fine-tuned model"
    return (
        f"{easy}<p><b>{named}: {choice['dims']:,} dimensions as "
        f"{choice['precision']}</b>, {choice['mb']:,} MB per million texts{saved}; {quality} "
        f"{choice['quality']['tuned']:.3f} instead of {whole['quality']['tuned']:.3f}, on {n} test "
        f"queries.</p><p>{_rule(found)} {_cutting(found)}</p>"
    )


def _too_easy(found: Mapping[str, Any]) -> str:
    """Warn where this corpus cannot tell a good size from a bad one."""
    best = found["rows"][0]["quality"]["tuned"]
    if found["texts"] >= FEW_TEXTS and not (found["relevance"] and best >= EASY):
        return ""
    only = "Only " if found["texts"] < FEW_TEXTS else ""
    why = f"{only}{count(found['texts'], 'text')} were searched"
    if found["relevance"] and best >= EASY:
        why += f", and the whole vector answers almost every query (nDCG@10 {best:.3f})"
    return (
        f'<div class="finding warning">{why}: in a larger corpus more texts lie close to the right '
        "one, and smaller vectors lose more than is seen here. Measure on a larger corpus before "
        "you choose.</div>"
    )


def _rule(found: Mapping[str, Any]) -> str:
    allowed = found["allowed"]["tuned"]
    if not found["relevance"]:
        return (
            "This run's data does not say what is relevant to a query, so a size is judged by how "
            "many of the ten hits of the same model's whole float32 vectors it finds. The sensible "
            f"one is the smallest that still finds {1 - allowed:.0%} of them."
        )
    return (
        "The rule: the smallest that loses no more than one standard error of the whole float32 "
        f"vector's nDCG@10 (here ±{found['errors']['tuned']:.3f}), and never more than 0.02 "
        f"(allowed here: {allowed:.3f})."
    )


def _cutting(found: Mapping[str, Any]) -> str:
    """Say how much of its quality each model keeps at about a quarter of the dimensions."""
    floats = [row for row in found["rows"] if row["precision"] == "float32"]
    if len(floats) < 2:
        return ""
    whole = floats[0]
    cut = min(floats[1:], key=lambda row: abs(row["dims"] / whole["dims"] - QUARTER))
    kept = {
        who: cut["quality"][who] / max(whole["quality"][who], 1e-9) for who in ("base", "tuned")
    }
    told = (
        f"Cut to {cut['dims']:,} of {whole['dims']:,} dimensions in float32, the base model keeps "
        f"{kept['base']:.0%} of its quality and the fine-tuned one {kept['tuned']:.0%}."
    )
    if found["trained"]:
        dims = ", ".join(f"{dim:,}" for dim in found["trained"])
        return f"{told} This run was trained with Matryoshka at {dims} dimensions."
    return (
        f"{told} This run was not trained with Matryoshka, which puts what matters most into the "
        "first dimensions: without it, models lose more when they are cut."
    )


def table_html(found: Mapping[str, Any]) -> str:
    """Return every size as a table, and say what was timed."""
    scaled = any(row["ms_scaled"] is not None for row in found["rows"])
    times = [f"ms per query, {count(found['texts'], 'text')}"]
    times += [f"ms per query, {found['scaled']:,} texts"] if scaled else []
    quality = "nDCG@10" if found["relevance"] else "same hits"
    names = ["vector", "MB per million texts", f"base, {quality}", f"fine-tuned, {quality}", *times]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(_row(found, place) for place in range(len(found["rows"])))
    return (
        f'<div class="rows"><table class="sizes"><thead><tr>{head}</tr></thead><tbody>{body}'
        f"</tbody></table></div><p>{_timing(found, scaled)}</p>"
    )


def _row(found: Mapping[str, Any], place: int) -> str:
    row, whole = found["rows"][place], found["rows"][0]
    cells = [f"{row['dims']:,} {row['precision']}", f"{row['mb']:,}"]
    for who in ("base", "tuned"):
        change = row["quality"][who] - whole["quality"][who]
        mark = " <b>sensible</b>" if found["choice"][who] == place else ""
        told = f" ({change:+.3f})" if place else ""
        cells.append(f"{row['quality'][who]:.3f}{told}{mark}")
    cells += [f"{row['ms']:.2f}"]
    cells += [f"{row['ms_scaled']:.1f}"] if row["ms_scaled"] is not None else []
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _timing(found: Mapping[str, Any], scaled: bool) -> str:
    filled = (
        f"The {found['scaled']:,} texts are this run's {found['texts']:,} filled up with random "
        "ones of them again, since time does not depend on what vectors hold. "
        if scaled
        else ""
    )
    return (
        "Time is the median search for one query over every vector, with its rescoring, by one "
        f"thread of this machine; embedding the query comes on top and is the same. {filled}int8 "
        "numbers are made floats block by block here: databases with kernels of their own are "
        "faster. int8 and binary find 40 candidates, which are scored again by the query as it "
        "was against the same bytes or bits: nothing else is kept."
    )


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what is shown when another run is opened: nothing, until it is asked for.

    What the run keeps comes at the click: a plot drawn into a closed accordion has no width to fit.
    """
    return "", gr.update(value=None, visible=False), gr.update(value="", visible=False)


def build(session: gr.State) -> list[gr.components.Component]:
    """Lay out the accordion and wire it; return what `opened` fills."""
    with gr.Accordion("Size: how small may the vectors be?", open=False):
        gr.Markdown(ABOUT)
        job = build_job("Measure the sizes", "measure-sizes")
        plot = gr.Plot(show_label=False, visible=False, elem_id="sizes-plot")
        table = gr.HTML("", visible=False, elem_id="sizes")
    wire_job(job, measure_sizes, [session], [plot, table])
    publish(sizes, "sizes")
    return [job[-1], plot, table]
