"""Weights converted by the Hub's bot: found, pinned, and nobody else's taken for them."""

from pathlib import Path

import pytest

from ststudio.conversion import BOT
from ststudio.errors import StudioError
from ststudio.fetch import download_model, download_tokenizer, resolve_model
from ststudio.remote import HubAway
from ststudio.shelf import ModelRef
from tests.hub.server import Hub
from tests.test_fetch import (  # two of them are fixtures
    DENSE,
    MODEL,
    as_json,
    changed,
    files_in,
    limits,  # noqa: F401
    server,  # noqa: F401
    weights,
    with_module,
    without,
)

NAME = "alice/old"
PICKLED = without("model.safetensors")
CONVERTED = {"model.safetensors": weights((100, 32), (64, 32))}


@pytest.fixture
def hub(server: Hub) -> Hub:  # noqa: F811
    """Serve a model whose weights are a pickle."""
    server.add_repo("model", NAME, PICKLED)
    return server


def weights_of(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def refused(words: str = "only as pickles.+conversion bot.+safetensors/convert") -> None:
    with pytest.raises(StudioError, match=words) as caught:
        resolve_model(NAME)
    assert NAME in str(caught.value)


def test_the_bot_s_conversion_is_found_and_both_commits_are_pinned(hub: Hub) -> None:
    main = hub.repo("model", NAME).resolve().sha
    pull = hub.add_pull_request(NAME, CONVERTED, BOT)
    ref = resolve_model(NAME)

    assert (ref.revision, ref.weights_revision) == (main, pull)
    assert ref.pin() == {"id": NAME, "revision": main, "weights_revision": pull}
    folder = download_model(ref)
    assert weights_of(folder) == CONVERTED["model.safetensors"]
    assert files_in(folder) == {
        "config.json", "model.safetensors", "modules.json", "sentence_bert_config.json",
        "1_Pooling/config.json", "tokenizer.json",
    }  # fmt: skip
    assert ref.bytes == sum(len((PICKLED | CONVERTED)[path]) for path in files_in(folder))


def test_a_recipe_finds_the_same_conversion_again(hub: Hub) -> None:
    first = hub.add_pull_request(NAME, CONVERTED, BOT)
    ref = resolve_model(NAME)
    hub.add_pull_request(NAME, {"model.safetensors": weights((9, 9))}, BOT)  # asked for twice
    hub.add_repo("model", NAME, {"README.md": b"new", **CONVERTED})  # merged, and more

    plain = {"id": NAME, "revision": ref.revision}
    for recipe in (plain, ref.pin()):
        again = resolve_model(recipe)
        assert (again.revision, again.weights_revision) == (ref.revision, first)
    assert resolve_model(NAME).weights_revision is None  # main has weights of its own now
    with pytest.raises(StudioError, match="no longer at 'ffff.+Leave weights_revision out"):
        resolve_model(plain | {"weights_revision": "f" * 40})


def test_a_merged_conversion_serves_the_commits_before_it(hub: Hub) -> None:
    main = hub.repo("model", NAME).resolve().sha
    pull = hub.add_pull_request(NAME, CONVERTED, BOT, status="merged")
    hub.add_repo("model", NAME, CONVERTED)
    assert resolve_model({"id": NAME, "revision": main}).weights_revision == pull


@pytest.mark.parametrize("author", ["mallory", BOT.lower(), f"{BOT}-", "deleted"])
def test_nobody_else_s_pull_request_is_taken_for_the_bot_s(hub: Hub, author: str) -> None:
    hub.add_pull_request(NAME, CONVERTED, author)
    refused()
    pull = hub.add_pull_request(NAME, CONVERTED, BOT)
    assert resolve_model(NAME).weights_revision == pull
    assert not any("/pr" in request.path and "pr%2F1" in request.path for request in hub.requests)


@pytest.mark.parametrize("status", ["closed", "draft"])
def test_a_conversion_that_was_turned_down_is_not_used(hub: Hub, status: str) -> None:
    hub.add_pull_request(NAME, CONVERTED, BOT, status=status)
    refused()


def test_only_weights_are_taken_from_the_bot_s_pull_request(hub: Hub) -> None:
    more = {
        "config.json": changed("config.json", hidden_size=8)["config.json"],
        "tokenizer.json": b'{"other": 1}',
        "tokenizer_config.json": as_json({"do_lower_case": True}),
        "modeling_bert.py": b"raise SystemExit(1)",
        "adapter_model.safetensors": weights((1, 1)),
        "2_Dense/model.safetensors": weights((1, 1)),
    }
    hub.add_pull_request(NAME, CONVERTED | more, BOT)
    folder = download_model(resolve_model(NAME))

    assert "tokenizer_config.json" not in files_in(folder)
    assert not {path for path in files_in(folder) if path.endswith((".py", ".bin"))}
    assert (folder / "tokenizer.json").read_bytes() == MODEL["tokenizer.json"]
    assert b'"hidden_size": 32' in (folder / "config.json").read_bytes()
    assert {path for path in files_in(folder) if "safetensors" in path} == {"model.safetensors"}


def test_weights_converted_from_other_pickles_are_not_these(hub: Hub) -> None:
    hub.add_pull_request(NAME, CONVERTED, BOT)
    hub.add_repo("model", NAME, {"README.md": b"words about it"})
    assert resolve_model(NAME).weights_revision
    hub.add_repo("model", NAME, {"pytorch_model.bin": b"trained on"})
    refused()


def test_a_conversion_in_several_files_comes_with_its_index(hub: Hub) -> None:
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"weight_map": {"w0": shards[0], "w1": shards[1]}}
    files = {
        shards[0]: weights((100, 32)),
        shards[1]: weights((64, 32)),
        "model.safetensors.index.json": as_json(index),
    }
    hub.add_pull_request(NAME, files, BOT)
    assert set(files) < files_in(download_model(resolve_model(NAME)))


def test_a_module_that_the_bot_left_out_is_still_missing(hub: Hub) -> None:
    dense = with_module(DENSE, "2_Dense")
    files = {**dense, "2_Dense/config.json": b"{}", "2_Dense/pytorch_model.bin": b"a pickle"}
    files.pop("model.safetensors")
    hub.add_repo("model", NAME, files)
    hub.add_pull_request(NAME, CONVERTED, BOT)
    refused()


def test_a_conversion_whose_commits_were_deleted_is_passed_over(hub: Hub) -> None:
    hub.add_pull_request(NAME, CONVERTED, BOT, status="merged")
    del hub.repo("model", NAME).refs["refs/pr/1"]
    refused()
    pull = hub.add_pull_request(NAME, CONVERTED, BOT)
    assert resolve_model(NAME).weights_revision == pull


def test_a_conversion_that_moves_after_it_was_found_is_fetched_where_it_was(hub: Hub) -> None:
    pull = hub.add_pull_request(NAME, CONVERTED, BOT)
    ref = resolve_model(NAME)
    hub.add_repo("model", NAME, {"model.safetensors": weights((3, 3))}, branch="refs/pr/1")
    assert weights_of(download_model(ref)) == CONVERTED["model.safetensors"]
    with pytest.raises(StudioError, match=f"no longer at '{pull}'"):
        resolve_model(ref.pin())
    moved = resolve_model(NAME)
    assert (moved.origin, moved.revision) == ("hub", ref.revision)
    assert moved.weights_revision != pull  # and it is not taken for what was fetched before


def test_discussions_that_are_switched_off_hold_no_conversion(hub: Hub) -> None:
    hub.add_pull_request(NAME, CONVERTED, BOT)
    hub.fail("/discussions", status=403, times=None)
    refused()


def test_a_hub_that_fails_while_asked_is_not_a_model_without_weights(hub: Hub) -> None:
    hub.fail("/discussions", status=500, times=None)
    with pytest.raises(HubAway, match="conversions of the model 'alice/old'"):
        resolve_model(NAME)


def test_a_conversion_that_is_too_large_is_refused_before_it_is_fetched(
    hub: Hub,
    limits,  # noqa: F811, ANN001
) -> None:
    hub.add_pull_request(NAME, CONVERTED, BOT)
    limits(MODEL_PARAMETERS=5_000)
    refused("million parameters")
    assert not any(request.path.endswith(".safetensors") for request in hub.requests)


def test_what_was_converted_serves_while_the_hub_is_away(hub: Hub) -> None:
    hub.add_pull_request(NAME, CONVERTED, BOT)
    ref = resolve_model(NAME)
    folder = download_model(ref)
    assert resolve_model(ref.pin()).origin == "cache"
    hub.close()

    for name in (NAME, ref.pin()):
        kept = resolve_model(name)
        assert (kept.origin, kept.pin()) == ("cache", ref.pin())
        assert download_model(kept) == folder
    with pytest.raises(StudioError, match="no longer"):
        resolve_model(ref.pin() | {"weights_revision": "f" * 40})


def test_a_tokenizer_needs_no_weights_of_a_conversion(hub: Hub) -> None:
    hub.add_pull_request(NAME, CONVERTED, BOT)
    folder = download_tokenizer(resolve_model(NAME))
    assert "model.safetensors" not in files_in(folder) and "tokenizer.json" in files_in(folder)


def test_a_model_with_weights_of_its_own_asks_for_no_conversion(hub: Hub) -> None:
    ref: ModelRef = resolve_model("alice/tiny")
    assert set(ref.pin()) == {"id", "revision"}
    assert not any("discussions" in request.path for request in hub.requests)
