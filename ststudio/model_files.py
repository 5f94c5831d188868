"""Which files of a model's repository are taken, and how large they may be: nothing that runs."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ststudio.errors import StudioError
from ststudio.model_config import MODULE_KEYS
from ststudio.remote import RemoteFile
from ststudio.settings import MB, get_settings

TYPE = re.compile(
    r"sentence_transformers\.(models|base\.modules|sentence_transformer\.modules)(\.\w+)?\.(?P<class>\w+)"
)
FOLDER = re.compile(r"|[\w-]{1,64}", re.ASCII)
CLASSES = ("Transformer", *MODULE_KEYS)
WITH_WEIGHTS = ("Transformer", "Dense", "LayerNorm", "CNN", "StaticEmbedding")

WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
INDEX = "model.safetensors.index.json"  # of weights in several files
FAMILY = "config_sentence_transformers.json"  # of the whole model, at its root
ROOT_FILES = re.compile(r"modules\.json|config_sentence_transformers\.json")
MODULE_FILES = re.compile(
    rf"config\.json|cnn_config\.json|tokenizer\.json|vocab\.txt|{WEIGHTS.pattern}"
)
TRANSFORMER_FILES = re.compile(
    r"config\.json|sentence_(bert|roberta|distilbert|camembert|albert|xlm-roberta)_config\.json"
    r"|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json"
    r"|vocab\.txt|vocab\.json|merges\.txt|spm\.model|sentencepiece\.bpe\.model|spiece\.model"
    rf"|{re.escape(INDEX)}|{WEIGHTS.pattern}"
)
CONFIGURATION = re.compile(
    r"(config|cnn_config|sentence_[\w-]+_config|tokenizer_config|special_tokens_map|added_tokens"
    r"|config_sentence_transformers)\.json"
)
PIECES = re.compile(r"spm\.model|sentencepiece\.bpe\.model|spiece\.model")  # by SentencePiece
# Those that hold words, and what says how they are used.
TOKENIZER = re.compile(
    rf"tokenizer\.json|vocab\.txt|vocab\.json|merges\.txt|{PIECES.pattern}|modules\.json"
)
CONFIGURATION_BYTES = 1 * MB
VOCABULARY_BYTES = 64 * MB  # of one tokenizer or word list
PIECES_BYTES = 16 * MB  # the largest in use, of 256,000 pieces, are a third of that


@dataclass(frozen=True)
class Module:
    """One layer of a SentenceTransformer: its class and the folder of its files."""

    type: str
    folder: str  # "" is the repository's root

    @property
    def name(self) -> str:
        """Return the class's name."""
        return self.type.rpartition(".")[2]

    @property
    def prefix(self) -> str:
        """Return what stands before the names of its files."""
        return f"{self.folder}/" if self.folder else ""


# What sentence-transformers makes of a repository without modules.json: it adds mean pooling.
PLAIN = (Module("sentence_transformers.models.Transformer", ""),)


def read_json(data: bytes, name: str, model: str) -> Any:  # noqa: ANN401
    """Parse a small JSON file of a model, raising StudioError."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise StudioError(f"{model}: {name} is not valid JSON. Choose another model.") from None


def read_modules(data: bytes, model: str) -> tuple[Module, ...]:
    """Read modules.json, refusing every class that is not on the list."""
    entries = read_json(data, "modules.json", model)
    most = get_settings().model_modules
    if not isinstance(entries, list) or not 1 <= len(entries) <= most:
        raise StudioError(f"{model}: modules.json must list 1 to {most} modules. Choose another.")
    modules = tuple(_module(entry, model) for entry in entries)
    if len({module.folder for module in modules}) < len(modules):
        raise StudioError(f"{model}: two of its modules share a folder. Choose another model.")
    return modules


def _module(entry: object, model: str) -> Module:
    entry = entry if isinstance(entry, dict) else {}
    kind, folder = str(entry.get("type")), entry.get("path")
    found = TYPE.fullmatch(kind)
    if found is None or found["class"] not in CLASSES or entry.get("kwargs"):
        raise StudioError(
            f"{model} is built from {kind!r}, and only these modules of sentence-transformers are "
            f"loaded here: {', '.join(CLASSES)}. Choose another model."
        )
    if not isinstance(folder, str) or not FOLDER.fullmatch(folder):
        raise StudioError(f"{model}: modules.json names the folder {folder!r}. Choose another.")
    return Module(kind, folder)


def choose_files(
    files: Mapping[str, RemoteFile], modules: Iterable[Module], model: str
) -> tuple[RemoteFile, ...]:
    """Return the files to download; raise StudioError where they are too large or do not do."""
    modules = tuple(modules)
    if without_weights(files, modules):
        raise _without_safetensors(files, model)
    chosen = {path: file for path, file in files.items() if ROOT_FILES.fullmatch(path)}
    for module in modules:
        own = _files_of(module, files)
        chosen |= own
        if module.name == "Transformer":
            names = {path.removeprefix(module.prefix) for path in own}
            _check_transformer_files(names, files, model)
    _check_bytes(chosen.values(), model)
    return tuple(chosen.values())


def without_weights(files: Mapping[str, RemoteFile], modules: Iterable[Module]) -> list[Module]:
    """Return the modules that need weights and have none in safetensors."""
    folders = {
        folder
        for folder, _, name in (path.rpartition("/") for path in files)
        if WEIGHTS.fullmatch(name)
    }
    return [m for m in modules if m.name in WITH_WEIGHTS and m.folder not in folders]


def choose_tokenizer(chosen: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """Return those of a model's files that tell how it reads texts: no weights among them."""
    return tuple(file for file in chosen if _is_of_tokenizer(file))


def _is_of_tokenizer(file: RemoteFile) -> bool:
    name = file.path.rpartition("/")[2]
    small = CONFIGURATION.fullmatch(name) and file.bytes <= CONFIGURATION_BYTES
    return bool(TOKENIZER.fullmatch(name) or small)


def _files_of(module: Module, files: Mapping[str, RemoteFile]) -> dict[str, RemoteFile]:
    pattern = TRANSFORMER_FILES if module.name == "Transformer" else MODULE_FILES
    own = {
        path: file
        for path, file in files.items()
        if path.startswith(module.prefix) and pattern.fullmatch(path.removeprefix(module.prefix))
    }
    if f"{module.prefix}tokenizer.json" in own:  # which says the same
        return {path: file for path, file in own.items() if not _is_pieces(path)}
    return own


def _is_pieces(path: str) -> bool:
    return PIECES.fullmatch(path.rpartition("/")[2]) is not None


def _check_transformer_files(names: set[str], files: Mapping[str, RemoteFile], model: str) -> None:
    if "config.json" not in names:
        what = (
            "is an adapter, not a whole model"
            if "adapter_config.json" in files
            else ("has no config.json")
        )
        raise StudioError(f"{model} {what}. Choose a model that stands by itself.")
    whole = {"tokenizer.json", "vocab.txt"} & names or {"vocab.json", "merges.txt"} <= names
    if not (whole or any(map(_is_pieces, names))):
        raise StudioError(
            f"{model} has no tokenizer.json, nor a vocabulary that one can be made of (vocab.txt, "
            "vocab.json with merges.txt, spm.model, sentencepiece.bpe.model or spiece.model). "
            "Choose another model."
        )


def _without_safetensors(files: Mapping[str, RemoteFile], model: str) -> StudioError:
    if not any(path.endswith((".bin", ".pt", ".pth", ".pkl", ".ckpt")) for path in files):
        return StudioError(f"{model} holds no weights in safetensors. Choose another model.")
    return StudioError(
        f"{model} has weights only as pickles, which can run code and are not opened here, and no "
        "pull request of the Hub's conversion bot holds these as safetensors. Ask for one at the "
        "Hub's Space safetensors/convert and come back, or choose another model."
    )


def _check_bytes(files: Iterable[RemoteFile], model: str) -> None:
    limits = get_settings()
    weights = 0
    for file in files:
        name = file.path.rpartition("/")[2]
        if WEIGHTS.fullmatch(name):
            weights += file.bytes
        elif file.bytes > _most_bytes(file.path):
            raise StudioError(f"{model}: {name} is too large ({file.bytes / MB:,.0f} MB).")
    if weights > limits.model_bytes:
        raise StudioError(
            f"{model} weighs {weights / MB:,.0f} MB; up to {limits.model_bytes / MB:,.0f} MB can "
            "be trained here. Choose a smaller model, or duplicate this Space and raise the limit."
        )


def _most_bytes(path: str) -> int:
    """Tell configurations from word lists (a bag of words keeps its own in config.json)."""
    folder, _, name = path.rpartition("/")
    if PIECES.fullmatch(name):
        return PIECES_BYTES
    words = folder and name == "config.json"
    return CONFIGURATION_BYTES if CONFIGURATION.fullmatch(name) and not words else VOCABULARY_BYTES


def check_parameters(parameters: int, model: str) -> None:
    """Refuse a model with more parameters than the limit."""
    most = get_settings().model_parameters
    if parameters > most:
        raise StudioError(
            f"{model} has {parameters / 1e6:,.0f} million parameters; up to {most / 1e6:,.0f} "
            "million can be trained here. Choose a smaller model, or duplicate this Space."
        )
