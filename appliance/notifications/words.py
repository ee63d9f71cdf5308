"""What a notification says. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from appliance.archive import archives_in_words
from appliance.intake.admission import in_words
from appliance.notifications.desk import News

_MOST_TOLD = 10


class Text(NamedTuple):
    title: str
    body: str


def of_problems(news: Sequence[News], panel_url: str | None) -> Text:
    """One message for all of them."""
    first = news[0]
    if len(news) > 1:
        title = f"PyArchive: {len(news)} things need a look"
    elif first.returns:
        title = "PyArchive: a problem comes and goes"
    else:
        title = "PyArchive needs you" if first.problem.needs_you else "PyArchive: something is damaged"
    told = [_problem(each) for each in news[:_MOST_TOLD]]
    more = [f"And {len(news) - _MOST_TOLD} more."] if len(news) > _MOST_TOLD else []
    return Text(title, _body([*told, *more], panel_url))


def _problem(news: News) -> str:
    problem = news.problem
    text = f"{_sentence(problem.message)} What to do: {_sentence(problem.next_step)}"
    if not news.returns:
        return text
    times = "once" if news.returns == 1 else f"{news.returns} times"
    return f"It came back {times}{'' if news.is_standing else ', and is mended at the moment'}: {text}"


def of_safety(archives: int, size_bytes: int, panel_url: str | None) -> Text:
    what = f"{archives_in_words(archives)} ({in_words(size_bytes)}), all with a copy elsewhere."
    return Text("PyArchive: everything is safe", _body([what], panel_url))


def of_no_proof(days: int, last_at: datetime | None, panel_url: str | None) -> Text:
    since = f"since {last_at:%Y-%m-%d}" if last_at else "yet"
    text = (
        f"For {days} days no copy has been read back, so nothing was proven {since}. "
        "What to do: start a check that reads back (`pyarchive verify --read-back`)."
    )
    return Text("PyArchive: copies have not been proven for long", _body([text], panel_url))


def of_test(panel_url: str | None) -> Text:
    return Text("PyArchive: a test", _body(["This is how PyArchive tells you when it needs you."], panel_url))


def together(texts: Sequence[Text]) -> Text:
    """What waited while a target could not be reached, as one message."""
    if len(texts) == 1:
        return texts[0]
    return Text(f"PyArchive: {len(texts)} messages", "\n\n".join(f"{text.title}\n{text.body}" for text in texts))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _body(paragraphs: Sequence[str], panel_url: str | None) -> str:
    return "\n\n".join([*paragraphs, *([f"The panel: {panel_url}"] if panel_url else [])])
