"""What a run does inside its worker: bucketed, and only the words in use among its weights."""

import time
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from torch import nn

from ststudio.data.cases import CASES
from ststudio.data.examples import Examples
from ststudio.runs.store import RunStore
from ststudio.training.live import Live
from ststudio.training.recipe import Recipe
from ststudio.training.train import fine_tune
from ststudio.training.trainer import Trainer
from tests.training.tiny import tiny_model


def tuned(
    folder: Path, examples: Examples, **asked: Any
) -> tuple[Trainer, SentenceTransformer, list[tuple[int, ...]]]:
    """Fine-tune a tiny model for two steps; return also the shapes that went through it."""
    source = {"kind": "builtin", "id": "sample-pair"}
    recipe = Recipe(source, max_steps=2, eval_steps=2, **asked).derived(CASES["pair"])
    run, _ = RunStore(folder).create(recipe.to_json(), {})
    if "guide" in recipe.loss_settings:
        tiny_model(folder / "raw", kind="mpnet").save_pretrained(str(folder / "guide"))
        run.write_guide(folder / "guide")
    model = tiny_model(folder / "tiny")
    shapes = []
    model[0].register_forward_hook(
        lambda module, args, _: (
            shapes.append(tuple(args[0]["input_ids"].shape)) if module.training else None
        )
    )
    live = Live(run, CASES["pair"].metric, recipe, keeps_best=True)
    return fine_tune(run, recipe, CASES["pair"], model, examples, live), model, shapes


def weights(trainer: Trainer) -> int:
    groups = trainer.optimizer.param_groups
    return sum(weight.numel() for group in groups for weight in group["params"])


def test_a_step_is_one_pass_without_padding_and_moves_only_the_words_in_use(
    tmp_path: Path, examples: Examples
) -> None:
    before = tiny_model(tmp_path / "base")[0].model.get_input_embeddings().weight
    trainer, model, shapes = tuned(tmp_path, examples)
    assert [texts for texts, _ in shapes] == [1, 1]  # two steps; 32 texts end to end in each
    whole = model[0].model.get_input_embeddings()
    assert type(whole) is nn.Embedding
    moved = int(((whole.weight - before).abs().sum(1) > 0).sum())
    assert 50 < moved < 5_000
    assert weights(trainer) < sum(weight.numel() for weight in model.parameters()) / 2
    assert "forward" not in vars(model) and not model.training

    model.train()
    columns, _ = trainer.collect_features(next(iter(trainer.get_train_dataloader())))
    assert [len(column["sentence_embedding"]) for column in columns] == [16, 16]


def test_weight_decay_reaches_every_word(tmp_path: Path, examples: Examples) -> None:
    trainer, model, _ = tuned(tmp_path, examples, weight_decay=0.01)
    assert weights(trainer) == sum(weight.numel() for weight in model.parameters())


def test_a_guide_looks_on_and_learns_nothing(tmp_path: Path, examples: Examples) -> None:
    trainer, model, _ = tuned(tmp_path, examples, loss="GISTEmbedLoss")
    guide = trainer.loss.guide
    assert guide is not model and not guide.training
    assert not any(weight.requires_grad for weight in guide.parameters())
    learns = {id(w) for group in trainer.optimizer.param_groups for w in group["params"]}
    assert not learns & {id(weight) for weight in guide.parameters()}
    assert trainer.state.global_step == 2


def test_the_last_step_is_told_wherever_a_run_ends(tmp_path: Path, examples: Examples) -> None:
    source = {"kind": "builtin", "id": "sample-pair"}
    recipe = Recipe(source, max_steps=40, eval_steps=40).derived(CASES["pair"])
    run, _ = RunStore(tmp_path).create(recipe.to_json(), {})
    model = tiny_model(tmp_path / "tiny")

    class Stop(Live):
        def on_step_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
            super().on_step_begin(args, state, control, **rest)
            self.written = time.monotonic()  # as if the state had just been written
            if state.global_step == 4:
                run.ask_to_stop()

    live = Stop(run, CASES["pair"].metric, recipe, keeps_best=True)
    trainer = fine_tune(run, recipe, CASES["pair"], model, examples, live)
    assert trainer.state.global_step == 5 == run.state["step"]
