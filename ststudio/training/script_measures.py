"""The measuring in a train.py: each case's evaluator, on dev while it trains and on test."""

from dataclasses import dataclass

from ststudio.training.export import Export
from ststudio.training.script_text import Code, literal

EVALUATION = "sentence_transformers.sentence_transformer.evaluation"


@dataclass(frozen=True)
class Written:
    """How a case is measured, in the words of a script."""

    imports: tuple[str, ...]
    defined: str  # `evaluator(rows)`, and what else stands above the steps
    test: str = "test_evaluator = evaluator(test)\n"
    searches: bool = False  # in a corpus, by queries and what is relevant to them


TRIPLETS = '''\
def evaluator(rows):
    """Tell how often a positive is closer to its anchor than the negative."""
    of = rows.to_dict()
    return TripletEvaluator(
        of["anchor"], of["positive"], of["negative"], similarity_fn_names=["cosine"]
    )


'''
SCORED = '''\
def evaluator(rows):
    """Compare the order of the cosines with the order of the scores."""
    of = rows.to_dict()
    return EmbeddingSimilarityEvaluator(
        of["sentence1"], of["sentence2"], of["score"], similarity_fn_names=["cosine"]
    )


'''
INFERRED = '''\
def evaluator(rows):
    """Compare the order of the cosines with entailment, neutral, contradiction: 1, 0.5, 0."""
    of = rows.to_dict()
    scores = [1 - label / 2 for label in of["label"]]
    return EmbeddingSimilarityEvaluator(
        of["premise"], of["hypothesis"], scores, similarity_fn_names=["cosine"]
    )


'''
CLASSIFIED = '''\
def evaluator(rows):
    """Tell by their cosine which pairs are similar."""
    of = rows.to_dict()
    return BinaryClassificationEvaluator(
        of["sentence1"], of["sentence2"], of["label"], similarity_fn_names=["cosine"]
    )


'''
SEARCHED = '''\
def search(queries, corpus, relevant):
    """Look for what is relevant to each query in the corpus, all by their ids."""
    return InformationRetrievalEvaluator(
        queries, corpus, relevant, score_functions={"cosine": cos_sim}
    )


def evaluator(rows, others=()):
    """Look for the positives of each anchor among all positives, and other texts."""
    queries = {text: f"q{number}" for number, text in enumerate(rows.unique("anchor"))}
    texts = dict.fromkeys([*rows.unique("positive"), *others])
    corpus = {text: f"d{number}" for number, text in enumerate(texts)}
    relevant = {query: set() for query in queries.values()}
    for row in rows:
        relevant[queries[row["anchor"]]].add(corpus[row["positive"]])
    by_id = ({key: text for text, key in texts.items()} for texts in (queries, corpus))
    return search(*by_id, relevant)


'''
SEARCHED_TEST = """\
queries = {row["id"]: row["text"] for row in part("queries")}
corpus = {row["id"]: row["text"] for row in part("corpus")}
relevant = {query: set() for query in queries}
for row in part("relevant"):
    relevant[row["query"]].add(row["doc"])
test_evaluator = search(queries, corpus, relevant)
"""
NEIGHBOURS = '''\
class NearestNeighbourEvaluator(BaseEvaluator):
    """Tell how often the text nearest to another one is of its class."""

    def __init__(self, texts, labels):
        super().__init__()
        self.texts, self.labels = texts, torch.tensor(labels)
        self.primary_metric = METRIC

    def __call__(self, model, output_path=None, epoch=-1, steps=-1):
        vectors = model.encode(self.texts, convert_to_tensor=True).cpu()
        nearest = cos_sim(vectors, vectors).fill_diagonal_(-2.0).argmax(dim=1)
        metrics = {METRIC: (self.labels[nearest] == self.labels).float().mean().item()}
        self.store_metrics_in_model_card_data(model, metrics, epoch, steps)
        return metrics


def evaluator(rows):
    of = rows.to_dict()
    return NearestNeighbourEvaluator(of["text"], of["label"])


'''

COSINES = "sentence_transformers.util:cos_sim"
WRITTEN: dict[str, Written] = {
    "pair-score": Written((f"{EVALUATION}:EmbeddingSimilarityEvaluator",), SCORED),
    "pair-class": Written((f"{EVALUATION}:BinaryClassificationEvaluator",), CLASSIFIED),
    "nli": Written((f"{EVALUATION}:EmbeddingSimilarityEvaluator",), INFERRED),
    "pair": Written(
        (f"{EVALUATION}:InformationRetrievalEvaluator", COSINES),
        SEARCHED,
        SEARCHED_TEST,
        searches=True,
    ),
    "text-class": Written(
        ("sentence_transformers.base.evaluation:BaseEvaluator", COSINES, "torch"), NEIGHBOURS
    ),
    "triplet": Written((f"{EVALUATION}:TripletEvaluator",), TRIPLETS),
}


def defined(export: Export) -> Code:
    """Return the definitions that a case is measured by."""
    written = WRITTEN[export.case.key]
    return Code(written.defined, set(written.imports))


def searches(export: Export) -> bool:
    """Tell whether the test needs a corpus, queries and what is relevant to them."""
    return WRITTEN[export.case.key].searches


def evaluators(export: Export, from_files: bool) -> str:
    """Return the lines that make the evaluators of dev and test."""
    dev = "dev_evaluator = evaluator(dev)\n" if export.has_dev else ""
    if not from_files and searches(export):
        return f"{dev}test_evaluator = evaluator(test, others)\n"
    return dev + WRITTEN[export.case.key].test


def counted(export: Export) -> str:
    """Return the expression that counts the units of the test."""
    return f"len(test.unique({literal(export.case.unit)}))"
