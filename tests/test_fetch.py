"""Models from the Hub: found, refused, fetched, tidied, and loaded by the real library."""

import json
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ststudio import remote
from ststudio.errors import StudioError
from ststudio.fetch import (
    DEFAULT_MODEL,
    download_model,
    download_tokenizer,
    hub,
    resolve_model,
)
from ststudio.settings import get_settings
from ststudio.shelf import PACKAGED_REVISION
from tests.hub.server import Hub

Files = dict[str, bytes]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def as_json(value: object) -> bytes:
    """Write JSON into bytes."""
    return json.dumps(value).encode()


def weights(*shapes: tuple[int, ...]) -> bytes:
    """Write a safetensors file of zeros."""
    header, end = {}, 0
    for number, shape in enumerate(shapes):
        size = 4
        for side in shape:
            size *= side
        header[f"w{number}"] = {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [end, end + size],
        }
        end += size
    text = as_json(header)
    return struct.pack("<Q", len(text)) + text + bytes(end)


CONFIG = {"model_type": "bert", "vocab_size": 100, "hidden_size": 32, "num_hidden_layers": 1}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
PLAIN: Files = {
    "README.md": b"---\nlicense: mit\n---\n",
    "config.json": as_json(CONFIG),
    "tokenizer.json": b"{}",
    "model.safetensors": weights((100, 32), (32, 32)),
    "pytorch_model.bin": b"a pickle",
    "modeling_bert.py": b"raise SystemExit",
}
MODEL: Files = PLAIN | {
    "modules.json": as_json(MODULES),
    "1_Pooling/config.json": as_json({"word_embedding_dimension": 32}),
    "sentence_bert_config.json": as_json({"max_seq_length": 64, "do_lower_case": False}),
}


@pytest.fixture
def server(own_hub: Hub) -> Hub:
    """Return a Hub with one person and one model."""
    own_hub.add_repo("model", "alice/tiny", MODEL)
    return own_hub


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change settings by their names in capitals."""

    def change(**values: int) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"STSTUDIO_{name}", str(value))
        get_settings.cache_clear()

    return change


def files_in(folder: Path) -> set[str]:
    """List a folder's files."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_default_model_needs_no_network(server: Hub) -> None:
    ref = resolve_model(DEFAULT_MODEL)

    assert (ref.origin, ref.revision) == ("packaged", PACKAGED_REVISION)
    assert (download_model(ref) / "model.safetensors").stat().st_size == ref.bytes
    assert server.requests == []


def test_a_model_is_pinned_checked_and_fetched_once(server: Hub) -> None:
    ref = resolve_model("alice/tiny")
    assert ref.origin == "hub" and ref.revision == server.repo("model", "alice/tiny").resolve().sha
    assert not any(request.path.endswith(".safetensors") for request in server.requests)

    seen: list[tuple[int, int]] = []
    folder = download_model(ref, lambda done, total: seen.append((done, total)))

    assert files_in(folder) == set(MODEL) - {"README.md", "pytorch_model.bin", "modeling_bert.py"}
    assert seen[-1] == (ref.bytes, ref.bytes) and seen == sorted(seen)
    count = len(server.requests)
    assert resolve_model({"id": "alice/tiny", "revision": ref.revision}).origin == "cache"
    assert download_model(ref) == folder
    # The second look is the visitor's own right to read; nothing is fetched again.
    assert not any(r.path.endswith(".safetensors") for r in server.requests[count:])
    assert [path.name for path in folder.parent.iterdir()] == [ref.revision]


def test_a_plain_transformer_will_do(server: Hub) -> None:
    server.add_repo("model", "alice/plain", PLAIN)
    folder = download_model(resolve_model("alice/plain"))
    assert files_in(folder) == {"config.json", "tokenizer.json", "model.safetensors"}


def test_a_transformer_in_a_folder_of_its_own(server: Hub) -> None:
    inside = {f"0_Transformer/{path}": data for path, data in PLAIN.items()}
    inside["0_Transformer/sentence_roberta_config.json"] = as_json({"max_seq_length": 64})
    modules = [MODULES[0] | {"path": "0_Transformer"}, MODULES[1]]
    root = {
        "modules.json": as_json(modules),
        "1_Pooling/config.json": MODEL["1_Pooling/config.json"],
        "config_sentence_transformers.json": as_json({"prompts": {"query": "q: "}, "x": 1}),
    }
    server.add_repo("model", "alice/old", inside | root)
    folder = download_model(resolve_model("alice/old"))

    assert (folder / "0_Transformer" / "sentence_roberta_config.json").is_file()
    family = json.loads((folder / "config_sentence_transformers.json").read_text())
    assert family == {"prompts": {"query": "q: "}}


def test_a_tokenizer_comes_without_the_weights_once_and_tidied(server: Hub) -> None:
    family = {"prompts": {"query": "q: "}, "unknown": 1}
    more = {"vocab.txt": b"[UNK]", "config_sentence_transformers.json": as_json(family)}
    server.add_repo("model", "alice/tiny", MODEL | more)
    ref = resolve_model("alice/tiny")
    folder = download_tokenizer(ref)

    assert files_in(folder) == {
        "modules.json", "config.json", "tokenizer.json", "vocab.txt", "sentence_bert_config.json",
        "1_Pooling/config.json", "config_sentence_transformers.json",
    }  # fmt: skip
    kept = json.loads((folder / "config_sentence_transformers.json").read_text())
    assert kept == {"prompts": {"query": "q: "}}
    assert not any(request.path.endswith(".safetensors") for request in server.requests)
    count = len(server.requests)
    assert download_tokenizer(ref) == folder
    assert len(server.requests) == count

    whole = download_model(ref)
    assert download_tokenizer(ref) == whole != folder


def test_a_private_tokenizer_lies_apart(server: Hub) -> None:
    server.add_repo("model", "alice/mine", MODEL, private=True)
    folder = download_tokenizer(resolve_model("alice/mine", "hf_alice"), "hf_alice")
    assert "private-tokenizers" in folder.parts


def test_what_was_fetched_serves_while_the_hub_is_away(server: Hub) -> None:
    ref = resolve_model("alice/tiny")
    folder = download_model(ref)
    server.add_repo("model", "alice/mine", MODEL, private=True)
    download_model(resolve_model("alice/mine", "hf_alice"), token="hf_alice")
    server.close()

    kept = resolve_model("alice/tiny")
    assert (kept.origin, kept.revision, download_model(kept)) == ("cache", ref.revision, folder)
    for other in ("alice/mine", "alice/other", {"id": "alice/tiny", "revision": COMMIT}):
        with pytest.raises(StudioError, match="cannot be reached"):
            resolve_model(other)


def test_private_and_gated_models(server: Hub) -> None:
    server.add_user("bob", "hf_bob")
    server.add_repo("model", "alice/mine", MODEL, private=True)
    server.add_repo("model", "alice/gated", MODEL, gated=True)
    for token in (None, "hf_bob"):
        with pytest.raises(StudioError, match="Check the spelling"):
            resolve_model("alice/mine", token)
        with pytest.raises(StudioError, match="gated"):
            resolve_model("alice/gated", token)
    with pytest.raises(StudioError, match="does not accept this token"):
        resolve_model("alice/tiny", "hf_nobody")
    with pytest.raises(StudioError, match="not a Hub token"):
        resolve_model("alice/tiny", "hf_\nx")
    for name in ("alice/mine", "alice/gated"):
        folder = download_model(resolve_model(name, "hf_alice"), token="hf_alice")
        assert (folder / "model.safetensors").is_file()


def without(*paths: str) -> Files:
    """Give the model without some files."""
    return {path: data for path, data in MODEL.items() if path not in paths}


def changed(path: str, **values: object) -> Files:
    """Give the model with values set in one of its configurations."""
    return MODEL | {path: as_json(json.loads(MODEL.get(path, b"{}")) | values)}


def with_module(kind: object, path: object = "2_X", **more: object) -> Files:
    """Give the model with one more module."""
    return MODEL | {"modules.json": as_json([*MODULES, {"type": kind, "path": path} | more])}


DENSE = "sentence_transformers.models.Dense"
REFUSED: dict[str, tuple[Files, str]] = {
    "pickles only": (without("model.safetensors"), "only as pickles.+safetensors/convert"),
    "no weights": (without("model.safetensors", "pytorch_model.bin"), "no weights in safetensors"),
    "no configuration": (without("config.json"), "no config.json"),
    "no tokenizer": (without("tokenizer.json"), "no tokenizer.json"),
    "an adapter": (
        without("config.json") | {"adapter_config.json": b"{}"},
        "is an adapter, not a whole model",
    ),
    "code in a module": (with_module("modeling_bert.Evil"), "only these modules.+Transformer"),
    "code beside": (with_module("os.path.Transformer"), "only these modules"),
    "another module": (with_module("sentence_transformers.models.LSTM"), "only these modules"),
    "a router": (with_module("sentence_transformers.base.modules.router.Router"), "only these"),
    "a module's keywords": (with_module(DENSE, kwargs=["task"]), "only these modules"),
    "a folder outside": (with_module(DENSE, "../../etc"), "names the folder"),
    "a folder elsewhere": (with_module(DENSE, "/etc"), "names the folder"),
    "no folder": (with_module(DENSE, None), "names the folder"),
    "a shared folder": (with_module(DENSE, ""), "share a folder"),
    "too many modules": (MODEL | {"modules.json": as_json(MODULES * 5)}, "1 to 8 modules"),
    "no list of modules": (MODEL | {"modules.json": b"{}"}, "1 to 8 modules"),
    "no modules at all": (MODEL | {"modules.json": b"[]"}, "1 to 8 modules"),
    "broken modules": (MODEL | {"modules.json": b"[{"}, "not valid JSON"),
    "deep modules": (MODEL | {"modules.json": b"[" * 50_000}, "not valid JSON"),
    "a dense layer without weights": (with_module(DENSE), "pickles"),
    "its own code": (changed("config.json", auto_map={"AutoModel": "m.M"}), "auto_map"),
    "quantised": (changed("config.json", quantization_config={"a": 1}), "quantization_config"),
    "a vision model": (changed("config.json", model_type="clip"), "'clip'.+bert"),
    "no type": (changed("config.json", model_type=None), "None"),
    "a list for a configuration": (MODEL | {"config.json": b"[]"}, "holds no configuration"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_models_refused_before_any_download(name: str, server: Hub) -> None:
    files, words = REFUSED[name]
    server.add_repo("model", "alice/bad", files)
    started = time.monotonic()
    with pytest.raises(StudioError, match=words) as caught:
        resolve_model("alice/bad")
    assert time.monotonic() - started < 5
    assert "alice/bad" in str(caught.value)
    assert not any(request.path.endswith(".safetensors") for request in server.requests)


def lying(header: object, size: int = 0) -> bytes:
    """Write a safetensors file whose header says something."""
    text = as_json(header)
    return struct.pack("<Q", len(text)) + text + bytes(size)


def with_dense(**config: object) -> Files:
    """Give the model with a dense layer of 32 times 8 weights."""
    files = with_module(DENSE, "2_Dense")
    plain = {"in_features": 32, "out_features": 8}
    return files | {
        "2_Dense/config.json": as_json(plain | config),
        "2_Dense/model.safetensors": weights((32, 8)),
    }


HUGE = {"w": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 8]}}
REFUSED_ONCE_HERE: dict[str, tuple[Files, str]] = {
    "a wide configuration": (changed("config.json", hidden_size=50_000), "describes .+ million"),
    "a large vocabulary": (changed("config.json", vocab_size=10**9), "describes"),
    "endless positions": (changed("config.json", max_position_embeddings=10**8), "describes"),
    "a thousand layers": (changed("config.json", num_hidden_layers=1_000), "describes"),
    "wide heads": (
        changed("config.json", head_dim=10**6, num_attention_heads=64),
        "describes",
    ),
    "a header with more": (MODEL | {"model.safetensors": lying(HUGE, 8)}, "million parameters"),
    "a broken header": (MODEL | {"model.safetensors": b"\xff" * 100}, "damaged"),
    "a header of nonsense": (with_dense() | {"2_Dense/model.safetensors": lying([])}, "damaged"),
    "a deep header": (
        with_dense() | {"2_Dense/model.safetensors": struct.pack("<Q", 50_000) + b"[" * 50_000},
        "damaged",
    ),
    "cut weights": (
        MODEL | {"model.safetensors": MODEL["model.safetensors"][:-8]},
        "damaged",
    ),
    "a tokenizer's own code": (
        changed("tokenizer_config.json", auto_map={"AutoTokenizer": ["t.T", None]}),
        "auto_map",
    ),
    "keywords for the model": (
        changed("sentence_bert_config.json", model_args={"attn_implementation": "x/kernel"}),
        "model_args",
    ),
    "another tokenizer": (
        changed("sentence_bert_config.json", tokenizer_name_or_path="/etc"),
        "tokenizer_name_or_path",
    ),
    "another task": (
        changed("sentence_bert_config.json", transformer_task="text-generation"),
        "a task other than embedding",
    ),
    "another method": (
        changed(
            "sentence_bert_config.json",
            modality_config={"text": {"method": "save_pretrained", "method_output_name": "x"}},
        ),
        "inputs other than text",
    ),
    "a cross-encoder": (
        changed("config_sentence_transformers.json", model_type="CrossEncoder"),
        "not a SentenceTransformer",
    ),
    "prompts of megabytes": (
        changed("config_sentence_transformers.json", prompts={"query": "x" * 100_000}),
        "prompts",
    ),
    "an activation from elsewhere": (
        with_dense(activation_function="os.system"),
        "not one of torch's own",
    ),
    "an activation that is no layer": (
        with_dense(activation_function="torch.load"),
        "not one of torch's own",
    ),
    "a dense layer wider than its weights": (
        with_dense(out_features=10**6),
        "Dense configuration describes",
    ),
    "an index of other files": (
        MODEL | {"model.safetensors.index.json": as_json({"weight_map": {"a": "../../x"}})},
        "names files that are not there",
    ),
}


@pytest.mark.parametrize("name", REFUSED_ONCE_HERE)
def test_models_refused_once_they_are_here(name: str, server: Hub) -> None:
    files, words = REFUSED_ONCE_HERE[name]
    server.add_repo("model", "alice/bad", files)
    with pytest.raises(StudioError, match=words):
        download_model(resolve_model("alice/bad"))
    assert files_in(get_settings().folder) == set()


def test_large_models_are_refused_with_the_limit(server: Hub, limits: Callable[..., None]) -> None:
    limits(MODEL_PARAMETERS=4_000)
    with pytest.raises(StudioError, match="million parameters; up to"):
        resolve_model("alice/tiny")
    limits(MODEL_BYTES=1_000)
    with pytest.raises(StudioError, match="Choose a smaller model"):
        resolve_model("alice/tiny")
    limits(MODEL_BYTES=10**9, MODEL_PARAMETERS=10**9)
    server.add_repo("model", "alice/tiny", {"tokenizer_config.json": b" " * 2_000_000})
    with pytest.raises(StudioError, match="tokenizer_config.json is too large"):
        resolve_model("alice/tiny")


def test_configurations_keep_known_keys_only(server: Hub) -> None:
    server.add_repo(
        "model",
        "alice/keys",
        with_dense(activation_function="torch.nn.modules.activation.Tanh", extra=1)
        | changed(
            "config.json",
            _name_or_path="/home/x",
            attn_implementation="x/kernel",
            auto_map=None,
            id2label={"0": "A"},
        )
        | {
            "modules.json": with_dense()["modules.json"],
            "tokenizer_config.json": as_json(
                {"name_or_path": "/x", "tokenizer_file": "/x", "model_max_length": 64}
            ),
        },
    )
    folder = download_model(resolve_model("alice/keys"))

    def read(path: str) -> Any:  # noqa: ANN401
        return json.loads((folder / path).read_text())

    assert read("config.json") == CONFIG
    assert read("tokenizer_config.json") == {"model_max_length": 64}
    assert set(read("2_Dense/config.json")) == {
        "in_features",
        "out_features",
        "activation_function",
    }


@pytest.mark.parametrize(
    "name",
    ["", " ", "..", "/etc/passwd", "./tiny", "a/b/c", "a//b", "alice/tiny\n/x", "http://x/y",
     "alice/../tiny", "-x-/y", "x" * 200, None, 3, {"id": "../x"}, {"path": "x"}],
)  # fmt: skip
def test_an_id_is_never_a_path(name: Any, server: Hub) -> None:  # noqa: ANN401
    with pytest.raises(StudioError):
        resolve_model(name)
    assert server.requests == []


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("alice/missing", "Check the spelling"),
        ("missing", "Check the spelling"),
        ({"id": "alice/tiny", "revision": "nowhere"}, "no such revision"),
        ({"id": "alice/tiny", "revision": 3}, "A revision is"),
    ],
)
def test_unknown_models_are_explained(model: Any, words: str, server: Hub) -> None:  # noqa: ANN401
    with pytest.raises(StudioError, match=words):
        resolve_model(model)


def test_a_broken_download_leaves_nothing(server: Hub) -> None:
    ref = resolve_model("alice/tiny")
    server.fail("model.safetensors", status=500, times=2)
    with pytest.raises(StudioError, match=r"error \(500\)"):
        download_model(ref)
    assert files_in(get_settings().folder) == set()

    server.fail("model.safetensors", truncate=True)  # got over by asking for the rest
    assert (download_model(ref) / "model.safetensors").read_bytes() == MODEL["model.safetensors"]


def test_every_call_has_a_time_limit(server: Hub, limits: Callable[..., None]) -> None:
    limits(HUB_SECONDS=1)
    server.fail("/api/whoami", hang_seconds=5)
    started = time.monotonic()
    with pytest.raises(StudioError, match="within 1 s"):
        remote.ask(lambda: hub("hf_alice").whoami(), "your account")
    assert time.monotonic() - started < 3


def test_no_token_of_this_machine_is_sent(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    resolve_model("alice/tiny")
    assert not any(request.authorized for request in server.requests)


def test_a_fetched_model_is_the_same_model(server: Hub, tmp_path: Path) -> None:
    # Imported here: the rest of this file stays as light as the app.
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(0)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "sat"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    config = BertConfig(
        vocab_size=9, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=32,
    )  # fmt: skip
    BertModel(config).save_pretrained(tmp_path / "bert")
    BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "bert")
    layers = [
        modules.Transformer(str(tmp_path / "bert"), max_seq_length=16),
        modules.Pooling(16),
        modules.Dense(16, 8),
        modules.Normalize(),
    ]
    model = SentenceTransformer(modules=layers, device="cpu", prompts={"query": "a "})
    model.save(str(tmp_path / "model"))
    server.add_repo("model", "alice/real", tmp_path / "model")

    folder = download_model(resolve_model("alice/real"))
    again = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    texts = ["a cat sat", "a dog"]
    assert (again.encode(texts) == model.encode(texts)).all()
    assert again.prompts["query"] == "a " and again.max_seq_length == 16
