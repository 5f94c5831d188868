"""Cross-encoders in from the Hub: one score a pair, by a head that really is among the weights."""

import json
import re
from pathlib import Path
from typing import Any

from huggingface_hub.hf_api import ModelInfo
from safetensors import safe_open

from ststudio.conversion import with_weights
from ststudio.errors import StudioError
from ststudio.fetched_model import check_folder
from ststudio.listing import commit_of, files_of, is_private, model_info
from ststudio.model_config import ACTIVATION, tidy
from ststudio.model_files import FAMILY, PLAIN, check_parameters, choose_files, read_json
from ststudio.model_files import read_modules as read_layers
from ststudio.remote import HubAway, RemoteFile, check_id
from ststudio.settings import MB
from ststudio.shelf import ModelRef, appearing, kept, kept_model, model_folder
from ststudio.tokenizer_file import complete_tokenizers
from ststudio.transfer import download, read_small

DEFAULT_RERANKER = "cross-encoder/ms-marco-MiniLM-L6-v2"
ADVICE = f"Choose a cross-encoder that gives one score, such as {DEFAULT_RERANKER}."
HEAD_ENDING = "ForSequenceClassification"
# What the last layer of transformers' classification heads is called.
HEAD = re.compile(r"(classifier|classification_head|score)(\.out_proj)?\.weight")
SMALL_BYTES = 1 * MB
# Of sentence-transformers' own files nothing is needed: what they say of a cross-encoder is read
# here, and the folder is loaded as a plain Transformer with a head.
LEFT = re.compile(r"modules\.json|config_sentence_transformers\.json|sentence_\w+_config\.json")

Config = dict[str, Any]


def resolve_reranker(model: object, token: str | None = None) -> ModelRef:
    """Find a cross-encoder without downloading its weights; raise StudioError where it won't do."""
    repo_id = check_id(model, "model")
    try:
        info = model_info(repo_id, None, token)
    except HubAway as away:
        found = kept_model(repo_id, None, "rerankers")
        if found is None:
            raise StudioError(
                f"A cross-encoder comes from the Hub, and {repo_id} was not fetched before. "
                f"{str(away).partition('. ')[0]}. Try again in a minute; the search itself needs "
                "no cross-encoder."
            ) from None
        return found
    _, chosen = _parts(info, token)
    converted = next((file.commit for file in chosen if file.commit), None)
    total = sum(file.bytes for file in chosen)
    ref = ModelRef(repo_id, commit_of(info), "hub", total, is_private(info), converted)
    return kept(ref, "rerankers") if model_folder(ref, "rerankers").is_dir() else ref


def download_reranker(ref: ModelRef, token: str | None = None) -> Path:
    """Fetch a cross-encoder's allow-listed files, check them and its head; return their folder."""
    folder = model_folder(ref, "rerankers")
    if folder.is_dir():
        return folder
    config, chosen = _parts(model_info(ref.id, ref.revision, token), token, ref.weights_revision)
    with appearing(folder) as part:
        for file in chosen:
            commit = file.commit or ref.revision
            download("model", ref.id, commit, file, part / file.path, token)
        check_folder(part, PLAIN, ref.id)
        _check_head(part, ref.id)
        _keep_head(part, config)
        complete_tokenizers(part, PLAIN, ref.id)
    return folder


def _parts(
    info: ModelInfo, token: str | None, weights_revision: str | None = None
) -> tuple[Config, list[RemoteFile]]:
    """Read how a cross-encoder is configured, and choose its files; raise StudioError if none."""
    files, repo_id = files_of(info), info.id

    def small(path: str) -> Any:  # noqa: ANN401
        if files[path].bytes > SMALL_BYTES:
            raise StudioError(f"{repo_id}: {path} is too large. {ADVICE}")
        data = read_small("model", repo_id, commit_of(info), files[path], token)
        return data if path == "modules.json" else read_json(data, path, repo_id)

    if "config.json" not in files:
        raise StudioError(f"{repo_id} has no config.json, so it is no cross-encoder. {ADVICE}")
    if "modules.json" in files:
        _check_layers(small("modules.json"), repo_id)
    config = small("config.json")
    tidy("config.json", "Transformer", config, repo_id)
    family = small(FAMILY) if FAMILY in files else {}
    _check_config(config, family, repo_id)
    files, count = with_weights(info, PLAIN, token, weights_revision)
    if count is not None:
        check_parameters(count, repo_id)
    chosen = choose_files(files, PLAIN, repo_id)
    kept_config = {"activation_fn": _activation(config, family)}
    return kept_config, [file for file in chosen if not LEFT.fullmatch(file.path)]


def _check_layers(data: bytes, model: str) -> None:
    """Refuse what is built of more than a Transformer with its head."""
    layers = read_layers(data, model)
    if [(layer.name, layer.folder) for layer in layers] != [("Transformer", "")]:
        built = ", ".join(layer.name for layer in layers)
        raise StudioError(
            f"{model} is built of {built}: it embeds texts one by one, or scores them in a way of "
            f"its own. {ADVICE}"
        )


def _check_config(config: Config, family: object, model: str) -> None:
    """Refuse what has no head, or one that gives other than one score."""
    named = config.get("architectures") or ["nothing"]
    architecture = str(named[0] if isinstance(named, list) else named)
    if not architecture.endswith(HEAD_ENDING):
        raise StudioError(
            f"{model} has no head that scores a pair of texts: its config.json names "
            f"{architecture[:80]}, and a cross-encoder is a …{HEAD_ENDING}. {ADVICE}"
        )
    labels = _labels(config)
    if len(labels) != 1:
        names = ", ".join(labels[:5])
        raise StudioError(
            f"{model} sorts pairs into {len(labels)} classes ({names[:200]}), and hits are ranked "
            f"by one score. {ADVICE}"
        )
    if isinstance(family, dict) and family.get("default_prompt_name"):
        raise StudioError(f"{model} wants a prompt before each pair, which is not read. {ADVICE}")


def _labels(config: Config) -> list[str]:
    """Return a classifier's labels; transformers takes two where nothing is said."""
    names = config.get("id2label")
    if isinstance(names, dict) and names:
        return [str(name) for name in names.values()]
    number = config.get("num_labels", 2)
    return [f"label {place}" for place in range(number if isinstance(number, int) else 2)]


def _activation(config: Config, family: object) -> str | None:
    """Return what a score goes through, where it is one of torch's own and plain."""
    own = config.get("sentence_transformers")
    told = [
        family.get("activation_fn") if isinstance(family, dict) else None,
        own.get("activation_fn") if isinstance(own, dict) else None,
        config.get("sbert_ce_default_activation_function"),
    ]
    names = (name for name in told if isinstance(name, str) and ACTIVATION.fullmatch(name))
    return next(names, None)


def _check_head(folder: Path, model: str) -> None:
    """Refuse weights without a head of one score: the library would make one up, at random."""
    shapes: dict[str, list[int]] = {}
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as weights:
            found = [name for name in weights.keys() if HEAD.fullmatch(name)]  # noqa: SIM118
            shapes |= {name: weights.get_slice(name).get_shape() for name in found}
    if not any(shape[0] == 1 for shape in shapes.values()):
        raise StudioError(
            f"{model} says that it scores pairs, but no head that gives one score is among its "
            f"weights. {ADVICE}"
        )


def _keep_head(folder: Path, config: Config) -> None:
    """Say in the configuration that there is one score, and what it goes through."""
    path = folder / "config.json"
    told = json.loads(path.read_bytes())
    told |= {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
    if config["activation_fn"]:
        told["sentence_transformers"] = config
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False), encoding="utf-8")
