"""Requests and answers as bytes; pure. Whatever bytes come in, only BadMessage comes out."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_TRANSACTION_CHARS = 128
_LOOKED_AT_BYTES = 4096
_CLAIMED = re.compile(rb'"transaction"\s*:\s*"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,128})"')


class BadMessage(Exception):
    """Not a request (or not an answer). ``transaction``: the one it claims to be, as far as that can be read."""

    def __init__(self, message: str, transaction: str | None = None, code: str = "bad_request") -> None:
        super().__init__(message)
        self.transaction = transaction
        self.code = code


def encode(message: dict[str, Any]) -> bytes:
    """JSON in UTF-8. Raises ValueError or TypeError for what JSON has no word for."""
    text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")  # a lone surrogate becomes the escape that JSON has for it


def ok_answer(transaction: str, data: Any) -> bytes:
    """Raises ValueError or TypeError as encode does."""
    return encode({"transaction": transaction, "status": "ok", "data": data})


def error_answer(transaction: str, code: str, message: str) -> bytes:
    return encode({"transaction": transaction, "status": "error", "error": {"code": code, "message": message[:8192]}})


def read_request(payload: bytes) -> tuple[str, dict[str, Any]]:
    """Transaction and parameters. Raises BadMessage."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadMessage(f"{len(payload)} bytes are more than a request may have ({MAX_PAYLOAD_BYTES})", _claimed(payload), "too_large")
    try:
        message = _parse(payload)
    except BadMessage as error:
        raise BadMessage(str(error), _claimed(payload)) from None
    transaction = message.pop("transaction", None)
    if not isinstance(transaction, str) or not 0 < len(transaction) <= MAX_TRANSACTION_CHARS:
        raise BadMessage(f"a request needs a transaction, a string of 1 to {MAX_TRANSACTION_CHARS} characters")
    if _depth(message) > MAX_DEPTH:
        raise BadMessage(f"nested deeper than {MAX_DEPTH} levels", transaction)
    return transaction, message


def read_answer(payload: bytes) -> tuple[str, dict[str, Any]]:
    """Transaction and the whole answer; where its status is ``error``, it has an error with code and message. Raises BadMessage."""
    answer = _parse(payload)
    transaction, status, error = answer.get("transaction"), answer.get("status"), answer.get("error")
    if not isinstance(transaction, str):
        raise BadMessage("an answer without a transaction")
    well_said = isinstance(error, dict) and isinstance(error.get("code"), str) and isinstance(error.get("message"), str)
    if status != "ok" and not (status == "error" and well_said):
        raise BadMessage("neither ok nor a proper error", transaction)
    return transaction, answer


def _parse(payload: bytes) -> dict[str, Any]:
    try:
        message = json.loads(payload.decode(), parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise BadMessage("nested too deeply") from None
    except ValueError as error:  # not UTF-8, not JSON, a number of thousands of digits
        raise BadMessage(f"not JSON in UTF-8 ({str(error)[:200]})") from None
    if not isinstance(message, dict):
        raise BadMessage("not a JSON object")
    return message


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_constant(digits[:40])


def _depth(message: dict[str, Any]) -> int:
    level: list[Any] = [message]
    depth = 0
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [child for one in level for child in (one.values() if isinstance(one, dict) else one) if isinstance(child, dict | list)]
    return depth


def _claimed(payload: bytes) -> str | None:
    found = _CLAIMED.search(payload[:_LOOKED_AT_BYTES]) or _CLAIMED.search(payload[-_LOOKED_AT_BYTES:])
    return found[1].decode() if found else None
