"""The model card: what was trained, on what, and what it changed, safe to publish."""

from collections.abc import Mapping
from typing import Any

import yaml

from ststudio.data.prompts import part_of
from ststudio.hub.markdown import fenced, one_line, plain, table
from ststudio.hub.origins import (
    NO_NAME,
    TITLE_CHARACTERS,
    base,
    base_id,
    base_words,
    case_of,
    data_words,
    dataset_id,
    studio_words,
    title,
)
from ststudio.hub.results import model_index, result, shown
from ststudio.hub.training_words import training_words
from ststudio.remote import endpoint
from ststudio.runs.run import Run
from ststudio.training.paid import paid

TAG = "st-studio"  # in the card of every model pushed from here: what may be updated later
SAMPLE_ROWS = 5
RECIPE_FILE, REPORT_FILE = "ststudio/recipe.json", "ststudio/report.json"
EVALUATORS = (
    "https://sbert.net/docs/package_reference/sentence_transformer/evaluation.html"
    "#sentence_transformers.sentence_transformer.evaluation"
)
OUR_EVALUATOR = "NearestNeighbourEvaluator"  # the others are the library's
IMPORT = "from sentence_transformers import SentenceTransformer"

KEPT_FROM_BASE = (
    "It keeps the base model's language, length limit, licence and biases, and takes on those of "
    "the data."
)
LEARNT_ALONE = (
    "It started from random weights and knows nothing but its training rows; words and subjects "
    "that they lack mean nothing to it."
)

# Of runs that do not say which losses they used: the library's own.
CITATIONS = {
    "Sentence Transformers": """\
@inproceedings{reimers-2019-sentence-bert,
    title = "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks",
    author = "Reimers, Nils and Gurevych, Iryna",
    booktitle = "Proceedings of EMNLP-IJCNLP 2019",
    year = "2019",
    url = "https://arxiv.org/abs/1908.10084",
}"""
}


def card(run: Run, include_samples: bool = False, repo_id: str = NO_NAME) -> str:
    """Return the model card as Markdown; rows of the data stand in it only when asked for."""
    front = yaml.safe_dump(
        metadata(run), allow_unicode=True, sort_keys=False, width=10_000, default_flow_style=False
    )
    return f"---\n{front}---\n\n{body(run, include_samples, repo_id)}"


def body(run: Run, include_samples: bool = False, repo_id: str = NO_NAME) -> str:
    """Return the card below its metadata: what people read."""
    sections = [
        f"# {plain(title(run), TITLE_CHARACTERS)}",
        _about(run),
        f"## Use it\n\n{_use(run, repo_id)}",
        f"## Results\n\n{_results(run)}",
        f"## Model\n\n{_model(run)}",
        f"## Training\n\n{training_words(run)}",
        _samples(run) if include_samples else "",
        f"## Limits\n\n{_limits(run)}",
        f"## Citation\n\n{_citations(run)}",
        _made_with(repo_id),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def metadata(run: Run) -> dict[str, Any]:
    """Return the card's front matter."""
    loss = run.facts.get("loss")
    tags = ["sentence-transformers", "sentence-similarity", "feature-extraction", "dense", TAG]
    name, dataset = base_id(run), dataset_id(run)
    data = one_line(run.facts.get("title") or "own data", TITLE_CHARACTERS)
    index = model_index(one_line(title(run), TITLE_CHARACTERS), data, dataset, run)
    return {
        **({"base_model": name, "base_model_relation": "finetune"} if name else {}),
        **({"datasets": [dataset]} if dataset else {}),
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": [*tags, *([f"loss:{one_line(loss, 80)}"] if loss else [])],
        **({"model-index": index} if index else {}),
    }


def _about(run: Run) -> str:
    return (
        "A [sentence-transformers](https://www.sbert.net) model that turns sentences into vectors, "
        f"for semantic search and similarity. It is {base_words(run)}, fine-tuned with "
        f"{studio_words()} on {data_words(run)}."
    )


def _use(run: Run, repo_id: str) -> str:
    """Show how texts are embedded as they were trained and measured, prompts included."""
    case = case_of(run)
    calls = [
        'vectors = model.encode(["One text", "Another text"])',
        "print(model.similarity(vectors, vectors))",
    ]
    if case and part_of(case.unit) == "query":
        calls = [
            'query = model.encode_query("A question")',
            'documents = model.encode_document(["One text", "Another text"])',
            "print(model.similarity(query, documents))",
        ]
    load = f'model = SentenceTransformer("{repo_id}")'
    code = fenced("\n".join([IMPORT, "", load, *calls]), "python")
    return f"{fenced('pip install -U sentence-transformers', 'bash')}\n\n{code}"


def _results(run: Run) -> str:
    head = ("Metric", "Base model", "Fine-tuned", "Change")
    case = case_of(run)
    measured = ""
    if case and case.evaluator != OUR_EVALUATOR:
        at = f"{EVALUATORS}.{case.evaluator}"
        measured = f"Measured by [{case.evaluator}]({at}), both models on the same test rows."
    parts = [result(run), table(head, rows) if (rows := shown(run)) else "", measured]
    return "\n\n".join(filter(None, [*parts, paid(run.report, run.facts)]))


def _model(run: Run) -> str:
    """Describe the model: what it takes in, what it gives, and what it is made of."""
    made = run.facts.get("made") or {}
    prompts = {name: text for name, text in (made.get("prompts") or {}).items() if text}
    told = ", ".join(f"{plain(name)} “{plain(text)}”" for name, text in prompts.items())
    lines = [
        "- Model type: Sentence Transformer",
        f"- Base model: {base_words(run)}",
        _line("Maximum sequence length", made.get("max_seq_length"), "tokens"),
        _line("Output dimensionality", made.get("dimensions"), "dimensions"),
        _line("Parameters", made.get("parameters")),
        f"- Similarity function: {plain(made['similarity'])}" if made.get("similarity") else "",
        f"- Prompts: {told}" if told else "",
    ]
    printed = fenced(str(made["modules"])) if made.get("modules") else ""
    return "\n\n".join(filter(None, ["\n".join(filter(None, lines)), printed]))


def _line(name: str, count: object, unit: str = "") -> str:
    return f"- {name}: {count:,} {unit}".rstrip() if isinstance(count, int) else ""


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
        LEARNT_ALONE if base(run).get("origin") == "zero" else KEPT_FROM_BASE,
    ]
    notes = [plain(note, 500) for note in run.facts.get("notes") or ()]
    return "\n".join(f"- {line}" for line in [*known, *notes])


def _citations(run: Run) -> str:
    """Cite the library and every loss, each as its own documentation does."""
    cited = (run.facts.get("made") or {}).get("citations") or CITATIONS
    return "\n\n".join(
        f"{plain(name)}:\n\n{fenced(str(text).strip(), 'bibtex')}" for name, text in cited.items()
    )


def _made_with(repo_id: str) -> str:
    """Say what made this card, and where the numbers behind it lie."""
    if repo_id == NO_NAME:
        files = f"{plain(RECIPE_FILE)} and {plain(REPORT_FILE)}"
    else:
        at = f"{endpoint()}/{repo_id}/blob/main"
        files = f"[the recipe]({at}/{RECIPE_FILE}) and [the report]({at}/{REPORT_FILE})"
    return (
        f"Made with {studio_words()}: {files} say how, and train it again with the same settings."
    )
