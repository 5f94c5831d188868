"""What a run searches: a corpus, the queries put to it, and what answers them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ststudio.data.cases import CASES
from ststudio.data.findings import count
from ststudio.data.retrieval import ANCHOR
from ststudio.data.rows import Rows
from ststudio.data.tables import Retrieval
from ststudio.settings import get_settings

CORPUS_TEXTS = 2_000  # from rows: enough to lose the way in, embedded by two models in seconds
ALIKE_SCORE = 0.8  # from here on, the two texts of a scored pair are relevant to each other
RELEVANT_CLASS = {"pair-class": 1, "nli": 0}  # the class in which the second text is what is sought


@dataclass
class _Search:
    """Texts with their ids, queries with theirs, and which text answers which query."""

    documents: dict[str, str] = field(default_factory=dict)  # text: id
    groups: dict[str, str] = field(default_factory=dict)  # id: group
    queries: dict[str, str] = field(default_factory=dict)  # text: id
    relevant: dict[tuple[str, str], None] = field(default_factory=dict)  # (query id, document id)

    def document(self, text: str, group: str = "", key: str = "") -> str:
        if text not in self.documents:
            self.documents[text] = key = key or f"d{len(self.documents)}"
            self.groups[key] = group
        return self.documents[text]

    def query(self, text: str, key: str = "") -> str:
        return self.queries.setdefault(text, key or f"q{len(self.queries)}")


@dataclass(frozen=True)
class SearchTables:
    """A corpus in which the texts that answer a query come first: any longer prefix serves."""

    corpus: pa.Table  # id, text, group
    queries: pa.Table  # id, text
    relevant: pa.Table  # query, doc
    notes: tuple[str, ...]


def build_search(
    rows: Rows, parts: dict[str, pa.Table], retrieval: Retrieval | None, seed: int
) -> SearchTables:
    """Build what is searched from the test rows and, where there is one, a set's own corpus."""
    search = _Search()
    judged = retrieval is not None and rows.columns.get("anchor") == ANCHOR
    if judged and retrieval is not None:
        _add_corpus(search, retrieval)
        _add_judged(search, retrieval, set(parts["test"]["anchor"].to_pylist()))
    else:
        _add_test(search, rows, parts["test"])
    allowed = get_settings().corpus_texts
    limit = allowed if judged else min(CORPUS_TEXTS, allowed)
    rng = np.random.default_rng(seed)
    offered = 0 if judged else _fill(search, rows, parts, limit, rng)
    if CASES[rows.case].columns == ("text",):
        _join_classes(search, rows, parts["test"])
    return _tables(search, limit, max(offered, len(search.documents)), rng)


def expected_size(rows: Rows, retrieval: Retrieval | None) -> int:
    """Return about how many texts a run on these rows will search, without building that."""
    allowed = get_settings().corpus_texts
    if retrieval is not None and rows.columns.get("anchor") == ANCHOR:
        return min(retrieval.corpus.num_rows, allowed)
    answers = [codes[:, 1:] if codes.shape[1] > 1 else codes for codes in rows.codes.values()]
    distinct = len(np.unique(np.concatenate([part.ravel() for part in answers])))
    return min(distinct, CORPUS_TEXTS, allowed)


def _add_corpus(search: _Search, retrieval: Retrieval) -> None:
    ids = retrieval.corpus["id"].cast(pa.string()).to_pylist()
    for key, text in zip(ids, retrieval.corpus["text"].to_pylist(), strict=True):
        if text:
            search.document(text, key=key)


def _add_judged(search: _Search, retrieval: Retrieval, asked: set[str]) -> None:
    """Add the queries that were asked in the test, with all that was judged relevant to them."""
    names = retrieval.queries["id"].cast(pa.string()).to_pylist()
    texts = dict(zip(names, retrieval.queries["text"].to_pylist(), strict=True))
    known = set(search.groups)
    for judged in retrieval.qrels.values():
        scores = (
            judged["score"].cast(pa.float64()).to_pylist()
            if "score" in judged.schema.names
            else [1.0] * judged.num_rows
        )
        pairs = zip(
            judged["query-id"].cast(pa.string()).to_pylist(),
            judged["corpus-id"].cast(pa.string()).to_pylist(),
            scores,
            strict=True,
        )
        for query, document, score in pairs:
            text = texts.get(query)
            if score > 0 and text and document in known and text in asked:
                search.relevant[search.query(text, query), document] = None


def _add_test(search: _Search, rows: Rows, test: pa.Table) -> None:
    """Add the test's first texts as queries and its others as documents."""
    roles = CASES[rows.case].columns
    for text in test[roles[0]].to_pylist():
        search.query(text)
    for place, role in enumerate(roles[1:]):
        answers = _relevance(rows, test) if place == 0 else [False] * test.num_rows
        triples = zip(test[roles[0]].to_pylist(), test[role].to_pylist(), answers, strict=True)
        for query, text, answer in triples:
            key = search.document(text)
            if answer:
                search.relevant[search.queries[query], key] = None


def _relevance(rows: Rows, test: pa.Table) -> list[bool]:
    if rows.label_name == "score":
        return [score >= ALIKE_SCORE for score in test["score"].to_pylist()]
    if rows.label_name == "label":
        wanted = RELEVANT_CLASS[rows.case]
        return [label == wanted for label in test["label"].to_pylist()]
    return [True] * test.num_rows


def _fill(
    search: _Search, rows: Rows, parts: dict[str, pa.Table], limit: int, rng: np.random.Generator
) -> int:
    """Fill the corpus with texts of dev and train up to a limit; return how many there were."""
    roles = CASES[rows.case].columns
    offered: dict[str, str] = {}
    for role in roles[1:] or roles:
        for part in (parts["dev"], parts["train"]):
            for text, group in zip(part[role].to_pylist(), _groups(rows, part), strict=True):
                offered.setdefault(text, group)
    texts = list(offered.items())
    room = max(0, limit - len(search.documents))
    for place in rng.permutation(len(texts))[:room]:
        search.document(*texts[place])
    return len(offered.keys() | search.documents.keys())


def _groups(rows: Rows, part: pa.Table) -> list[str]:
    if CASES[rows.case].columns != ("text",):
        return [""] * part.num_rows
    return [rows.class_names[label] for label in part["label"].to_pylist()]


def _join_classes(search: _Search, rows: Rows, test: pa.Table) -> None:
    """Call every document of a query's class relevant to it."""
    members: dict[str, list[str]] = {}
    for key, group in search.groups.items():
        members.setdefault(group, []).append(key)
    for text, group in zip(test["text"].to_pylist(), _groups(rows, test), strict=True):
        query = search.queries[text]
        search.relevant |= {(query, key): None for key in members.get(group, ())}


def _tables(search: _Search, limit: int, offered: int, rng: np.random.Generator) -> SearchTables:
    """Put what answers a query first, the rest in random order behind it, and cut the tail."""
    sought = {document for _, document in search.relevant}
    texts = {key: text for text, key in search.documents.items()}
    keys = list(texts)
    shuffled = [keys[place] for place in rng.permutation(len(keys))]
    keys = [*(k for k in keys if k in sought), *(k for k in shuffled if k not in sought)][:limit]
    kept = set(keys)
    pairs = [pair for pair in search.relevant if pair[1] in kept]
    said = f"Searched and measured within {count(len(keys), 'document')} of {offered:,}."
    notes = (said,) if offered > limit else ()
    return SearchTables(
        _table(id=keys, text=[texts[k] for k in keys], group=[search.groups[k] for k in keys]),
        _table(id=search.queries.values(), text=search.queries),
        _table(query=[query for query, _ in pairs], doc=[document for _, document in pairs]),
        notes,
    )


def _chunked(texts: Iterable[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(list(texts), pa.string())])


def _table(**columns: Iterable[str]) -> pa.Table:
    return pa.table({name: _chunked(values) for name, values in columns.items()})
