"""Writes docs/metrics.md out of the catalogue: `make metrics`. A test holds the two together."""

from pathlib import Path

from shelftide.analytics.metrics.catalogue import ADDITIVITY, DAYS, catalogue
from shelftide.analytics.metrics.explain import MetricNote, note_of

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
_HEAD = """# Metrics

Written by `make metrics` from `backend/shelftide/analytics/metrics/catalogue.toml`; how the parts work:
[numbers](numbers.md). A rate whose denominator is 0 or unknown is unknown, with the reason, never 0. Classes: measured,
estimated, proxy, observed (a platform's or a person's word). References name a row of the capabilities.

"""


def page() -> str:
    """The whole page."""
    known = catalogue()
    notes = [note_of(known, metric) for metric in known.metrics.values()]
    parts = [
        f"| `{m.name}` | {m.aggregate}{f' of each {m.of}' if m.of else ''} | "
        f"{', '.join(f'{s.fact}.{s.column}' for s in m.sources)} | {ADDITIVITY[m.aggregate]} |"
        for m in known.measures.values()
    ]
    return "\n".join(
        [
            _HEAD + "| Metric | Formula | Rate of | Unit | Class | Can be cut by | Reference |",
            "|---|---|---|---|---|---|---|",
            *(_line(note) for note in notes),
            "",
            f"## Parts of formulas\n\n`{DAYS}` is the number of days of the period.\n",
            "| Part | Aggregate | Facts | Adds over |",
            "|---|---|---|---|",
            *parts,
            "",
        ]
    )


def _line(note: MetricNote) -> str:
    said = f"**{note.titles['en']}** `{note.name}`" + (f"<br>{note.note}" if note.note else "")
    cells = (said, f"`{note.formula}`", note.denominator and f"`{note.denominator}`", note.unit, note.kind)
    return f"| {' | '.join(cells)} | {', '.join(note.dimensions)} | {note.reference} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
