"""The search language of Drive (https://developers.google.com/workspace/drive/api/guides/ref-search-terms), as far as backups use it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tests.fakes.drive_files import ROOT_ID, File, Files

_TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|(!=|<=|>=|[=<>(){}])|([A-Za-z]+))")
_TIMES = {"modifiedTime": "modified_time", "createdTime": "created_time"}
_FIELDS = {"name", "mimeType", "trashed", "appProperties", *_TIMES}


class InvalidQuery(ValueError):
    """Drive answers this with 400 and location ``q``."""


@dataclass(frozen=True)
class Term:
    """A condition. ``candidates`` are all ids that can be true, at once; None where no index tells."""

    holds: Callable[[Files, File], bool]
    candidates: Callable[[Files], dict[str, None] | None] = lambda _: None


@lru_cache(maxsize=1024)
def parsed(query: str) -> Term:
    """Raises InvalidQuery."""
    parser = _Parser(query)
    term = parser.either()
    if parser.tokens:
        raise InvalidQuery(query)
    return term


def found(files: Files, query: str) -> list[File]:
    """All files that the query describes. Raises InvalidQuery."""
    if not query:
        return list(files.by_id.values())
    term = parsed(query)
    candidates = term.candidates(files)
    chosen = files.by_id.values() if candidates is None else [files.by_id[file_id] for file_id in candidates]
    return [file for file in chosen if term.holds(files, file)]


class _Parser:
    def __init__(self, query: str) -> None:
        self.query = query
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while query[at:].strip():
            match = _TOKEN.match(query, at)
            if match is None:
                raise InvalidQuery(query)
            text, sign, word = match.groups()
            self.tokens.append(("text", re.sub(r"\\(.)", r"\1", text)) if text is not None else ("word", sign or word))
            at = match.end()
        self.tokens.reverse()

    def next_is(self, word: str) -> bool:
        return bool(self.tokens) and self.tokens[-1] == ("word", word)

    def take(self, kind: str = "word", *expected: str) -> str:
        if not self.tokens or self.tokens[-1][0] != kind or (expected and self.tokens[-1][1] not in expected):
            raise InvalidQuery(self.query)
        return self.tokens.pop()[1]

    def either(self) -> Term:
        terms = [self.all_of()]
        while self.next_is("or"):
            self.take()
            terms.append(self.all_of())
        return terms[0] if len(terms) == 1 else _any_of(terms)

    def all_of(self) -> Term:
        terms = [self.one()]
        while self.next_is("and"):
            self.take()
            terms.append(self.one())
        return terms[0] if len(terms) == 1 else _all_of(terms)

    def one(self) -> Term:
        if self.next_is("not"):
            self.take()
            inner = self.one()
            return Term(lambda files, file: not inner.holds(files, file))
        if self.next_is("("):
            self.take()
            inner = self.either()
            self.take("word", ")")
            return inner
        return self.condition()

    def condition(self) -> Term:
        if self.tokens and self.tokens[-1][0] == "text":
            parent = self.take("text")
            self.take("word", "in")
            self.take("word", "parents")
            return _in_parents(parent)
        name = self.take("word", *_FIELDS)
        if name == "appProperties":
            return self.property()
        if name == "trashed":
            return _trashed(is_equal=self.take("word", "=", "!=") == "=", wanted=self.take("word", "true", "false") == "true")
        operator = self.take("word", "=", "!=", "<", "<=", ">", ">=", "contains")
        value = self.take("text")
        return _compared(name, operator, value)

    def property(self) -> Term:
        self.take("word", "has")
        self.take("word", "{")
        self.take("word", "key")
        self.take("word", "=")
        key = self.take("text")
        self.take("word", "and")
        self.take("word", "value")
        self.take("word", "=")
        value = self.take("text")
        self.take("word", "}")
        return Term(lambda _, file: file.app_properties.get(key) == value, lambda files: files.properties[key, value])


def _any_of(terms: list[Term]) -> Term:
    def candidates(files: Files) -> dict[str, None] | None:
        united: dict[str, None] = {}
        for term in terms:
            ids = term.candidates(files)
            if ids is None:
                return None
            united |= ids
        return united

    return Term(lambda files, file: any(term.holds(files, file) for term in terms), candidates)


def _all_of(terms: list[Term]) -> Term:
    def candidates(files: Files) -> dict[str, None] | None:
        known = [ids for term in terms if (ids := term.candidates(files)) is not None]
        return min(known, key=len) if known else None

    return Term(lambda files, file: all(term.holds(files, file) for term in terms), candidates)


def _in_parents(parent: str) -> Term:
    parent = ROOT_ID if parent == "root" else parent
    return Term(lambda _, file: parent in file.parents, lambda files: files.children[parent])


def _trashed(*, is_equal: bool, wanted: bool) -> Term:
    return Term(lambda files, file: (files.is_trashed(file) == wanted) == is_equal)


def _compared(name: str, operator: str, value: str) -> Term:
    if name == "name":
        return _named(operator, value)
    if name == "mimeType":
        return _typed(operator, value)
    attribute = _TIMES[name]
    order: dict[str, Callable[[str], bool]] = {
        "=": lambda text: text[: len(value)] == value, "!=": lambda text: text[: len(value)] != value,
        "<": lambda text: text < value, "<=": lambda text: text <= value,
        ">": lambda text: text > value, ">=": lambda text: text >= value,
    }  # fmt: skip
    if operator not in order:
        raise InvalidQuery(f"{name} {operator}")
    return Term(lambda _, file: order[operator](getattr(file, attribute)))


def _named(operator: str, value: str) -> Term:
    """``=`` knows no case in Drive; ``contains`` matches the beginning of a word."""
    wanted = value.lower()
    if operator == "=":
        return Term(lambda _, file: file.name.lower() == wanted, lambda files: files.names[wanted])
    if operator == "!=":
        return Term(lambda _, file: file.name.lower() != wanted)
    if operator == "contains":
        return Term(lambda _, file: re.search(rf"(?:^|\W){re.escape(wanted)}", file.name.lower()) is not None)
    raise InvalidQuery(f"name {operator}")


def _typed(operator: str, value: str) -> Term:
    if operator not in {"=", "!=", "contains"}:
        raise InvalidQuery(f"mimeType {operator}")
    if operator == "contains":
        return Term(lambda _, file: file.mime_type.startswith(value))
    return Term(lambda _, file: (file.mime_type == value) == (operator == "="))
