"""Page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from ui.panel import parts
from ui.panel.archives.query import PER_PAGE, Query, pages_shown

Go = Callable[[int], Awaitable[object]]


class Pager:
    """Links to the pages: they can be opened in a tab of their own, and a plain click changes the list in place."""

    def __init__(self, go: Go) -> None:
        self._go = go
        self._element = ui.element("nav").classes("pa-pager").props('aria-label="Pages"')

    def show(self, query: Query, total: int) -> None:
        last = last_page(total)
        self._element.clear()
        self._element.set_visibility(last > 1)
        with self._element:
            self._step("chevron_left", "Page before", query, query.page - 1, last)
            for number in pages_shown(query.page, last):
                if number is None:
                    parts.text("…").classes("pa-pager-gap").props('aria-hidden="true"')
                else:
                    self._number(query, number)
            self._step("chevron_right", "Next page", query, query.page + 1, last)

    def _number(self, query: Query, number: int) -> None:
        element = parts.link(f"{number:,}", query.at(number).address).classes("pa-pager-page pa-num")
        element.props["aria-label"] = f"Page {number}"
        if number == query.page:
            element.props('aria-current="page"')
        element.on("click.exact.prevent", lambda: self._go(number))

    def _step(self, icon: str, label: str, query: Query, number: int, last: int) -> None:
        if not 1 <= number <= last:
            ui.element("span").classes("pa-pager-page pa-pager-off")
            return
        with ui.element("a").classes("pa-pager-page") as element:
            parts.icon(icon)
        element.props["href"] = query.at(number).address
        element.props["aria-label"] = label
        element.on("click.exact.prevent", lambda: self._go(number))


def last_page(total: int) -> int:
    return max(1, -(-total // PER_PAGE))
