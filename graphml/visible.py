"""Texts that come from files, for terminals: names and labels may hold anything, and nothing in them steers one."""

from __future__ import annotations

import unicodedata


def visible(text: str) -> str:
    """A text on one line that cannot move the cursor, forge a line or turn the direction of reading: characters that
    would are written as escapes."""
    return text if text.isascii() and text.isprintable() else "".join(c if harmless(c) else escaped(c) for c in text)


def visible_lines(text: str) -> str:
    """`visible` for a text of several lines, whose line breaks stay."""
    return "\n".join(map(visible, text.split("\n")))


def harmless(character: str) -> bool:
    """Whether a terminal only shows a character."""
    joins = character in "\u200c\u200d"  # parts of emoji and of Persian and Indian words
    return joins or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def escaped(character: str) -> str:
    """A character as an escape of a Python string."""
    code = ord(character)
    short = {9: "\\t", 10: "\\n", 13: "\\r"}.get(code)
    form = f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    return form if short is None else short
