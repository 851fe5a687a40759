"""Files of exchange rates: currencies that the ECB does not quote (TWD), or a bank's own rates."""

from collections.abc import Iterable, Sequence

from shelftide.ingest.imports.kind import DAY_NAMES, Kind, Setting, Values, day, number, text
from shelftide_sdk import DataError
from shelftide_sdk.money import CURRENCIES
from shelftide_sdk.records import FxRate, Record


def _rate(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    base, quote = (_currency(row[name]) for name in ("base", "quote"))
    if base == quote:
        raise DataError(f"base and quote are both {base}")
    if row["rate"] <= 0:
        raise DataError(f"a rate must be positive, not {row['rate']}")
    yield FxRate(source=row["source"] or "file", base=base, quote=quote, day=row["day"], rate=row["rate"])


def _currency(code: str) -> str:
    found = code.strip().upper()
    if found not in CURRENCIES:
        raise DataError(f"unknown currency {code!r}")
    return found


RATES = Kind(
    name="fx-rates",
    title="Exchange rates",
    columns=(
        text("source", "provider", "bank", "来源", "fonte"),
        text("base", "base_currency", "from", "from_currency", "基准货币", "da", required=True),
        text("quote", "quote_currency", "to", "to_currency", "目标货币", "a", required=True),
        day("day", *DAY_NAMES, required=True),
        number("rate", "exchange_rate", "fx_rate", "汇率", "cambio", "kurs", required=True),
    ),
    make=_rate,
)
KINDS = (RATES,)
