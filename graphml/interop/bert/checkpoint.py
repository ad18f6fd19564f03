"""Hugging Face checkpoints: find or download, read and write them."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from graphml.errors import SpecError, need
from graphml.interop.bert.config import NAMES, Config, Params, read_config, weight_sources
from graphml.interop.bert.encoder import read_network

_EMBEDDINGS = ("embeddings/words", "embeddings/places", "embeddings/types")
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt")


def folder_of(checkpoint: str | Path) -> Path:
    """Find a checkpoint on this computer, or download it.

    Args:
        checkpoint: A folder or an .mlmodel, which is returned unchanged; or "owner/name" of a model on the Hugging Face
            hub. `huggingface_hub` (extra `hub`) keeps downloads, so only the first call needs a connection.

    Returns:
        The path of the folder or .mlmodel.

    Raises:
        SpecError: There is no such folder, and no such model could be downloaded.
    """
    name, folder = str(checkpoint), Path(checkpoint)
    if name and (folder.is_dir() or folder.suffix == ".mlmodel"):
        return folder
    if folder.is_file() or not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", name):
        raise SpecError(f"{name} is neither a folder nor the name of a model on the Hugging Face hub")
    hub = need("huggingface_hub", "hub")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=list(FILES)))
    except (OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SpecError(
            f"there is no folder {name}, and no model of that name could be downloaded from the Hugging Face hub "
            f"({reason}); without a connection, give a folder, or a name that was downloaded before"
        ) from None


def read_checkpoint(checkpoint: str | Path, *, seed: int | None = 0) -> tuple[Config, Params]:
    """Read the sizes and weights of an encoder.

    Args:
        checkpoint: A folder, a name on the Hugging Face hub (see `folder_of`), or an .mlmodel written by `network`.
        seed: Initializes the question answering head if the checkpoint has none; None: such a checkpoint is rejected.

    Returns:
        The sizes and the weights in float32.

    Raises:
        SpecError: The checkpoint cannot be read, or a weight, which the message names, is missing or has another shape.
        UnsupportedError: The model is not one of the supported encoders.
    """
    folder = folder_of(checkpoint)
    if folder.suffix == ".mlmodel":
        return read_network(folder)
    config = read_config(folder)
    need("safetensors", "qa")
    import_module("ml_dtypes")  # registers bfloat16 with NumPy; installed with JAX
    from safetensors import SafetensorError
    from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType]  (a bare PathLike)

    try:
        tensors = load_file(str(folder / "model.safetensors"))
    except (OSError, SafetensorError) as error:
        raise SpecError(f"{folder} has no readable model.safetensors: {error}") from None
    tensors = {name.removeprefix("bert.").removeprefix("distilbert."): value for name, value in tensors.items()}
    params: Params = {}
    for layer, source, shape in weight_sources(config):
        if layer == "answer" and f"{source}.weight" not in tensors and seed is not None:
            drawn = np.random.default_rng(seed).normal(0, 0.02, shape).astype(np.float32)
            params[layer] = {"weights": drawn, "bias": np.zeros(2, np.float32)}
            continue
        normalizes = len(shape) == 1
        names = {"gamma": "weight", "beta": "bias"} if normalizes else {"weights": "weight"}
        if not normalizes and not layer.startswith("embeddings/"):
            names["bias"] = "bias"
        params[layer] = {}
        for name, stored in names.items():
            other = f"{source}.{name}"  # the oldest checkpoints use gamma and beta
            key = other if other in tensors else f"{source}.{stored}"
            value = tensors.get(key)
            wanted = (shape[0],) if name == "bias" else shape
            if value is None:
                raise SpecError(f"the checkpoint has no {key}")
            if len(value.shape) != len(wanted) or any(
                n not in (m, -1) for n, m in zip(wanted, value.shape, strict=True)
            ):
                raise SpecError(f"{key} has shape {list(value.shape)}; expected {list(wanted)} from config.json")
            value = value.astype(np.float32)
            params[layer][name] = np.ascontiguousarray(value.T) if layer in _EMBEDDINGS else value
    return config, params


def write_checkpoint(folder: str | Path, config: Config, params: Params) -> None:
    """Write model.safetensors and config.json of a BERT or DistilBERT for question answering, for
    `transformers`.

    Args:
        folder: Where to write; it is created if necessary.
        config: The sizes.
        params: The weights.
    """
    need("safetensors", "qa")
    from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]  (a bare PathLike)

    family = "bert" if config.types else "distilbert"
    tensors: dict[str, np.ndarray] = {}
    for layer, source, _ in weight_sources(config):
        for name, value in params[layer].items():
            kept = {"weights": "weight", "gamma": "weight", "beta": "bias"}.get(name, name)
            value = np.ascontiguousarray(value.T if layer in _EMBEDDINGS else value, np.float32)
            tensors[f"{source}.{kept}" if layer == "answer" else f"{family}.{source}.{kept}"] = value
    stored: dict[str, Any] = {"model_type": family, "max_position_embeddings": config.places}
    stored["architectures"] = [f"{'Bert' if config.types else 'DistilBert'}ForQuestionAnswering"]
    stored["vocab_size"] = params["embeddings/words"]["weights"].shape[1]
    if config.types:
        stored |= {"type_vocab_size": config.types, "layer_norm_eps": config.epsilon}
    names = NAMES[family]
    stored |= {name: getattr(config, field) for field, name in names.items()}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    save_file(tensors, str(folder / "model.safetensors"))
