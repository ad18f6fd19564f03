"""Answer questions about a text with one Core ML model; personalize another with a user's drawings.

The first is a BERT (see bert_qa/README.md). The second (see data/README.md) classifies fifteen kinds of sketches; its
last two layers are updatable. Its user draws other things: six kinds of drawings replace six of its labels. 40 drawings
of each kind are for training, 10 are held out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import graphml
from graphml.interop import qa

DATA = Path(__file__).parent / "data"
MEANING = {
    "airplane": "Star",
    "alarm_clock": "Moon",
    "bee": "Ice Cream",
    "sailboat": "Candle",
    "train": "Toothbrush",
    "truck": "Door",
}

TEXT = (
    "Apple hosts an annual World Wide Developer Conference, where engineers from all over the world learn about its "
    "new software. The first WWDC began in 1987 in Santa Clara, CA. Since 2017 it has been held in San Jose, and in "
    "2019 about 6,000 people came."
)


def answer_questions() -> None:
    model, tokenizer = qa.load(DATA / "bert_qa.mlmodel")
    print(f"{TEXT}\n")
    for question in ("When was the first WWDC?", "How many people came in 2019?"):
        (answer,) = qa.answers(model, tokenizer, TEXT, question)
        print(f"{question} {answer.text} ({answer.confidence:.0%} confidence)")
        assert TEXT[answer.start : answer.end] == answer.text


def accuracy(model: graphml.Model, drawings: np.ndarray, labels: list[str]) -> float:
    answers = model.predict_batch([{"image": drawing} for drawing in drawings])
    return float(np.mean([answer["classLabel"] == label for answer, label in zip(answers, labels, strict=True)]))


def show(drawing: np.ndarray) -> str:
    """A drawing as text, with one line for every second row of pixels."""
    shades = " .:*#"
    return "\n".join("".join(shades[pixel // 52] for pixel in row) for row in drawing[::2])


def personalize() -> None:
    model = graphml.load(DATA / "QuickDrawUpdatable.mlmodel")
    print(model)
    archive = np.load(DATA / "quickdraw.npz")
    drawings, labels = archive["drawings"], [MEANING[name] for name in archive["labels"]]
    train = [i for i in range(300) if i % 50 < 40]
    held_out = [i for i in range(300) if i % 50 >= 40]
    data = [{"image": drawings[i], "classLabel": labels[i]} for i in train]

    def held_out_accuracy(model: graphml.Model) -> float:
        return accuracy(model, drawings[held_out], [labels[i] for i in held_out])

    example = held_out[10]  # an alarm clock, which the model classifies as a watch
    print(f"\nA drawing that the user labels {labels[example]!r}:\n{show(drawings[example])}")
    first = model.predict({"image": drawings[example]})["classLabel"]
    print(f"before: {first!r}")
    before = held_out_accuracy(model)
    print(f"accuracy on held-out drawings before: {before:.0%}\n")

    # the file allows one epoch at a time, and a learning rate between 0 and 1; pixels from 0 to 255 need a small one
    for number in range(5):
        parameters = {graphml.ParameterKey.LEARNING_RATE: 0.0002, graphml.ParameterKey.SEED: number}
        configuration = graphml.ModelConfiguration(parameters=parameters)
        task = graphml.UpdateTask(model, data, configuration)
        task.resume()
        task.wait()
        if task.error is not None:
            raise task.error
        model = task.model
        loss = task.metrics[graphml.MetricKey.LOSS_VALUE]
        print(f"update {number + 1}: loss {loss:.3f}, accuracy on held-out drawings {held_out_accuracy(model):.0%}")

    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "mine.mlmodel")
        again = graphml.load(Path(folder) / "mine.mlmodel")
    last = again.predict({"image": drawings[example]})["classLabel"]
    print(f"\nafter saving and loading: {last!r}")
    assert first != labels[example] == last
    assert held_out_accuracy(again) > before + 0.2


def main() -> None:
    answer_questions()
    print("\nNow a model is trained with a user's drawings.\n")
    personalize()


if __name__ == "__main__":
    main()
