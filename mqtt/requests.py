"""Request and response over plain MQTT 3.1.1: a transaction ties them, so that asking twice does once.

A request is ``{"transaction": "…", …parameters}`` on ``request/<login>/<verb>``; its answer, on ``response/<login>/<verb>``, is
``{"transaction", "status": "ok", "data"}`` or ``{"transaction", "status": "error", "error": {"code", "message"}}``.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from mqtt.answers import Answers, Place
from mqtt.client import Broker
from mqtt.envelope import MAX_PAYLOAD_BYTES, BadMessage, encode, error_answer, ok_answer, read_answer, read_request
from mqtt.topics import Topics

log = logging.getLogger("mqtt.requests")

Execute = Callable[[str, str, dict[str, Any]], Any]
"""``execute(login, verb, parameters)``: what the verb answers, as JSON knows it. Raises errors that carry a ``code``."""

QUEUE_LIMIT = 128
_RESEND_S = 5.0
_UPGRADING = "upgrading"
"""The code of what is answered while an upgrade is tested: to whoever can wait, that is no answer yet."""
_ROUND_S = 20.0


class RequestFailed(Exception):
    """The appliance answered with an error; its text is meant for people, its code for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NoAnswer(Exception):
    """No answer in time. The text says what was asked, why none came as far as we know, and what to do."""


class _Asked:
    """One request that waits for its answer."""

    def __init__(self, topic: str, payload: bytes) -> None:
        self.topic = topic
        self.payload = payload
        self.answered = threading.Event()
        self.answer: dict[str, Any] = {}
        self.not_yet = ""


class Requester:
    """Asks the appliance. Make it before the broker is started; ``request`` may be called by several threads.

    ``over_upgrades``: while an upgrade is tested a request waits, as it does while the appliance is away.
    """

    def __init__(self, broker: Broker, topics: Topics, login: str, resend_s: float = _RESEND_S, *, over_upgrades: bool = True) -> None:
        self._broker = broker
        self._topics = topics
        self._login = login
        self._resend_s = resend_s
        self._over_upgrades = over_upgrades
        self._asked: dict[str, _Asked] = {}
        self.appliance_online: bool | None = None
        broker.subscribe(topics.response(login, "#"), self._on_response)
        broker.subscribe(topics.availability, self._on_availability)
        broker.on_connected(self._ask_again)

    def request(self, verb: str, parameters: dict[str, Any], timeout_s: float) -> Any:
        """The data of the answer. Raises RequestFailed with the appliance's error, NoAnswer after timeout_s, TypeError for no JSON.

        Restarts of broker and appliance meanwhile do no harm: the same transaction is sent again after each, and every few seconds.
        """
        transaction = secrets.token_hex(8)
        asked = _Asked(self._topics.request(self._login, verb), encode({**parameters, "transaction": transaction}))
        self._asked[transaction] = asked
        try:
            self._await(asked, time.monotonic() + timeout_s)
        finally:
            del self._asked[transaction]
        if not asked.answered.is_set():
            raise NoAnswer(f"{verb} was not answered within {timeout_s:g} s{self._why_not(asked)}")
        if asked.answer["status"] == "ok":
            return asked.answer.get("data")
        raise RequestFailed(asked.answer["error"]["code"], asked.answer["error"]["message"])

    def _await(self, asked: _Asked, deadline_s: float) -> None:
        while True:
            if self._broker.connected:  # else _ask_again sends it
                self._send(asked)
            left_s = deadline_s - time.monotonic()
            if asked.answered.wait(max(0.0, min(left_s, self._resend_s))) or left_s <= self._resend_s:
                return

    def _send(self, asked: _Asked) -> None:
        self._broker.publish(asked.topic, asked.payload, retain=False)

    def _ask_again(self) -> None:
        for asked in list(self._asked.values()):
            if not asked.answered.is_set():
                self._send(asked)

    def _on_response(self, topic: str, payload: bytes, _retained: bool) -> None:
        try:
            transaction, answer = read_answer(payload)
        except BadMessage as error:
            log.warning("ignored what came on %s: %s", topic[:200], error)
            return
        asked = self._asked.get(transaction)
        if asked and not asked.answered.is_set():
            if self._over_upgrades and answer["status"] == "error" and answer["error"]["code"] == _UPGRADING:
                asked.not_yet = answer["error"]["message"]
                return
            asked.answer = answer
            asked.answered.set()

    def _on_availability(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self.appliance_online = payload == b"online"

    def _why_not(self, asked: _Asked) -> str:
        if not self._broker.connected:
            why = self._broker.last_error or f"the broker at {self._broker.address} is not connected"
            return f": {why}; start the broker, or check the address"
        if asked.not_yet:
            return f": {asked.not_yet}"
        if not self.appliance_online:
            return ": the appliance is offline; start it, then try again"
        return " by the appliance, which is online; its log may say why, and it may still do it"


class Responder:
    """Answers requests: reads them, has them executed once each on a few workers, and remembers the answers for those that ask again.

    What is malformed, oversized or retained changes nothing: it is answered with an error where it names a transaction, and logged.
    """

    def __init__(self, broker: Broker, topics: Topics, execute: Execute, workers: int = 4) -> None:
        self._broker = broker
        self._topics = topics
        self._execute = execute
        self._answers = Answers()
        self._queue: queue.Queue[tuple[str, bytes] | None] = queue.Queue(QUEUE_LIMIT)
        self._refusing = False
        self.on_round: Callable[[], None] = lambda: None
        """Called by each worker whenever it goes round; none does while all of them hang."""
        self._stopping = threading.Event()
        self._workers = [threading.Thread(target=self._work, name=f"request-{n}", daemon=True) for n in range(workers)]

    def start(self) -> None:
        for worker in self._workers:
            worker.start()
        self._broker.subscribe(self._topics("request/+/#"), self._on_request)

    def stop(self, timeout_s: float = 1.0) -> None:
        """Take no more requests; those being executed are waited for, timeout_s at most in all. Safe to call twice."""
        self._stopping.set()
        for _ in self._workers:
            with contextlib.suppress(queue.Full):  # then they are awake anyhow
                self._queue.put_nowait(None)
        until_s = time.monotonic() + timeout_s
        for worker in self._workers:
            if worker.is_alive():
                worker.join(max(0.0, until_s - time.monotonic()))

    # On the network thread

    def _on_request(self, topic: str, payload: bytes, retained: bool) -> None:
        if self._stopping.is_set():
            return
        if retained:  # left on the broker, it would be done again at each start
            log.warning("ignored a retained request on %s", topic[:200])
            return
        if len(payload) > MAX_PAYLOAD_BYTES:  # refused here: a queue of these would fill the memory
            self._handle(topic, payload)
            return
        try:
            self._queue.put_nowait((topic, payload))
            self._refusing = False
        except queue.Full:
            if not self._refusing:
                log.warning("more than %d requests wait; those that come now are dropped, and asked again by who is serious", QUEUE_LIMIT)
            self._refusing = True

    # On the workers

    def _work(self) -> None:
        while not self._stopping.is_set():
            self.on_round()
            try:
                request = self._queue.get(timeout=_ROUND_S)
            except queue.Empty:
                continue
            if request is None or self._stopping.is_set():
                return
            try:
                self._handle(*request)
            except Exception:
                log.exception("a request on %s could not be handled", request[0][:200])

    def _handle(self, topic: str, payload: bytes) -> None:
        login, verb = self._who_and_what(topic)
        try:
            transaction, parameters = read_request(payload)
        except BadMessage as error:
            log.warning("a bad request from %s on %s: %s", login[:64], verb[:200], error)
            if error.transaction is not None:
                self._respond(login, verb, error_answer(error.transaction, error.code, str(error)))
            return
        key = (login, transaction)
        place, answer = self._answers.claim(key)
        if place is Place.NEW:
            answer = self._answer(login, verb, transaction, parameters)
            self._answers.keep(key, answer)
        if answer is not None:
            self._respond(login, verb, answer)

    def _who_and_what(self, topic: str) -> tuple[str, str]:
        login, _, verb = (self._topics.below(topic) or "").removeprefix("request/").partition("/")
        return login, verb

    def _answer(self, login: str, verb: str, transaction: str, parameters: dict[str, Any]) -> bytes:
        try:
            answer = ok_answer(transaction, self._execute(login, verb, parameters))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, whoever asked has to be told
            return error_answer(transaction, *self._explain(verb, error))
        if len(answer) > MAX_PAYLOAD_BYTES:
            return error_answer(
                transaction, "too_large", f"the answer to {verb[:200]} has {len(answer)} bytes, more than fit: ask for less at once"
            )
        return answer

    def _explain(self, verb: str, error: Exception) -> tuple[str, str]:
        """Code and text for whoever asked."""
        code = getattr(error, "code", None)
        if isinstance(code, str):
            return code, str(error)
        complaints = getattr(error, "errors", None)
        if callable(complaints) and type(error).__name__ == "ValidationError":  # pydantic's, which need not be imported to be understood
            return "bad_request", _complaint(verb, complaints())
        log.error("%s failed", verb[:200], exc_info=error)
        return "internal", f"the appliance failed at {verb[:200]}; its log says why"

    def _respond(self, login: str, verb: str, answer: bytes) -> None:
        try:
            self._broker.publish(self._topics.response(login, verb), answer, retain=False)
        except ValueError:
            log.warning("no answer can be sent to a request on a topic that long")


def _complaint(verb: str, complaints: list[dict[str, Any]]) -> str:
    """Which parameter is wrong and why, of the first few; without the value, which may be a secret."""
    parts = [f"{'.'.join(map(str, one['loc']))[:100] or 'the request'}: {one['msg'][:300]}" for one in complaints[:3]]
    more = f" (and {len(complaints) - 3} more)" if len(complaints) > 3 else ""  # noqa: PLR2004 - as cut one line above
    return f"{verb[:200]}: {'; '.join(parts)}{more}"
