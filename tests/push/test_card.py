"""The card is valid and tells no more than it should, whatever the data holds."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ststudio.hub.card import EVALUATORS, TAG, body, card, metadata
from ststudio.hub.markdown import fenced, one_line, table
from ststudio.hub.package import propose_name
from ststudio.hub.results import result
from tests.push.conftest import FACTS, RECIPE, REPORT, MakeRun

HOSTILE = [
    "a | b || c",
    "---\nlicense: mit\n---\n# Owned",
    "'\"}{: ? - & * ! % @ ` # [x]: y",
    "<script>alert(1)</script></details><img src=x onerror=alert(1)>",
    "```\n</code>\n# Heading\n```",
    "[click](javascript:alert(1)) ![x](http://evil.example/p.png) https://evil.example",
    "\u202eلا تثق\u2066 مرحبا\x00\x1b[31m\ud800 \u2028next",
    "x" * 4_000,
    "{{7*7}} $$\\frac12$$ @everyone :smile: ~~no~~ __b__",
    "- item\n1. item\n+ item\n=====\n> quote",
]

KEYS = set(
    "base_model base_model_relation datasets library_name pipeline_tag tags model-index".split()
)
INVISIBLE = set("\u202e\u2066\x00\x1b\u2028")


def below(text: str) -> str:
    return re.split(r"^---$", text, maxsplit=2, flags=re.M)[2]


def front_matter(text: str) -> dict[str, Any]:
    _, block, _ = re.split(r"^---$", text, maxsplit=2, flags=re.M)
    data: dict[str, Any] = yaml.safe_load(block)
    return data


def test_the_card_tells_what_was_trained_and_what_it_changed(make_bare: Any) -> None:
    text = card(make_bare(FACTS), repo_id="alice/model")

    front = front_matter(text)
    assert front["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert front["pipeline_tag"] == "sentence-similarity"
    assert front["library_name"] == "sentence-transformers"
    assert front["datasets"] == ["acme/tickets"]
    assert {TAG, "sentence-transformers", "loss:MultipleNegativesRankingLoss"} <= set(front["tags"])
    metrics = front["model-index"][0]["results"][0]["metrics"]
    assert [(metric["type"], metric["value"]) for metric in metrics] == [
        ("cosine_ndcg@10", 0.612),
        ("cosine_ndcg@10", 0.742),
    ]
    assert 'model = SentenceTransformer("alice/model")' in text
    assert metrics[1]["args"] == {"n": 150, "delta": 0.13, "interval_95": [0.08, 0.18]}
    for words in (
        "rose from 0.612 to **0.742** (+0.130, 95 % interval +0.080 to +0.180)",
        "**Fine-tuning helped**: nDCG@10 on 150 held-out queries",
        "Case 2 · Pairs of positives",
        "train 400, dev 50, test 150, corpus 220",
        "Left out: leak 3",
        "/datasets/acme/tickets)",
        "licence of the data: MIT",
        "within 220 documents",
        "Sentence-BERT",
    ):
        assert words in text, words


def test_texts_are_embedded_in_the_way_that_was_measured(make_bare: Any) -> None:
    pairs, alike = (card(make_bare(FACTS | {"case": case})) for case in ("pair", "pair-score"))
    assert "model.encode_query(" in pairs and "model.encode_document(" in pairs
    assert "model.encode(" in alike and "encode_query" not in alike


def test_the_real_client_reads_the_card(make_bare: Any) -> None:
    read = ModelCard(card(make_bare(FACTS)))

    results = read.data.eval_results
    assert results is not None
    assert [result.metric_value for result in results] == [0.612, 0.742]


def test_rows_stand_in_the_card_only_when_asked_for(make_bare: Any) -> None:
    run = make_bare(FACTS)

    assert "secret row" not in card(run)
    shown = card(run, include_samples=True)
    assert shown.count("secret row") == 5
    assert "x" * 300 not in shown


def test_ids_that_open_something_stay_here(make_bare: Any) -> None:
    recipe = {**RECIPE, "source": {"kind": "upload", "id": "5ec2e7"}, "base_model": "run:abc123"}
    base = {"id": "run:abc123", "revision": None, "origin": "run"}
    text = card(make_bare({**FACTS, "source": recipe["source"], "base_model": base}, recipe))

    assert "5ec2e7" not in text
    assert "abc123" not in text
    assert {"base_model", "datasets"}.isdisjoint(front_matter(text))


def test_a_card_of_almost_nothing_is_still_a_card(make_bare: Any) -> None:
    text = card(make_bare({}, {"source": {"kind": "builtin"}}, None))

    assert front_matter(text)["library_name"] == "sentence-transformers"
    assert "not measured" in text


@pytest.mark.parametrize("nasty", HOSTILE)
def test_a_hostile_dataset_neither_breaks_nor_enters_the_card(nasty: str, make_bare: Any) -> None:
    nasty = nasty.replace("\ud800", "")  # no file of a run can hold it
    row = f"row {nasty}"
    source = {"kind": "hub", "id": nasty, "revision": nasty}
    recipe = {
        **RECIPE,
        "source": source,
        "columns": {"anchor": nasty},
        "prompts": {"anchor": nasty},
        "loss_settings": {nasty: nasty},
    }
    facts = {
        **FACTS,
        "title": nasty,
        "licence": nasty,
        "notes": [nasty],
        "loss": nasty,
        "source": source,
        "base_model": {"id": nasty, "revision": nasty, "origin": "hub"},
        "dropped": {nasty: 2},
        "preview": [{nasty: row, "anchor": row}],
        "lengths": {"roles": {nasty: LENGTHS}},
        "made": {
            **MADE,
            "modules": f"Transformer({nasty})",
            "prompts": {"query": nasty},
            "arguments": {"prompts": {"anchor": nasty}},
            "citations": {nasty: nasty},
        },
    }
    report = {**REPORT, "metric": nasty, "metrics": {nasty: [0.1, 0.2]}}
    run = make_bare(facts, recipe, report)
    run.append_log({"step": 1, "loss": 0.5})

    for include in (False, True):
        text = card(run, include_samples=include, repo_id="alice/model")
        front = front_matter(text)
        assert front == metadata(run)
        assert set(front) <= KEYS
        assert not INVISIBLE & set(text)
        page = MarkdownIt("commonmark", {"html": True}).enable("table").parse(below(text))
        inside = [child for token in page for child in token.children or []]
        assert kinds(page, "heading_open").count("h1") == 1
        assert kinds(page, "heading_open").count("h2") == 6 + include
        assert [token.info for token in page if token.type == "fence"] == [
            "bash", "python", "", "json", "bibtex"
        ]  # fmt: skip
        told = json.loads(next(t.content for t in page if t.info == "json"))
        assert told["columns"] == {"anchor": nasty}
        html = [token.content for token in [*page, *inside] if token.type.startswith("html")]
        assert html == [line for summary in FOLDED for line in (opened(summary), "</details>\n")]
        links = [str(token.attrGet("href")) for token in inside if token.type == "link_open"]
        told = f"{EVALUATORS}.InformationRetrievalEvaluator"
        assert links == ["https://www.sbert.net", told, *(f"{HERE}/{name}" for name in FILES)]
        assert {"image", "code_inline", "em"}.isdisjoint(token.type for token in inside)
        assert kinds(page, "table_open") == ["table"] * (5 + include)
        assert len(kinds(page, "hr")) == 0
        shown = "".join(token.content for token in [*page, *inside])
        assert (one_line(row)[:30] in shown) == include
        ModelCard(text)


FOLDED = ("The whole recipe", "All hyperparameters", "Training log")
HERE = "https://huggingface.co/alice/model/blob/main"
FILES = ("ststudio/recipe.json", "ststudio/report.json")
LENGTHS = {"cut": 0.25, "quantiles": {"50": 12, "90": 40, "99": 200, "100": 300}}
MADE = {
    "modules": "SentenceTransformer(\n  (0): Transformer()\n)",
    "max_seq_length": 256,
    "dimensions": 384,
    "parameters": 22_713_216,
    "similarity": "cosine",
    "prompts": {"query": "query: ", "document": ""},
    "citations": {"Sentence Transformers": "@inproceedings{a}", "CoSENTLoss": "@article{b}"},
    "arguments": {"seed": 42, "learning_rate": 5e-05},
    "versions": {"python": "3.11.1", "sentence_transformers": "6.2.0", "torch": "2.13.0"},
}


def opened(summary: str) -> str:
    return f"<details>\n<summary>{summary}</summary>\n"


def test_text_from_the_data_is_shown_as_it_is() -> None:
    for nasty in HOSTILE:
        page = MarkdownIt("commonmark").enable("table").parse(table(("column",), [(nasty,)]))
        cell = next(
            t
            for t in page[page.index(next(t for t in page if t.type == "td_open")) :]
            if t.children
        )
        shown = "".join(child.content for child in cell.children or [])
        assert shown == one_line(nasty)


def kinds(page: list[Token], name: str) -> list[str]:
    return [token.tag for token in page if token.type == name]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"verdict": "REGRESSION", "delta": -0.1}, "made it worse"),
        ({"verdict": "MARGINAL"}, "No clear difference"),
        ({"n": 60, "verdict": "MARGINAL"}, "Too few test rows"),
        ({"interval": [-math.inf, math.inf]}, "interval -inf to +inf"),
    ],
)
def test_the_verdict_stands_in_one_sentence(
    change: dict[str, Any], words: str, make_bare: Any
) -> None:
    assert words in result(make_bare(FACTS, report={**REPORT, **change}))


def test_the_card_tells_how_many_rows_were_learned_from_and_whether_time_ran_out(
    make_bare: Any,
) -> None:
    run = make_bare(FACTS, report={**REPORT, "rows_used": 1234})
    assert "1,234 of the training rows were learned from)" in card(run)
    run.end("finished", "time_limit")
    assert "learned from; the time limit cut training short)" in card(run)


def test_the_card_tells_what_was_paid_for_the_gain(make_bare: Any) -> None:
    forgotten = {"source": "hand-written", "metric": "spearman_cosine", "n": 168, "baseline": 0.86,
                 "score": 0.81, "delta": -0.05, "interval": [-0.09, -0.02],
                 "verdict": "REGRESSION"}  # fmt: skip
    text = card(make_bare(FACTS, report={**REPORT, "forgetting": forgotten}))
    assert "**Something was paid.** General English" in text
    assert "of the same data and on general English; other kinds of text" in text
    plain = card(make_bare(FACTS, report={**REPORT, "forgetting": None}))
    assert "General English" not in plain and "of the same data only" in plain


def test_a_name_is_proposed_from_base_and_data(make_run: MakeRun, make_bare: Any) -> None:
    assert propose_name(make_bare(FACTS)) == "all-MiniLM-L6-v2-Help-desk-tickets-and-their-replies"
    assert propose_name(make_bare({"title": "日本"})) == "SentenceTransformer"
    assert propose_name(make_bare({"title": "words " * 20})) == "SentenceTransformer" + 6 * "-words"
    assert propose_name(make_bare({"title": "x" * 90})) == "SentenceTransformer"


def test_a_model_that_won_a_race_says_among_what_it_was_chosen(make_bare: Any) -> None:
    rows = [
        {"title": "TripletLoss", "dev_best": 0.91},
        {"title": "CoSENTLoss on <b>x</b>", "dev_best": None, "out": "Out of memory."},
        {"title": "MultipleNegativesRankingLoss", "dev_best": 0.9},
    ]
    said = card(make_bare({**FACTS, "race": {"dev_units": 128, "racers": rows}}))
    assert (
        "Chosen by a race on held-out dev rows: TripletLoss 0.910, "
        "MultipleNegativesRankingLoss 0.900" in said
    )
    assert "Chosen by a race" not in card(make_bare({**FACTS, "race": None}))


def test_no_id_of_an_earlier_run_is_published(make_bare: Any) -> None:
    secret = "5e" * 16
    earlier = f"run:{secret}"
    recipe = {**RECIPE, "base_model": earlier, "loss_settings": {"guide": earlier, "margin": 0.1}}
    text = card(make_bare(FACTS, recipe))
    assert secret not in text
    assert "an earlier run" in text


def test_the_card_describes_the_model_and_cites_every_loss(make_bare: Any) -> None:
    text = card(
        make_bare(
            {
                **FACTS,
                "made": MADE,
                "loss": "CoSENTLoss",
                "lengths": {"roles": {"anchor": LENGTHS}},
            }
        )
    )
    for words in (
        "- Maximum sequence length: 256 tokens",
        "- Output dimensionality: 384 dimensions",
        "- Parameters: 22,713,216",
        "- Similarity function: cosine",
        "- Prompts: query “query\\:”",
        "SentenceTransformer(\n  (0): Transformer()\n)",
        "- Loss: [CoSENTLoss](https://sbert.net/docs/package_reference/sentence_transformer/"
        "losses.html#cosentloss)",
        "| learning\\_rate | 5e-05 |",
        "| anchor | 12 | 40 | 300 | 25.0% |",
        "Trained with Python 3.11.1, Sentence Transformers 6.2.0, PyTorch 2.13.0.",
        "CoSENTLoss:\n\n```bibtex\n@article{b}\n```",
    ):
        assert words in text, words


def test_the_loss_is_named_with_its_parameters(make_bare: Any) -> None:
    recipe = {**RECIPE, "loss_settings": {"scale": 20.0}, "matryoshka_dims": [384, 128]}
    assert "with scale = 20.0, matryoshka\\_dims = \\[384, 128\\]" in card(make_bare(FACTS, recipe))


def test_the_training_log_is_thinned_out_but_for_looks_at_dev(make_bare: Any) -> None:
    run = make_bare(FACTS)
    run.append_log({"step": 0, "steps": 200})  # a plan, no entry of the card's
    for step in range(1, 201):
        run.append_log({"step": step, "loss": 1 / step})
        if step % 50 == 0:
            run.append_log({"step": step, "metric": 0.5 + step / 1_000})
    table = card(run).split("<summary>Training log</summary>")[1].split("</details>")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) <= 42
    assert sum(row.count("0.7000") + row.count("0.5500") for row in rows) == 2


def test_the_whole_card_is_metadata_and_body(make_bare: Any) -> None:
    run = make_bare(FACTS)
    assert card(run).endswith(body(run)) and below(card(run)).strip() == body(run).strip()


def test_what_was_forgotten_is_a_result_of_its_own(make_bare: Any) -> None:
    forgotten = {"source": "hand-written", "metric": "spearman_cosine", "n": 168, "baseline": 0.86,
                 "score": 0.81, "delta": -0.05, "interval": [-0.09, -0.02],
                 "verdict": "REGRESSION"}  # fmt: skip
    front = front_matter(card(make_bare(FACTS, report={**REPORT, "forgetting": forgotten})))
    results = front["model-index"][0]["results"]
    assert [one["dataset"]["name"] for one in results] == [FACTS["title"], "General English"]
    assert [metric["value"] for metric in results[1]["metrics"]] == [0.86, 0.81]


def test_the_card_links_to_the_space_it_was_made_on(
    make_bare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_bare(FACTS)
    assert "/spaces/" not in card(run)
    monkeypatch.setenv("SPACE_ID", "ada/st-studio")
    assert "fine-tuned with [ST Studio](https://huggingface.co/spaces/ada/st-studio) on" in card(
        run
    )
    monkeypatch.setenv("SPACE_ID", "../nothing) [x](evil")
    assert "/spaces/" not in card(run)


def test_nothing_ends_a_block_of_code_from_within() -> None:
    for nasty in HOSTILE:
        page = MarkdownIt("commonmark").parse(fenced(nasty, "json"))
        assert [token.type for token in page] == ["fence"]
