"""Days and spans out of texts."""

from datetime import date

from shelftide.analytics.metrics.query import Span


def day(text: str) -> date:
    return date.fromisoformat(text)


def span(since: str, until: str) -> Span:
    return Span(day(since), day(until))
