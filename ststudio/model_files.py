"""Which files of a model's repository are taken, and what they may hold: nothing that runs."""

import json
import math
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ststudio.errors import StudioError
from ststudio.model_config import MODULE_KEYS, tidy
from ststudio.model_shape import check_shape
from ststudio.remote import RemoteFile
from ststudio.settings import MB, get_settings

TYPE = re.compile(
    r"sentence_transformers\.(models|base\.modules|sentence_transformer\.modules)(\.\w+)?\.(?P<class>\w+)"
)
FOLDER = re.compile(r"|[\w-]{1,64}", re.ASCII)
CLASSES = ("Transformer", *MODULE_KEYS)
WITH_WEIGHTS = ("Transformer", "Dense", "LayerNorm", "CNN", "StaticEmbedding")

WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
FAMILY = "config_sentence_transformers.json"  # of the whole model, at its root
ROOT_FILES = re.compile(r"modules\.json|config_sentence_transformers\.json")
MODULE_FILES = re.compile(
    rf"config\.json|cnn_config\.json|tokenizer\.json|vocab\.txt|{WEIGHTS.pattern}"
)
TRANSFORMER_FILES = re.compile(
    r"config\.json|sentence_(bert|roberta|distilbert|camembert|albert|xlm-roberta)_config\.json"
    r"|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json"
    rf"|vocab\.txt|vocab\.json|merges\.txt|model\.safetensors\.index\.json|{WEIGHTS.pattern}"
)
CONFIGURATION = re.compile(
    r"(config|cnn_config|sentence_[\w-]+_config|tokenizer_config|special_tokens_map|added_tokens"
    r"|config_sentence_transformers)\.json"
)
TOKENIZER = re.compile(r"tokenizer\.json|vocab\.txt|modules\.json")  # and what says how it is used
CONFIGURATION_BYTES = 1 * MB
VOCABULARY_BYTES = 64 * MB  # of one tokenizer or word list
HEADER_BYTES = 10 * MB  # of one safetensors file


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
    chosen = {path: file for path, file in files.items() if ROOT_FILES.fullmatch(path)}
    for module in modules:
        own = _files_of(module, files)
        chosen |= own
        names = {path.removeprefix(module.prefix) for path in own}
        if module.name in WITH_WEIGHTS and not any(WEIGHTS.fullmatch(name) for name in names):
            raise _without_safetensors(files, model)
        if module.name == "Transformer":
            _check_transformer_files(names, files, model)
    _check_bytes(chosen.values(), model)
    return tuple(chosen.values())


def choose_tokenizer(chosen: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """Return those of a model's files that tell how it reads texts: no weights among them."""
    return tuple(file for file in chosen if _is_of_tokenizer(file))


def _is_of_tokenizer(file: RemoteFile) -> bool:
    name = file.path.rpartition("/")[2]
    small = CONFIGURATION.fullmatch(name) and file.bytes <= CONFIGURATION_BYTES
    return bool(TOKENIZER.fullmatch(name) or small)


def _files_of(module: Module, files: Mapping[str, RemoteFile]) -> dict[str, RemoteFile]:
    pattern = TRANSFORMER_FILES if module.name == "Transformer" else MODULE_FILES
    return {
        path: file
        for path, file in files.items()
        if path.startswith(module.prefix) and pattern.fullmatch(path.removeprefix(module.prefix))
    }


def _check_transformer_files(names: set[str], files: Mapping[str, RemoteFile], model: str) -> None:
    if "config.json" not in names:
        what = (
            "is an adapter, not a whole model"
            if "adapter_config.json" in files
            else ("has no config.json")
        )
        raise StudioError(f"{model} {what}. Choose a model that stands by itself.")
    if not ({"tokenizer.json", "vocab.txt"} & names or {"vocab.json", "merges.txt"} <= names):
        raise StudioError(f"{model} has no tokenizer.json. Choose another model.")


def _without_safetensors(files: Mapping[str, RemoteFile], model: str) -> StudioError:
    if not any(path.endswith((".bin", ".pt", ".pth", ".pkl", ".ckpt")) for path in files):
        return StudioError(f"{model} holds no weights in safetensors. Choose another model.")
    return StudioError(
        f"{model} has weights only as pickles, which can run code and are not opened here. "
        "Convert it with the Hub's Space safetensors/convert, or choose another model."
    )


def _check_bytes(files: Iterable[RemoteFile], model: str) -> None:
    limits = get_settings()
    weights = 0
    for file in files:
        name = file.path.rpartition("/")[2]
        if WEIGHTS.fullmatch(name):
            weights += file.bytes
        elif file.bytes > (CONFIGURATION_BYTES if _is_small(file.path) else VOCABULARY_BYTES):
            raise StudioError(f"{model}: {name} is too large ({file.bytes / MB:,.0f} MB).")
    if weights > limits.model_bytes:
        raise StudioError(
            f"{model} weighs {weights / MB:,.0f} MB; up to {limits.model_bytes / MB:,.0f} MB can "
            "be trained here. Choose a smaller model, or duplicate this Space and raise the limit."
        )


def _is_small(path: str) -> bool:
    """Tell configurations from word lists (a bag of words keeps its own in config.json)."""
    folder, _, name = path.rpartition("/")
    words = folder and name == "config.json"
    return CONFIGURATION.fullmatch(name) is not None and not words


def check_parameters(parameters: int, model: str) -> None:
    """Refuse a model with more parameters than the limit."""
    most = get_settings().model_parameters
    if parameters > most:
        raise StudioError(
            f"{model} has {parameters / 1e6:,.0f} million parameters; up to {most / 1e6:,.0f} "
            "million can be trained here. Choose a smaller model, or duplicate this Space."
        )


def check_folder(folder: Path, modules: Iterable[Module], model: str, weights: bool = True) -> None:
    """Check weights, where they came, against configurations; keep only known keys of these."""
    total = 0
    for module in modules:
        inside = folder / module.folder
        found = sum(_parameters(path, model) for path in sorted(inside.glob("*.safetensors")))
        total += found
        parameters = found if weights else None
        for path in sorted(inside.glob("*.json")):
            if path.name != FAMILY:
                _tidy_file(path, module, parameters, model)
    if (folder / FAMILY).is_file():
        _tidy_file(folder / FAMILY, PLAIN[0], None, model)
    check_parameters(total, model)


def _tidy_file(path: Path, module: Module, parameters: int | None, model: str) -> None:
    if path.name == "model.safetensors.index.json":
        _check_index(path, model)
    if not CONFIGURATION.fullmatch(path.name):
        return
    data = tidy(path.name, module.name, read_json(path.read_bytes(), path.name, model), model)
    if path.name in ("config.json", "cnn_config.json") and parameters is not None:
        check_shape(module.name, data, parameters, model)
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False), encoding="utf-8")


def _check_index(path: Path, model: str) -> None:
    """Refuse an index that names other files than the shards beside it."""
    index = read_json(path.read_bytes(), path.name, model)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    names = set(map(str, shards.values())) if isinstance(shards, dict) else {""}
    if not all(WEIGHTS.fullmatch(name) and (path.parent / name).is_file() for name in names):
        raise StudioError(f"{model}: {path.name} names files that are not there. Choose another.")


def _parameters(path: Path, model: str) -> int:
    """Count the numbers in a safetensors file by its header."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > HEADER_BYTES:
                raise ValueError
            header = json.loads(file.read(length))
        tensors = [value for key, value in header.items() if key != "__metadata__"]
        end = max((tensor["data_offsets"][1] for tensor in tensors), default=0)
        if end != path.stat().st_size - 8 - length:
            raise ValueError
        return sum(math.prod(tensor["shape"]) for tensor in tensors)
    except (struct.error, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise StudioError(f"{model}: {path.name} is damaged. Choose another model.") from None
