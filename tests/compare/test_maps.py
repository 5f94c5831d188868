"""Maps of a run: laid out once in a child, followed, ended, and asked about."""

import json
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ststudio.compare import projection
from ststudio.compare.encoder import Encoder
from ststudio.compare.map_job import map_file, places_file
from ststudio.compare.maps import Maps, Stage
from ststudio.errors import StudioError
from tests.compare.conftest import ComparedRun, texts_by_topic

# UMAP compiles itself for half a minute in every new process.
METHODS = [
    pytest.param(name, marks=pytest.mark.slow) if name == "umap" else name
    for name in projection.LAYOUTS
]


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Maps:
    return Maps(tmp_path_factory.mktemp("maps"))


@pytest.mark.parametrize("method", METHODS)
def test_a_map_is_laid_out_once_in_a_child_and_kept(
    maps: Maps, compared: ComparedRun, method: str
) -> None:
    layout = maps.layout(compared, method)
    assert layout["method"] == method
    assert [point["id"] for point in layout["points"]][:3] == ["t0", "t1", "c0"]
    assert set(layout["points"][0]) == {"id", "text", "group", "base", "tuned"}
    places = np.array([[point["base"], point["tuned"]] for point in layout["points"]])
    assert places.shape == (122, 2, 2)
    assert places.std(axis=(0, 2)) == pytest.approx([1, 1], abs=1e-3)
    assert set(layout["measures"]) == {
        "trustworthiness_base",
        "trustworthiness_tuned",
        "neighbour_overlap",
    }
    file = map_file(compared.embeddings_dir, method)
    file.write_text(json.dumps({**layout, "kept": True}), encoding="utf-8")
    assert maps.layout(compared, method)["kept"]


@pytest.mark.parametrize("method", ["isomap", "../state", None, 3, ["pca"]])
def test_an_unknown_method_is_refused(maps: Maps, compared: ComparedRun, method: object) -> None:
    with pytest.raises(StudioError, match="pca, tsne, umap"):
        maps.layout(compared, method)


def test_a_run_without_a_model_is_refused(maps: Maps, tmp_path: Path) -> None:
    run = ComparedRun(tmp_path)
    for ask in (maps.layout, maps.clusters):
        with pytest.raises(StudioError, match="no fine-tuned model"):
            ask(run)


def made(folder: Path, texts: list[str]) -> ComparedRun:
    """Return a run of these texts, with random vectors."""
    run = ComparedRun(folder / "run")
    for made in (run.embeddings_dir, run.model_dir):
        made.mkdir(parents=True)
    ids = [f"c{number}" for number in range(len(texts))]
    points = {"id": ids, "text": texts, "group": [""] * len(texts), "kind": ["corpus"] * len(texts)}
    pq.write_table(pa.table(points), run.embeddings_dir / "points.parquet")
    random = np.random.default_rng(0)
    for name in ("base", "tuned"):
        vectors = random.normal(size=(len(texts), 32)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        np.save(run.embeddings_dir / f"{name}.npy", vectors)
    return run


def test_a_text_that_is_tested_and_searched_is_shown_once_and_is_not_its_own_neighbour(
    encoder: Encoder, tmp_path: Path
) -> None:
    run = made(tmp_path, [f"text {number}" for number in (*range(30), *range(20, 60))])
    vectors = {name: np.load(run.embeddings_dir / f"{name}.npy") for name in ("base", "tuned")}
    for name, known in vectors.items():
        known[30:40] = known[20:30]
        np.save(run.embeddings_dir / f"{name}.npy", known)
    layout = Maps(tmp_path / "home").layout(run)
    assert [point["id"] for point in layout["points"]] == [
        f"c{row}" for row in (*range(30), *range(40, 70))
    ]
    found = encoder.neighbours(run, [25, 45])
    for name, known in vectors.items():
        shown = known[[*range(30), *range(40, 70)]]
        for row, near in zip((25, 45), found[name], strict=True):
            scores = shown @ shown[row]
            scores[row] = -1
            assert [other for other, _ in near] == np.argsort(-scores)[:10].tolist()
            assert near[0][1] < 0.99


def test_too_few_texts_are_told(tmp_path: Path) -> None:
    run = made(tmp_path, ["one", "two", "three", "four", "four", "four"])
    with pytest.raises(StudioError, match="at least 5 texts and this run has 4"):
        Maps(tmp_path / "home").layout(run)


def test_a_slow_map_says_how_far_it_is_and_ends_when_nobody_listens(tmp_path: Path) -> None:
    maps, run = Maps(tmp_path / "home"), made(tmp_path, [f"text {row}" for row in range(4_000)])
    steps = maps.steps(run, "tsne")
    told: list[Stage] = []
    while not told or told[-1].words != "Laying out the base model's texts":
        stage = next(steps)
        assert isinstance(stage, Stage)
        told.append(stage)
    assert told[-1].seconds > 0 and 0 <= told[-1].share < 1
    started = time.monotonic()
    second = maps.steps(run, "tsne")
    waiting = next(second)
    assert isinstance(waiting, Stage) and "Waiting" in waiting.words
    assert maps.layout(run, "pca")["method"] == "pca"  # the quick one does not wait
    steps.close()
    assert time.monotonic() - started < 60
    stage = next(second)  # the first one's process is gone, and with it the lock
    assert isinstance(stage, Stage) and "Waiting" not in stage.words
    second.close()
    assert not map_file(run.embeddings_dir, "tsne").exists()


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_a_query_is_drawn_where_its_text_would_be(
    encoder: Encoder, maps: Maps, compared: ComparedRun, method: str
) -> None:
    maps.layout(compared, method)
    asked = compared.embeddings_dir
    found = encoder.place(compared, method, "Book a train to Vienna")
    with np.load(places_file(asked, method)) as kept:
        places = kept["base"]
    for side in ("base", "tuned"):
        rows = [row for row, _ in found[side]["near"]]
        scores = np.array(found[side]["scores"])
        assert scores.shape == (122,)
        assert rows == np.argsort(-scores, kind="stable")[:10].tolist()
    texts = ["", "", *(text for text, _ in texts_by_topic())]
    assert texts[found["base"]["near"][0][0]] == "Book a train to Vienna"
    spot = np.array(found["base"]["place"])
    if method == "tsne":  # at the mean of its neighbours, between them
        near = places[[row for row, _ in found["base"]["near"]]]
        assert (near.min(axis=0) - 1e-3 <= spot).all() and (spot <= near.max(axis=0) + 1e-3).all()
    else:  # the prompt that the recipe puts before a query is all that parts them
        own = places[found["base"]["near"][0][0]]
        assert np.hypot(*(spot - own)) < 0.3 * np.hypot(*(places - own).T).max()


def test_neighbours_are_the_nearest_by_cosine_in_full_space(
    encoder: Encoder, compared: ComparedRun
) -> None:
    found = encoder.neighbours(compared, [0, 57])
    for side in ("base", "tuned"):
        vectors = np.load(compared.embeddings_dir / f"{side}.npy")
        for row, near in zip((0, 57), found[side], strict=True):
            scores = vectors @ vectors[row]
            scores[row] = -1
            assert [other for other, _ in near] == np.argsort(-scores, kind="stable")[:10].tolist()
            assert [cosine for _, cosine in near] == pytest.approx(
                np.sort(scores)[::-1][:10], abs=1e-4
            )
