"""Clusters of texts, and their names."""

import json

import numpy as np
import pytest

from ststudio.compare.clusters import cluster_names, k_means, typical_words
from ststudio.compare.maps import Maps
from tests.compare.conftest import ComparedRun, texts_by_topic


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Maps:
    return Maps(tmp_path_factory.mktemp("maps"))


def test_a_runs_texts_are_grouped_by_each_model_once_and_kept(
    maps: Maps, compared: ComparedRun
) -> None:
    found = maps.clusters(compared)
    topics = np.array(["", "", *(topic for _, topic in texts_by_topic())])
    for model in ("base", "tuned"):
        names, members = found[model]["names"], np.array(found[model]["of"])
        assert len(names) == len(set(names)) == 8  # the square root of half of 122
        assert len(members) == 122
    members = np.array(found["base"]["of"])
    shares = [
        max(np.mean(topics[members == number] == topic) for topic in set(topics))
        for number in set(members)
    ]
    assert np.mean(shares) > 0.9
    printer = members[2]
    assert "printer" in found["base"]["names"][printer]
    file = compared.embeddings_dir / "clusters.json"
    file.write_text(json.dumps({**found, "kept": True}), encoding="utf-8")
    assert maps.clusters(compared)["kept"]


def test_a_cluster_is_named_by_what_is_frequent_there_and_rare_elsewhere() -> None:
    texts = ["the card was declined", "my card is lost", "the train is late", "a late train"]
    words = typical_words(texts * 3, np.array([0, 0, 1, 1] * 3), 2)
    assert words[0][0] == "card" and "train" not in words[0]
    assert words[1][:2] == ["late", "train"]


@pytest.mark.parametrize(
    "texts",
    [["你好吗", "谢谢你", "再见了", "早上好"], ["", " ", "1", "2"], ["the", "of", "a", "?"]],
)
def test_without_words_a_cluster_has_the_name_of_the_text_at_its_centre(texts: list[str]) -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
    members, centres = k_means(vectors)
    names = cluster_names(texts, vectors, members, centres)
    assert len(set(names)) == len(names) == 2
    assert names[members[0]].startswith(texts[0].strip())


def test_equal_vectors_make_one_cluster() -> None:
    members, centres = k_means(np.ones((40, 3), dtype=np.float32))
    assert set(members) == {0} and len(centres) == 1
