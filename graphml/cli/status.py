"""How a run of the command line ends: its exit status, and its messages on standard error."""

from __future__ import annotations

import contextlib
import enum
import itertools
import os
import sys
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from rich.console import Console

from graphml.errors import GraphmlError, reason
from graphml.visible import visible, visible_lines


class ExitStatus(enum.IntEnum):
    """The exit statuses of all commands. docs/cli.md explains them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_ANSWER = 2
    BUDGET = 3
    INTERRUPTED = 130
    BROKEN_PIPE = 141


class ClosedPipe(Exception):
    """The reader of the output has stopped reading, as `head` does."""


@runtime_checkable
class _ArgumentError(Protocol):
    """An error in the arguments: typer and click use different classes in different versions."""

    exit_code: int

    def format_message(self) -> str: ...


def status_of(run: Callable[[], object], *, debug: bool) -> int:
    """Run the application and return the exit status; errors become one line on standard error.

    Args:
        run: The application. A number that it returns is the exit status.
        debug: Whether errors are raised.
    """
    try:
        found = run()
        if sys.stdout is not None:  # pyright: ignore[reportUnnecessaryComparison]  (None where it was closed)
            sys.stdout.flush()
        return found if isinstance(found, int) else ExitStatus.OK
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except (BrokenPipeError, ClosedPipe):
        _discard_output()
        return ExitStatus.BROKEN_PIPE
    except Exception as error:
        if debug and not isinstance(error, _ArgumentError):
            raise
        return _report(error)


def _report(error: Exception) -> int:
    if isinstance(error, _ArgumentError):
        message = error.format_message().strip().rstrip(".")
        if "extra argument" in message and "=" in message:
            message += "; inputs are given as -i NAME=VALUE"
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "graphml"
        _say("UsageError", f"{visible(_lower(message))} (see {command} --help)")
        return ExitStatus.USAGE
    if isinstance(error, GraphmlError):
        _say(type(error).__name__, one_line(str(error)))
    elif isinstance(error, OSError):
        _discard_output()  # flushing the rest would fail again at exit
        what = "the output cannot be written" if error.filename is None else f"{error.filename} cannot be opened"
        _say(type(error).__name__, visible(f"{what}: {reason(error)}"))
    elif isinstance(error, MemoryError):
        _say("MemoryError", "there is not enough memory")
    else:
        _say(type(error).__name__, visible(f"{error} (this is a bug in graphml; --debug shows where)"))
    return ExitStatus.FAILED


def _lower(message: str) -> str:
    """The message in lower case, as part of a line: messages about arguments are sentences."""
    return message[:1].lower() + message[1:]


def one_line(message: str) -> str:
    """A message whose lines go from the place to the reason, as one line; lists keep their lines."""
    lines = message.splitlines()
    depths = [len(line) - len(line.lstrip()) for line in lines]
    nested = all(a < b for a, b in itertools.pairwise(depths))
    return ": ".join(line.strip().removesuffix(":") for line in lines) if nested else message


def warn(message: str) -> None:
    """Print a warning on standard error; the exit status does not change."""
    _say("Warning", message, "bold yellow")


def _say(kind: str, message: str, style: str = "bold red") -> None:
    with contextlib.suppress(OSError):
        Console(stderr=True, highlight=False).print(f"[{style}]{kind}[/]: ", end="")
        print(visible_lines(message), file=sys.stderr, flush=True)


def _discard_output() -> None:
    """Discard buffered output, so that flushing at exit does not fail again."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: it has no file descriptor, or is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
