"""Escape text from files for terminals: names and labels may contain any character, including control sequences."""

from __future__ import annotations

import unicodedata


def visible(text: str) -> str:
    """Escape all characters that could move the cursor, start a line or change the direction of text.

    Args:
        text: Any text.

    Returns:
        The text on one line, with such characters as Python escapes.
    """
    return text if text.isascii() and text.isprintable() else "".join(c if harmless(c) else escaped(c) for c in text)


def visible_lines(text: str) -> str:
    """Escape each line as `visible` does, and keep the line breaks."""
    return "\n".join(map(visible, text.split("\n")))


def harmless(character: str) -> bool:
    """Whether a terminal only displays this character."""
    joins = character in "\u200c\u200d"  # joiners in emoji and in Persian and Indic words
    return joins or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def escaped(character: str) -> str:
    """Write a character as a Python escape sequence."""
    code = ord(character)
    short = {9: "\\t", 10: "\\n", 13: "\\r"}.get(code)
    form = f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    return form if short is None else short
