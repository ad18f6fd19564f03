"""Train an encoder to answer questions, on SQuAD.

    python train.py CHECKPOINT train-v1.1.json qa.mlmodel --checkpoint-dir work --budget 3600

The exit status is 3 if the budget is used up; run the same command again to continue. Losses are written to
work/losses.jsonl.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import squad

from graphml.errors import UpdateError
from graphml.interop import qa
from graphml.interop.bert import Config, folder_of, network, read_checkpoint

CHOSEN = ("rate", "epochs", "batch", "dropout", "precision", "freeze_embeddings", "seed")


@dataclass(frozen=True)
class Plan:
    """The settings of training.

    Attributes:
        rate: The peak learning rate.
        epochs: The number of epochs.
        batch: The number of windows in a mini-batch.
        lengths: The lengths to which windows are padded, in tokens; the last one is the maximum length of a window.
        stride: The number of text tokens that two neighbouring windows share.
        warmup: The fraction of steps in which the learning rate rises.
        decay: The weight decay of matrices.
        clip: The maximum norm of a gradient.
        dropout: Whether the network has dropout layers.
        precision: "float32"; "bfloat16", for all of the network; or "mixed", for matrix products only, with sums in
            float32. Weights, loss and optimizer stay float32.
        freeze_embeddings: Whether the embeddings of words, positions and types stay frozen.
        seed: The random seed.
    """

    rate: float = 1e-4
    epochs: int = 1
    batch: int = 16
    lengths: tuple[int, ...] = (96, 128, 160, 192, 224, 256)
    stride: int = 96
    warmup: float = 0.1
    decay: float = 0.01
    clip: float = 1.0
    dropout: bool = False
    precision: str = "float32"
    freeze_embeddings: bool = False
    seed: int = 0


def optimizer(plan: Plan, steps: int) -> tuple[optax.GradientTransformation, Callable[[Any], Any]]:
    """AdamW with gradient clipping, and the learning rate schedule: it rises linearly, then falls linearly to 0. Weight
    decay applies to matrices only."""
    rising = max(1, round(plan.warmup * steps))
    rate = optax.schedules.join_schedules(
        [optax.linear_schedule(0.0, plan.rate, rising), optax.linear_schedule(plan.rate, 0.0, max(1, steps - rising))],
        [rising],
    )
    matrices = lambda params: jax.tree.map(lambda leaf: leaf.ndim == 2, params)  # noqa: E731
    steps_of = optax.adamw(rate, weight_decay=plan.decay, mask=matrices)
    return optax.chain(optax.clip_by_global_norm(plan.clip), steps_of), rate


def stepper(config: Config, params: Any, plan: Plan, steps: int) -> tuple[Callable[..., Any], Any, Any]:
    """(step, weights, optimizer state), where step(weights, state, batch, number) returns weights, state and loss."""
    from graphml.models.network import NeuralNetwork

    half = plan.precision == "bfloat16"
    lowered = NeuralNetwork(network(config, params, dropout=plan.dropout).spec).lower(
        dtype="bfloat16" if half else "float32"
    )
    products = "BF16_BF16_F32" if plan.precision == "mixed" else None
    transform, _ = optimizer(plan, steps)
    frozen = {name: params[name] for name in params if plan.freeze_embeddings and name.startswith("embeddings/")}

    def loss_of(weights, rest, batch, key):
        inputs = {name: value for name, value in batch.items() if name not in ("start", "end")}
        with jax.default_matmul_precision(products):
            out = lowered.fn(weights | rest, inputs, key=key, train=True)
        absent = 1e4 * (1 - batch["mask"])
        sides = [
            optax.softmax_cross_entropy_with_integer_labels(
                out[f"{side}_logits"].astype(jnp.float32) - absent, batch[side]
            )
            for side in ("start", "end")
        ]
        return jnp.mean(sides[0] + sides[1]) / 2

    def step(weights, state, rest, batch, number):
        key = jax.random.fold_in(jax.random.key(plan.seed), number)
        loss, gradient = jax.value_and_grad(loss_of)(weights, rest, batch, key)
        change, state = transform.update(gradient, state, weights)
        return optax.apply_updates(weights, change), state, loss

    weights = jax.tree.map(jnp.asarray, {name: params[name] for name in params if name not in frozen})
    compiled = jax.jit(step, donate_argnums=(0, 1))
    rest = jax.tree.map(jnp.asarray, frozen)
    return (lambda weights, state, *rows: compiled(weights, state, rest, *rows)), weights, transform.init(weights)


# Checkpoints ---------------------------------------------------------------------------------------------------------


def save(path: Path, number: int, tree: Any, about: str) -> None:
    """Write weights and optimizer state after `number` steps atomically."""
    leaves: dict[str, Any] = {str(i): np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        np.savez(file, step=number, about=about, **leaves)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def restored(path: Path, tree: Any, about: str) -> tuple[int, Any]:
    """Read (number, tree) as saved. Raises UpdateError if they belong to another run."""
    with np.load(path, allow_pickle=False) as kept:
        if str(kept["about"]) != about:
            raise UpdateError(f"{path} belongs to a run with other data or other settings")
        leaves = [jnp.asarray(kept[str(i)]) for i in range(len(jax.tree.leaves(tree)))]
        return int(kept["step"]), jax.tree.unflatten(jax.tree.structure(tree), leaves)


def train(
    config: Config,
    params: Any,
    rows: Sequence[squad.Feature],
    plan: Plan,
    *,
    directory: Path | None = None,
    budget: float | None = None,
    log: Callable[[dict[str, Any]], None] = lambda line: None,
    save_every: float = 300.0,
) -> tuple[Any, bool]:
    """Train an encoder.

    Args:
        config: The sizes of the encoder.
        params: The initial weights.
        rows: The training data.
        plan: The settings.
        directory: Where to keep checkpoints; None: no checkpoints.
        budget: Seconds after which to stop, after at least one step; None: no limit.
        log: Called after each step.
        save_every: Seconds between checkpoints.

    Returns:
        The weights, and whether training is complete.

    Raises:
        UpdateError: There are no training data, there is a budget but no directory, or the loss is not finite.
    """
    if not rows:
        raise UpdateError("there are no questions with answers")
    if budget is not None and directory is None:
        raise UpdateError("a budget needs a directory for checkpoints, so that the next run can continue")
    began = saved = time.monotonic()
    orders = [
        squad.batches(rows, plan.lengths, plan.batch, np.random.default_rng([plan.seed, epoch]))
        for epoch in range(plan.epochs)
    ]
    order = [(epoch, *batch) for epoch, batches in enumerate(orders) for batch in batches]
    step, weights, state = stepper(config, params, plan, len(order))
    _, rate = optimizer(plan, len(order))
    digest = hashlib.sha256(repr((asdict(plan), len(order), asdict(config))).encode())
    for row in rows:
        digest.update(row.window.ids.tobytes() + bytes(f"{row.start} {row.end}", "ascii"))
    about, number = digest.hexdigest(), 0
    path = None if directory is None else directory / "step.npz"
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            number, (weights, state) = restored(path, (weights, state), about)
    try:
        while number < len(order):
            epoch, length, chosen = order[number]
            before = time.monotonic()
            batch = squad.batch_of([rows[i] for i in chosen], length, types=bool(config.types))
            weights, state, loss = step(weights, state, batch, number)
            loss, now = float(loss), time.monotonic()
            if not np.isfinite(loss):
                raise UpdateError(f"the loss is {loss} after {number + 1} steps; try a lower learning rate")
            log({"step": number, "epoch": epoch, "length": length, "loss": loss, "rate": float(rate(number)),
                 "seconds": now - before})  # fmt: skip
            number += 1
            if budget is not None and now - began >= budget:
                break
            if path is not None and now - saved >= save_every:
                save(path, number, (weights, state), about)
                saved = now
    finally:
        if path is not None and not any(leaf.is_deleted() for leaf in jax.tree.leaves((weights, state))):
            save(path, number, (weights, state), about)
    return jax.tree.map(np.asarray, {**params, **weights}), number == len(order)


def main(arguments: list[str] | None = None) -> None:
    plan = Plan()
    parser = argparse.ArgumentParser(description="Train an encoder to answer questions.")
    parser.add_argument(
        "checkpoint", help="a folder with model.safetensors, config.json and a vocabulary, or a name on the hub"
    )
    parser.add_argument("data", type=Path, help="a SQuAD v1.1 file, .json or .json.xz")
    parser.add_argument("output", type=Path, help="the .mlmodel to write")
    parser.add_argument("--checkpoint-dir", type=Path, required=True)
    parser.add_argument("--budget", type=float, metavar="SECONDS")
    parser.add_argument("--questions", type=int, help="number of questions, drawn at random; default: all")
    parser.add_argument("--epochs", type=int, default=plan.epochs)
    parser.add_argument("--batch", type=int, default=plan.batch)
    parser.add_argument("--rate", type=float, default=plan.rate)
    parser.add_argument("--dropout", action="store_true", help="use dropout, for more than one epoch")
    parser.add_argument(
        "--precision", choices=("float32", "bfloat16", "mixed"), default=plan.precision, help="see Plan"
    )
    parser.add_argument("--freeze-embeddings", action="store_true", help="do not train the embeddings")
    parser.add_argument("--seed", type=int, default=plan.seed)
    given = parser.parse_args(arguments)
    folder = folder_of(given.checkpoint)
    config, params = read_checkpoint(folder, seed=given.seed)
    tokenizer = qa.read_tokenizer(folder)
    examples = squad.drawn(squad.read(given.data), given.questions, given.seed)
    chosen = {name: getattr(given, name) for name in CHOSEN}
    plan = replace(plan, **chosen)
    rows = [
        row
        for example in examples
        for row in squad.features(tokenizer, example, length=plan.lengths[-1], stride=plan.stride)
    ]
    given.checkpoint_dir.mkdir(parents=True, exist_ok=True)
    with (given.checkpoint_dir / "losses.jsonl").open("a", encoding="utf-8") as lines:

        def log(line: dict[str, Any]) -> None:
            print(json.dumps(line), file=lines, flush=True)

        weights, done = train(config, params, rows, plan, directory=given.checkpoint_dir, budget=given.budget, log=log)
    qa.save(network(config, weights), tokenizer, given.output)
    print(f"{given.output} written; " + ("training is complete" if done else "run the same command again to continue"))
    if not done:
        sys.exit(3)


if __name__ == "__main__":
    main()
