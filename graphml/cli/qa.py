"""graphml qa: answer a question from a text."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from graphml.cli.app import AsJson, app, examples, not_negative
from graphml.cli.output import print_json, print_line
from graphml.cli.status import ExitStatus
from graphml.errors import FeatureError, reason
from graphml.spec.files import open_regular
from graphml.visible import visible


@app.command(
    short_help="Answer a question from a text.",
    epilog=examples(
        'graphml qa text.txt "Who lives here?" --model bert_qa.mlmodel',
        'pdftotext letter.pdf - | graphml qa - "Who wrote this?" --model bert_qa.mlmodel',
    ),
)
def qa(
    text_file: Annotated[Path, typer.Argument(metavar="TEXT_FILE", help="the text, in UTF-8; - reads standard input")],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="the question, in quotation marks")],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="a network with start_logits and end_logits, or a BERT checkpoint: a folder, or a name on the hub",
        ),
    ],
    vocabulary: Annotated[
        Path | None,
        typer.Option("--vocabulary", help="tokenizer.json or vocab.txt; default: the one stored with the model"),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="largest number of answers")] = 1,
    threshold: Annotated[
        float | None,
        typer.Option(
            callback=not_negative,
            help="give answers of at least this confidence; default: those that are likelier than no answer",
        ),
    ] = None,
    json_too: AsJson = False,
) -> None:
    """Answer a question from a text (exit status 2: no answer found)."""
    from graphml.interop.qa import answers, load

    text = _text(text_file)
    network, tokenizer = load(model, vocabulary=vocabulary)
    found = answers(network, tokenizer, text, question, count=count, threshold=threshold or 0.0)
    if threshold is None:
        found = [answer for answer in found if answer.margin >= 0]
    if json_too:
        print_json([asdict(answer) for answer in found])
    else:
        for answer in found:
            print_line(f"{answer.confidence:.3f}  {visible(answer.text)}  (characters {answer.start} to {answer.end})")
    if not found:
        print(f"the text does not answer the question: {visible(question)}", file=sys.stderr)
        raise typer.Exit(ExitStatus.NO_ANSWER)


def _text(file: Path) -> str:
    """The text in a file; - is standard input."""
    name = "standard input" if str(file) == "-" else str(file)
    try:
        if str(file) != "-":
            with open_regular(file) as opened:
                return opened.read().decode("utf-8")
        if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  (None where it was closed)
            raise OSError("it is closed")
        return sys.stdin.buffer.read().decode("utf-8")
    except (OSError, ValueError) as error:
        raise FeatureError(f"{name} cannot be read as text: {reason(error)}") from None
