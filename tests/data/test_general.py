"""General pairs are many and sensible, and share nothing with the run that they are put to."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ststudio.data.builtin import topics
from ststudio.data.general import FEWEST_PAIRS, HAND_WRITTEN, STSB, general_pairs, hand_written


def test_the_hand_written_pairs_are_many_different_and_scored_all_over() -> None:
    pairs = hand_written()
    left, right = pairs.texts()
    assert len(left) >= 150 and pairs.source == HAND_WRITTEN
    assert len({*left, *right}) == 2 * len(left)
    assert all(text.strip() == text and text.isascii() for text in left + right)
    scores = pairs.rows["score"].to_pylist()
    assert min(scores) == 0.0 and max(scores) == 1.0
    for low, high in ((0.0, 0.1), (0.2, 0.3), (0.4, 0.6), (0.7, 0.9), (1.0, 1.0)):
        assert sum(low <= score <= high for score in scores) >= 20


def test_no_general_sentence_stands_in_the_sample() -> None:
    sample = {text for topic in topics().values() for text in topic.tickets + topic.replies}
    left, right = hand_written().texts()
    assert sample.isdisjoint([*left, *right])


def test_any_first_few_are_of_all_kinds() -> None:
    scores = hand_written().first(FEWEST_PAIRS).rows["score"].to_pylist()
    assert len(scores) == FEWEST_PAIRS
    assert sum(score <= 0.3 for score in scores) > 20 < sum(score >= 0.8 for score in scores)


def test_a_pair_of_which_the_run_knows_a_sentence_is_left_out() -> None:
    left, right = hand_written().texts()
    kept = hand_written().without({left[0], right[3], "another text"}).texts()
    assert kept == (left[1:3] + left[4:], right[1:3] + right[4:])


def benchmark(file: Path, pairs: int = 150) -> list[str]:
    left = [f"first sentence {number}" for number in range(pairs)]
    right = [f"second sentence {number}" for number in range(pairs)]
    pq.write_table(pa.table({"sentence1": left, "sentence2": right, "score": [0.5] * pairs}), file)
    return left


def test_the_benchmark_is_taken_where_it_was_fetched(tmp_path: Path) -> None:
    file = tmp_path / "general.parquet"
    assert general_pairs(file, set()) == hand_written()
    left = benchmark(file)
    found = general_pairs(file, {left[7]})
    assert found.source == STSB and found.texts()[0] == left[:7] + left[8:]


def test_who_trains_on_the_benchmark_is_asked_the_hand_written_pairs(tmp_path: Path) -> None:
    file = tmp_path / "general.parquet"
    left = benchmark(file)
    assert general_pairs(file, {*left[:15]}).source == STSB
    assert general_pairs(file, {*left[:16]}).source == HAND_WRITTEN
