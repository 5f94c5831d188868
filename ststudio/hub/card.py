"""The model card: what was trained, on what, and what it changed, safe to publish."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from ststudio.data.cases import CASES
from ststudio.data.prompts import part_of
from ststudio.errors import StudioError
from ststudio.hub.markdown import one_line, plain, table
from ststudio.remote import check_id, endpoint
from ststudio.runs.run import Run
from ststudio.training.loss_settings import GUIDE
from ststudio.training.metrics import shown_metrics, units_of
from ststudio.training.paid import paid
from ststudio.training.racers import public_name
from ststudio.training.verdict import in_words

TAG = "st-studio"  # in the card of every model pushed from here: what may be updated later
TITLE_CHARACTERS = 120
SAMPLE_ROWS = 5
NO_NAME = "path/to/this/folder"  # what a downloaded model is loaded by
NOT_IN_TABLE = frozenset({"source", "case", "loss", "fixes", "base_model"})  # told in words, below
IMPORT = "from sentence_transformers import SentenceTransformer"
NEEDED = frozenset({"n", "verdict", "baseline", "score", "delta", "interval"})

KEPT_FROM_BASE = (
    "It keeps the base model's language, length limit, licence and biases, and takes on those of "
    "the data."
)
LEARNT_ALONE = (
    "It started from random weights and knows nothing but its training rows; words and subjects "
    "that they lack mean nothing to it."
)

CITATION = """\
```bibtex
@inproceedings{reimers-2019-sentence-bert,
    title = "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks",
    author = "Reimers, Nils and Gurevych, Iryna",
    booktitle = "Proceedings of EMNLP-IJCNLP 2019",
    year = "2019",
    url = "https://arxiv.org/abs/1908.10084",
}
```"""


def shared_recipe(run: Run) -> dict[str, Any]:
    """Return the recipe without the ids by which uploads and other runs could be opened."""
    recipe = run.recipe
    source = recipe.get("source") or {}
    if source.get("kind") == "upload":
        recipe["source"] = {"kind": "upload"}
    if isinstance(recipe.get("base_model"), str):
        recipe["base_model"] = public_name(recipe["base_model"])
    settings = recipe.get("loss_settings") or {}
    if isinstance(settings.get(GUIDE), str):
        recipe["loss_settings"] = {**settings, GUIDE: public_name(settings[GUIDE])}
    return recipe


def title(run: Run) -> str:
    """Return the model's title in words: its base and its data."""
    data = run.facts.get("title")
    return f"{base_name(run)} fine-tuned" + (f" on {one_line(data, 80)}" if data else "")


def result(run: Run) -> str:
    """Say in one sentence what the fine-tuning changed on the test rows."""
    report = run.report
    if not report or not NEEDED <= set(report):
        return "The model was not measured."
    head, sentence = in_words(report, _metric_title(run), _units(run))
    return f"**{head}**: {sentence}"


def card(run: Run, include_samples: bool = False, repo_id: str = NO_NAME) -> str:
    """Return the model card as Markdown; rows of the data stand in it only when asked for."""
    front = yaml.safe_dump(
        metadata(run), allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=False
    )
    sections = [
        f"---\n{front}---",
        f"# {plain(title(run), TITLE_CHARACTERS)}",
        _about(run),
        f"## Use it\n\n{_use(run, repo_id)}",
        f"## Results\n\n{_results(run)}",
        paid(run.report, run.facts),
        f"## Training\n\n{_training(run)}",
        _samples(run) if include_samples else "",
        f"## Limits\n\n{_limits(run)}",
        f"## Citation\n\n{CITATION}",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _use(run: Run, repo_id: str) -> str:
    """Show how texts are embedded as they were trained and measured, prompts included."""
    case = CASES.get(run.facts.get("case") or "")
    calls = ['vectors = model.encode(["One text", "Another text"])']
    if case and part_of(case.unit) == "query":
        calls = ['query = model.encode_query("A question")']
        calls += ['documents = model.encode_document(["One text", "Another text"])']
    load = f'model = SentenceTransformer("{repo_id}")'
    return "\n".join(["```python", IMPORT, load, *calls, "```"])


def metadata(run: Run) -> dict[str, Any]:
    """Return the card's front matter."""
    loss = run.facts.get("loss")
    tags = ["sentence-transformers", "sentence-similarity", "feature-extraction", TAG]
    base, dataset = _base_id(run), _dataset_id(run)
    return {
        **({"base_model": base, "base_model_relation": "finetune"} if base else {}),
        **({"datasets": [dataset]} if dataset else {}),
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": [*tags, *([f"loss:{one_line(loss, 80)}"] if loss else [])],
        **_model_index(run),
    }


def _model_index(run: Run) -> dict[str, Any]:
    metrics = list(_measured(run))
    if not metrics:
        return {}
    name = one_line(run.facts.get("title") or "own data", TITLE_CHARACTERS)
    measured = {
        "task": {"type": "sentence-similarity", "name": "Sentence Similarity"},
        "dataset": {"type": _dataset_id(run) or "unknown", "name": name, "split": "test"},
        "metrics": [
            {"type": metric, "value": round(value, 6), "name": f"{metric}, {when}"}
            for metric, before, after in metrics
            for when, value in (("before", before), ("after", after))
        ],
    }
    return {
        "model-index": [{"name": one_line(title(run), TITLE_CHARACTERS), "results": [measured]}]
    }


def _measured(run: Run) -> Iterator[tuple[str, float, float]]:
    """Go through the metrics that are numbers: name, base, fine-tuned; the headline first."""
    report = run.report or {}
    metrics = dict(report.get("metrics") or {})
    headline = report.get("metric")
    if headline and "baseline" in report and "score" in report:
        metrics = {headline: [report["baseline"], report["score"]], **metrics}
    for name, (before, after) in metrics.items():
        if all(
            isinstance(value, (int, float)) and math.isfinite(value) for value in (before, after)
        ):
            yield one_line(name, 80), float(before), float(after)


def _metric_title(run: Run) -> str:
    case = CASES.get(run.facts.get("case", ""))
    report = run.report or {}
    if case is not None and case.metric == report.get("metric"):
        return case.metric_title
    return plain(report.get("metric", "the metric"), 80)


def _units(run: Run) -> str:
    case = CASES.get(run.facts.get("case", ""))
    return units_of(case) if case else "units"


def _base(run: Run) -> Mapping[str, Any]:
    base: Mapping[str, Any] = run.facts.get("base_model") or {}
    return base


def _base_id(run: Run) -> str | None:
    """Return the base model's id on the Hub, if it has one."""
    return None if _base(run).get("origin") in ("run", "zero") else _on_hub(_base(run).get("id"))


def base_name(run: Run) -> str:
    """Return the base model's name without its owner."""
    return (_base_id(run) or "SentenceTransformer").rpartition("/")[2]


def _dataset_id(run: Run) -> str | None:
    """Return the dataset's id on the Hub, if it has one."""
    source = run.facts.get("source") or run.recipe.get("source") or {}
    return _on_hub(source.get("id")) if source.get("kind") == "hub" else None


def _on_hub(name: object) -> str | None:
    try:
        return check_id(name, "model")
    except StudioError:
        return None


def _about(run: Run) -> str:
    base, dataset = _base_id(run), _dataset_id(run)
    facts = run.facts
    revision = one_line(_base(run).get("revision") or "")[:7]
    own = {"zero": f"a model {plain(_base(run).get('id') or '', 200)}"}
    other = own.get(str(_base(run).get("origin")), "an earlier run's model")
    origin = f"[{plain(base)}]({endpoint()}/{base})" if base else other
    weights = one_line(_base(run).get("weights_revision") or "")[:7]
    converted = f", weights as the Hub converted them at {plain(weights)}" if weights else ""
    at = f" (revision {plain(revision)}{converted})" if base and revision else ""
    data = plain(facts.get("title") or "the owner's own data", TITLE_CHARACTERS)
    if dataset:
        data = f"[{plain(dataset)}]({endpoint()}/datasets/{dataset})"
    licence = f" (licence of the data: {plain(facts['licence'])})" if facts.get("licence") else ""
    return (
        "A [sentence-transformers](https://www.sbert.net) model that turns sentences into vectors, "
        f"for semantic search and similarity. It is {origin}{at}, fine-tuned with ST Studio on "
        f"{data}{licence}."
    )


def _results(run: Run) -> str:
    case = CASES.get(run.facts.get("case", ""))
    titles = {name: metric.title for name, metric in shown_metrics(case).items()} if case else {}
    measured = list(_measured(run))
    measured = [row for row in measured if row[0] in titles] or measured
    rows = [(titles.get(name, name), f"{a:.4f}", f"{b:.4f}") for name, a, b in measured]
    if not rows:
        return result(run)
    return f"{result(run)}\n\n{table(('Metric', 'Base model', 'Fine-tuned'), rows)}"


def _used(run: Run) -> str:
    """Say how many of the training rows were learned from, and whether time cut them short."""
    used = (run.report or {}).get("rows_used")
    if not isinstance(used, int):
        return ""
    cut = "; the time limit cut training short" if run.state.get("reason") == "time_limit" else ""
    return f" ({used:,} of the training rows were learned from{cut})"


def _race(facts: Mapping[str, Any]) -> str:
    """Say among what this model was chosen: the choice flatters its dev metric, not the test's."""
    rows = [
        f"{plain(row['title'], TITLE_CHARACTERS)} {row['dev_best']:.3f}"
        for row in (facts.get("race") or {}).get("racers", ())
        if isinstance(row.get("dev_best"), float)
    ]
    return f"- Chosen by a race on held-out dev rows: {', '.join(rows)}" if rows else ""


def _training(run: Run) -> str:
    facts, report, recipe = run.facts, run.report or {}, shared_recipe(run)
    case = CASES.get(facts.get("case", ""))
    counts = ", ".join(f"{plain(part)} {n:,}" for part, n in (facts.get("counts") or {}).items())
    dropped = ", ".join(
        f"{plain(why)} {n:,}" for why, n in (facts.get("dropped") or {}).items() if n
    )
    lines = [
        f"- Data: {case.title}. {case.explanation}" if case else "",
        f"- Rows: {counts}{_used(run)}" if counts else "",
        f"- Left out: {dropped}" if dropped else "",
        f"- Loss: {plain(facts['loss'], 80)}" if facts.get("loss") else "",
        _race(facts),
        f"- Time: {report['train_seconds']:.0f} s" if report.get("train_seconds") else "",
    ]
    shown = {key: recipe[key] for key in recipe if key not in NOT_IN_TABLE}
    rows = [(key, _value(value)) for key, value in shown.items() if value not in (None, {}, [])]
    # Inside strings only, where the escapes mean the same: nothing can end block or fence.
    text = json.dumps(recipe, indent=1).replace("<", "\\u003c").replace("`", "\\u0060")
    whole = f"<details>\n<summary>The whole recipe</summary>\n\n```json\n{text}\n```\n\n</details>"
    parts = [
        "\n".join(filter(None, lines)),
        table(("Setting", "Value"), rows) if rows else "",
        whole,
    ]
    return "\n\n".join(filter(None, parts))


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _samples(run: Run) -> str:
    rows = [row for row in run.facts.get("preview") or () if isinstance(row, Mapping)][:SAMPLE_ROWS]
    if not rows:
        return ""
    roles = list(rows[0])
    cells = [[row.get(role, "") for role in roles] for row in rows]
    return f"## Some rows of the data\n\n{table(roles, cells)}"


def _limits(run: Run) -> str:
    on = "and on general English" if (run.report or {}).get("forgetting") else "only"
    known = [
        f"Measured on held-out rows of the same data {on}; other kinds of text may have got worse.",
        LEARNT_ALONE if _base(run).get("origin") == "zero" else KEPT_FROM_BASE,
    ]
    notes = [plain(note, 500) for note in run.facts.get("notes") or ()]
    return "\n".join(f"- {line}" for line in [*known, *notes])
