"""What timetable and metered mode allow at the moment, and the upload limit in force."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance import clock
from appliance.settings import Settings, SettingsStore
from appliance.timetable import Timetable, local_time, timetable
from mqtt.messages import Direction, UploadWindow

_TRUST_AGAIN_S = 60.0
_NO_CLOCK = (
    "the clock is not right yet, so the timetable cannot be followed and uploads wait; it goes on by itself once the clock is set, "
    "or without a timetable (`pyarchive settings set timetable --default`)"
)
_METERED = "the line is metered: nothing moves"


@dataclass(frozen=True, slots=True)
class Window:
    """``limit_kb_per_s``: 0 for none. ``reason`` says what closes or narrows it; ``until_at`` when the timetable changes it next."""

    uploads: bool = True
    downloads: bool = True
    limit_kb_per_s: int = 0
    reason: str | None = None
    until_at: datetime | None = None

    @property
    def limit_bytes_per_s(self) -> int:
        return self.limit_kb_per_s * 1000

    def lets(self, direction: Direction, *, for_upload: bool = False) -> bool:
        """``for_upload``: what is fetched only to be carried on to another connection."""
        return self.downloads and (self.uploads or (direction is Direction.DOWN and not for_upload))

    def why_closed(self, direction: Direction) -> tuple[str | None, datetime | None]:
        """The reason and its end; (None, None) while it is open."""
        return (None, None) if self.lets(direction) else (self.reason, self.until_at)

    def message(self) -> UploadWindow:
        return UploadWindow(allowed=self.uploads, limit_kb_per_s=self.limit_kb_per_s, reason=self.reason, until_at=self.until_at)


def window(settings: Settings, at: datetime, *, clock_is_right: bool) -> Window:
    """What holds at that time: closed by whatever closes it, else the lowest of all limits."""
    if settings.metered and not settings.metered_limit_kb_per_s:
        return Window(uploads=False, downloads=False, reason=_METERED)
    try:
        table = timetable(settings.timetable, settings.time_zone if settings.timetable else None)
    except ValueError as error:  # a zone that was one, until the system was upgraded
        return Window(uploads=False, reason=f"the timetable cannot be followed, so uploads wait: time_zone: {error}")
    if table.rules and not clock_is_right:
        return Window(uploads=False, reason=_NO_CLOCK)
    limit, until = table.limit_at(at), table.next_change_at(at)
    if limit is None:
        return Window(uploads=False, reason=f"the timetable pauses uploads{_until(table, at, until)}", until_at=until)
    return _narrowed(settings, limit, until, _until(table, at, until))


def _narrowed(settings: Settings, by_timetable: int, until: datetime | None, until_in_words: str) -> Window:
    limits = [
        (by_timetable, f"the timetable limits uploads to {by_timetable} kB/s{until_in_words}"),
        (
            settings.metered_limit_kb_per_s * settings.metered,
            f"the line is metered: uploads at {settings.metered_limit_kb_per_s} kB/s",
        ),
        (settings.upload_limit_kb_per_s, f"upload_limit_kb_per_s limits uploads to {settings.upload_limit_kb_per_s} kB/s"),
    ]
    lowest, reason = min(((limit, reason) for limit, reason in limits if limit), default=(0, None), key=lambda pair: pair[0])
    return Window(limit_kb_per_s=lowest, reason=reason, until_at=until)


def _until(table: Timetable, at: datetime, until: datetime | None) -> str:
    """`` until 18:00``, or with the day where that is not today; in the timetable's zone."""
    if until is None:
        return ""
    now, then = local_time(at, table.zone), local_time(until, table.zone)
    if then.date() == now.date():
        return f" until {then:%H:%M}"
    return f" until {then:%a %H:%M}" if then - now < timedelta(days=6) else f" until {then:%Y-%m-%d %H:%M}"


class Windows:
    """Keeps the window of now. ``current`` costs nothing; ``look`` renews it where settings, the time or the clock have changed.

    ``clock_is_right()`` may be slow: it is asked only while there is a timetable, when the clock went back, and once a minute.
    """

    def __init__(self, settings: SettingsStore, clock_is_right: Callable[[], bool]) -> None:
        self._settings = settings
        self._clock_is_right = clock_is_right
        self._lock = threading.Lock()
        self._looked_at = clock.now()
        self._trusted_until_s = 0.0
        self._valid: tuple[Settings, bool, datetime, datetime | None] | None = None
        self._listeners: list[Callable[[], None]] = []
        self.current = Window()
        self.look()
        settings.on_change(self.look)

    def on_change(self, listener: Callable[[], None]) -> None:
        """``listener()`` when something else is allowed, or for another reason, than before; it must only enqueue."""
        self._listeners.append(listener)

    def look(self) -> None:
        """Cheap enough for every second."""
        with self._lock:
            before = self.current
            self._renew()
            is_news = self.current != before
        for listener in self._listeners if is_news else ():
            listener()

    def _renew(self) -> None:
        now, settings = clock.now(), self._settings.current
        is_right = not settings.timetable or self._is_trusted(now)
        self._looked_at = now
        if not self._still_holds(settings, now, is_right=is_right):
            self.current = window(settings, now, clock_is_right=is_right)
            self._valid = settings, is_right, now, self.current.until_at

    def _still_holds(self, settings: Settings, now: datetime, *, is_right: bool) -> bool:
        if self._valid is None:
            return False
        of, was_right, since, until = self._valid
        return of is settings and was_right == is_right and since <= now and (until is None or now < until)

    def _is_trusted(self, now: datetime) -> bool:
        if now < self._looked_at or clock.monotonic_s() >= self._trusted_until_s:
            self._trusted_until_s = clock.monotonic_s() + _TRUST_AGAIN_S if self._clock_is_right() else 0.0
        return self._trusted_until_s > 0

    def due_s(self) -> float:
        """Seconds until the timetable changes it, by the clock of now; infinite where it does not."""
        until = self.current.until_at
        return float("inf") if until is None else max(0.0, (until - clock.now()).total_seconds())
