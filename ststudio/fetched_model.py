"""A model's files once they are here: weights against configurations, known keys only."""

import json
import math
import struct
from collections.abc import Iterable
from pathlib import Path

from ststudio.errors import StudioError
from ststudio.model_config import tidy
from ststudio.model_files import (
    CONFIGURATION,
    FAMILY,
    INDEX,
    PLAIN,
    WEIGHTS,
    Module,
    check_parameters,
    read_json,
)
from ststudio.model_shape import check_shape
from ststudio.settings import MB

HEADER_BYTES = 10 * MB  # of one safetensors file


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
    if path.name == INDEX:
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
