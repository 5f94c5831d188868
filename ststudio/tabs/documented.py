"""What programs may call: each endpoint with what it gives and an example, for the API's page."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

SOURCE = {"kind": "builtin", "id": "sample-triplet"}
RUN, KEY = "0f" * 16, "a5" * 16  # of nobody: as /start_run gives them
SCOPE = {"corpus": "c0" * 16, "left": "tuned", "right": "BAAI/bge-small-en-v1.5"}
SIGNED = "as whom the token names that is sent in the header `Authorization: Bearer hf_…`"


@dataclass(frozen=True)
class Endpoint:
    """One endpoint, for its documentation."""

    gives: str
    example: dict[str, Any] = field(default_factory=dict)


ENDPOINTS = {
    "catalog": Endpoint("[{id, title, case, rows, licence, origin, source}]"),
    "diagnose": Endpoint(
        "{upload, case, confidence, runner_up, columns, label, rows, splits, findings, preview, "
        "lengths, loss}",
        {"source": SOURCE},
    ),
    "hard_negatives": Endpoint("{rows, before, after, …}", {"source": SOURCE}),
    "start_run": Endpoint(
        "{run, key, position}; the key alone may stop, delete and push the run",
        {"recipe": {"source": SOURCE, "max_seconds": 20}},
    ),
    "run_state": Endpoint(
        "{state, stopping, step, steps, position, eta_seconds, loss, reason, log, report, push}; "
        "state: queued, running, finished, failed, stopped or interrupted",
        {"run": RUN, "since": 0},
    ),
    "stop_run": Endpoint("{state, stopping}", {"run": RUN, "key": KEY}),
    "delete_run": Endpoint("{state, stopping}", {"run": RUN, "key": KEY}),
    "search": Endpoint(
        "{base: [hit], tuned: [hit]}; a hit: {rank, id, text, score, relevant}, and base_rank",
        {"run": RUN, "query": "my lamp is gone", "top_k": 3},
    ),
    "rerank": Endpoint(
        "{hits, cost: {pairs, ms, ms_per_pair, corpus, corpus_seconds}, load_seconds, model}",
        {"run": RUN, "query": "my lamp is gone", "top_k": 20},
    ),
    "add_corpus": Endpoint(
        "{corpus, texts, column, columns, source, notes}",
        {"texts": ["The lamp in room 7 is broken", "Badges"]},
    ),
    "embed_corpus": Endpoint("{state, done, total, reason}", {"run": RUN, "scope": SCOPE}),
    "embedding_state": Endpoint("{state, done, total, reason}", {"run": RUN, "scope": SCOPE}),
    "stop_embedding": Endpoint("{state, done, total, reason}", {"run": RUN, "scope": SCOPE}),
    "changed": Endpoint("{by, counts, better, worse}", {"run": RUN}),
    "map": Endpoint(
        "{method, points: [{id, text, group, base, tuned}], measures}",
        {"run": RUN, "method": "pca"},
    ),
    "anatomy": Endpoint(
        "{together, apart, pairs, chosen_on, edges, base, tuned, mistakes}", {"run": RUN}
    ),
    "sizes": Endpoint("dimensions × precision: quality, time, bytes", {"run": RUN}),
    "closest_pair": Endpoint(
        "{pair, seconds, …}, and what a cross-encoder would take", {"run": RUN}
    ),
    "card": Endpoint("the model card as Markdown", {"run": RUN, "repo_id": "ada/helpdesk"}),
    "report": Endpoint("the report as one HTML file", {"run": RUN}),
    "script": Endpoint("the text of train.py", {"run": RUN}),
    "recipe": Endpoint("the recipe as it is shared", {"run": RUN}),
    "open_model": Endpoint(
        "{run, model, report}; the run can be searched, mapped and looked at, and nobody owns it",
        {"model": "ada/helpdesk"},
    ),
    "whoami": Endpoint(f"{{name, namespaces}}, {SIGNED}"),
    "push": Endpoint(
        f"{{url, commit, verified}} when it is there, {SIGNED}",
        {"run": RUN, "key": KEY, "repo_name": "helpdesk"},
    ),
    "run_longer": Endpoint(
        f"{{id, url, repo, data, flavor, minutes, dollars, stage, …}}, {SIGNED}",
        {"run": RUN, "key": KEY, "repo_name": "helpdesk", "flavor": "t4-small", "minutes": 60},
    ),
    "job_state": Endpoint("the same with log, or null", {"run": RUN, "key": KEY}),
    "stop_job": Endpoint("the same, cancelled", {"run": RUN, "key": KEY}),
}


def publish(handler: Callable[..., Any], name: str, **options: Any) -> None:  # noqa: ANN401
    """Offer a handler to programs under a name; its types are those of its parameters."""
    known = ENDPOINTS[name]
    words = " ".join((handler.__doc__ or "").split())
    example = json.dumps(known.example, ensure_ascii=False)
    gr.api(
        handler,
        api_name=name,
        api_description=f"{words} Gives {known.gives}. For example: {example}",
        **options,
    )
