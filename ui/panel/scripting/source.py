"""A script's bytes, and the text that an editor makes of them.

An editor in a browser knows one end of line alone; the bytes stay what they are.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """``content`` as it was saved."""

    content: bytes = b""

    @classmethod
    def of_base64(cls, encoded: str) -> Source:
        return cls(base64.b64decode(encoded))

    @property
    def base64(self) -> str:
        return base64.b64encode(self.content).decode()

    @property
    def is_text(self) -> bool:
        """Otherwise it can be run and kept, and not be edited here."""
        try:
            self.content.decode()
        except UnicodeDecodeError:
            return False
        return True

    @property
    def text(self) -> str:
        """With a line feed at the end of each line; what is not UTF-8 is replaced by U+FFFD."""
        return self.content.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")

    @property
    def line_end(self) -> str:
        """The one that all lines have; a line feed where they differ."""
        text = self.content.decode(errors="replace")
        ends = {"\r\n": text.count("\r\n")}
        ends["\n"], ends["\r"] = text.count("\n") - ends["\r\n"], text.count("\r") - ends["\r\n"]
        used = [end for end, times in ends.items() if times]
        return used[0] if len(used) == 1 else "\n"

    @property
    def mixes_line_ends(self) -> bool:
        return Source(self._with(self.text)).content != self.content

    def edited(self, text: str) -> Source:
        """These bytes where ``text`` is theirs; else the new text, with the same ends of line where they were all alike."""
        return self if text == self.text else Source(self._with(text))

    def _with(self, text: str) -> bytes:
        return text.replace("\n", self.line_end).encode()
