"""The datasets offered by name: one row each, ready to be opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ststudio.data.uploads import name_of


@dataclass(frozen=True)
class DatasetSource:
    """One dataset on offer."""

    id: str
    title: str
    case: str  # a key of CASES
    rows: int  # approximately, in all splits
    licence: str
    origin: Literal["builtin", "hub"]
    about: str  # one sentence
    subset: str | None = None
    qrels: dict[str, str | None] | None = field(default=None, hash=False)
    hub_id: str = ""  # where several entries share a repository

    @property
    def source(self) -> dict[str, Any]:
        """Return what opens it, ready to be handed on."""
        if self.origin == "builtin":
            return {"kind": "builtin", "id": self.id}
        return {
            "kind": "hub",
            "id": self.hub_id or self.id,
            "subset": self.subset,
            "split": None,
            "revision": None,
            "qrels": self.qrels,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the entry in the shape of the /catalog endpoint."""
        keys = ("id", "title", "case", "rows", "licence", "origin", "source")
        return {key: getattr(self, key) for key in keys}


NLI_LICENCE = "CC BY-SA 4.0 (SNLI), OANC and others (MultiNLI)"
NO_LICENCE = "none stated"

CATALOG: tuple[DatasetSource, ...] = (
    DatasetSource(
        id="sample-pair-score",
        title="Help desk · tickets and how well a reply fits",
        case="pair-score",
        rows=1_536,
        licence="MIT",
        origin="builtin",
        about="A ticket of an internal help desk, a reply, and how well the reply fits.",
    ),
    DatasetSource(
        id="sample-pair",
        title="Help desk · tickets and their replies",
        case="pair",
        rows=768,
        licence="MIT",
        origin="builtin",
        about="A ticket of an internal help desk, and the reply that solved it.",
    ),
    DatasetSource(
        id="sample-text-class",
        title="Help desk · replies by system",
        case="text-class",
        rows=768,
        licence="MIT",
        origin="builtin",
        about="A reply of an internal help desk, and the system it is about.",
    ),
    DatasetSource(
        id="sample-triplet",
        title="Help desk · tickets, the right reply and a wrong one",
        case="triplet",
        rows=768,
        licence="MIT",
        origin="builtin",
        about="A ticket, the reply that solved it, and the reply to a problem easily confused.",
    ),
    DatasetSource(
        id="sentence-transformers/stsb",
        title="STS benchmark",
        case="pair-score",
        rows=8_628,
        licence="CC BY-SA 4.0",
        origin="hub",
        about="Pairs of sentences from news, captions and forums, scored for similarity.",
    ),
    DatasetSource(
        id="sentence-transformers/all-nli/pair-score",
        hub_id="sentence-transformers/all-nli",
        subset="pair-score",
        title="AllNLI · pairs with a score",
        case="pair-score",
        rows=981_382,
        licence=NLI_LICENCE,
        origin="hub",
        about="Premise and hypothesis, scored 1 for entailment, 0.5 for neutral, else 0.",
    ),
    DatasetSource(
        id="sentence-transformers/quora-duplicates",
        subset="pair-class",
        title="Quora duplicate questions",
        case="pair-class",
        rows=404_290,
        licence=NO_LICENCE,
        origin="hub",
        about="Two questions, and whether they ask the same.",
    ),
    DatasetSource(
        id="stanfordnlp/snli",
        subset="plain_text",
        title="SNLI",
        case="nli",
        rows=570_152,
        licence="CC BY-SA 4.0",
        origin="hub",
        about="A caption, and a sentence that follows from it, may hold, or contradicts it.",
    ),
    DatasetSource(
        id="sentence-transformers/all-nli/pair-class",
        hub_id="sentence-transformers/all-nli",
        subset="pair-class",
        title="AllNLI · premise and hypothesis",
        case="nli",
        rows=981_382,
        licence=NLI_LICENCE,
        origin="hub",
        about="SNLI and MultiNLI together: premise, hypothesis, and how they relate.",
    ),
    DatasetSource(
        id="embedding-data/sentence-compression",
        title="Sentence compression",
        case="pair",
        rows=180_000,
        licence="MIT",
        origin="hub",
        about="A sentence from the news, and the same one made shorter.",
    ),
    DatasetSource(
        id="sentence-transformers/natural-questions",
        title="Natural Questions",
        case="pair",
        rows=100_231,
        licence="CC BY-SA 3.0",
        origin="hub",
        about="Questions put to a search engine, and the passage that answers each.",
    ),
    DatasetSource(
        id="BeIR/scifact",
        qrels={"id": "BeIR/scifact-qrels", "split": None},
        title="SciFact",
        case="pair",
        rows=1_258,
        licence="CC BY 4.0 (claims), ODC-By 1.0 (abstracts)",
        origin="hub",
        about="Scientific claims, and the abstracts that speak to them, in a corpus of 5,183.",
    ),
    DatasetSource(
        id="CogComp/trec",
        title="TREC questions",
        case="text-class",
        rows=5_952,
        licence=NO_LICENCE,
        origin="hub",
        about="Questions by the kind of answer they want: 6 coarse classes, 50 fine ones.",
    ),
    DatasetSource(
        id="PolyAI/banking77",
        title="Banking77",
        case="text-class",
        rows=13_083,
        licence="CC BY 4.0",
        origin="hub",
        about="Questions to a bank by 77 intents.",
    ),
    DatasetSource(
        id="embedding-data/QQP_triplets",
        title="Quora triplets",
        case="triplet",
        rows=101_762,
        licence=NO_LICENCE,
        origin="hub",
        about="A question, one that asks the same, and many that only look alike.",
    ),
    DatasetSource(
        id="sentence-transformers/all-nli/triplet",
        hub_id="sentence-transformers/all-nli",
        subset="triplet",
        title="AllNLI · triplets",
        case="triplet",
        rows=571_043,
        licence=NLI_LICENCE,
        origin="hub",
        about="A premise, a sentence that follows from it, and one that contradicts it.",
    ),
)


def title_of(source: Mapping[str, Any]) -> str:
    """Name a source for people: by its entry here, else by its id."""
    for entry in CATALOG:
        same = entry.source["kind"] == source.get("kind") and entry.source["id"] == source.get("id")
        if same and source.get("subset") in (None, entry.subset):
            return entry.title
    if source.get("kind") == "upload":
        return name_of(source.get("id")) or "your file"
    return str(source.get("id", ""))


def licence_of(source: Mapping[str, Any]) -> str:
    """Return the licence the catalogue states for a source, or an empty text."""
    for entry in CATALOG:
        if entry.source["kind"] == source.get("kind") and entry.source["id"] == source.get("id"):
            return entry.licence
    return ""
