"""Models that were built from zero leave this machine, and come back as anyone's base model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from ststudio.data.cases import CASES
from ststudio.fetch import download_model, resolve_model
from ststudio.hub.push import push
from ststudio.shelf import packaged_model
from ststudio.training import zero
from ststudio.training.recipe import Recipe
from tests.hub.server import Hub
from tests.push.conftest import ALICE, MakeRun
from tests.training.built import KINDS
from tests.training.samples import examples_of

TEXTS = ["the printer blinks red", "paper will not feed"]


@pytest.mark.parametrize(
    "name",
    [n if n in ("static", "cnn") else pytest.param(n, marks=pytest.mark.slow) for n in KINDS],
)
def test_a_built_model_is_pushed_checked_and_fetched_again(
    name: str, hub: Hub, make_run: MakeRun, tmp_path: Path
) -> None:
    packaged = packaged_model()
    assert packaged is not None
    source = {"kind": "builtin", "id": "sample-pair"}
    asked = {"source": source, "modules": KINDS[name]}
    recipe = Recipe.from_json(asked).derived(CASES["pair"])
    zero.build(packaged, recipe, examples_of("pair"), tmp_path / "built")
    facts = {"id": "built from zero", "revision": None, "origin": "zero"}
    run = make_run(tmp_path / "built", recipe=recipe.to_json(), base_model=facts)

    pushed = push(run, ALICE, "from-zero")

    assert pushed["verified"]
    folder = download_model(resolve_model("alice/from-zero", ALICE), token=ALICE)
    back, here = (
        SentenceTransformer(str(path), device="cpu", local_files_only=True)
        for path in (folder, run.model_dir)
    )
    np.testing.assert_array_equal(back.encode(TEXTS), here.encode(TEXTS))
    readme = hub.repo("model", "alice/from-zero").file("README.md").data.decode()
    assert "base_model" not in readme.split("---")[1]
