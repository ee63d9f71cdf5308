"""Which topics a filter of MQTT means."""

from __future__ import annotations


def levels(topic_filter: str) -> list[str] | None:
    """The filter cut at ``/``; None where it is not a valid one."""
    parts = topic_filter.split("/")
    if not topic_filter or "\0" in topic_filter or "#" in topic_filter[:-1]:
        return None
    for part in parts:
        if len(part) > 1 and ("+" in part or "#" in part):
            return None
    return parts


def is_topic(topic: str) -> bool:
    """A name that can be published to: not empty, without wildcards and NUL."""
    return bool(topic) and not any(sign in topic for sign in "+#\0")


def matches(filter_levels: list[str], topic_levels: list[str]) -> bool:
    """``#`` also means its parent level; a wildcard at the start does not mean topics that begin with ``$``."""
    if filter_levels[0] in {"+", "#"} and topic_levels[0].startswith("$"):
        return False
    for index, wanted in enumerate(filter_levels):
        if wanted == "#":
            return True
        if index >= len(topic_levels) or wanted not in {"+", topic_levels[index]}:
            return False
    return len(filter_levels) == len(topic_levels)
