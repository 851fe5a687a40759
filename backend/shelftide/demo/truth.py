"""The warehouse against the world's truth: per brand, local day, channel, currency and SKU.

Absolute differences are added, so that errors cannot cancel out: 0 means equal everywhere.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import msgspec

from shelftide.analytics.totals import totals
from shelftide.demo.seeding import SeededBrand
from shelftide.jobs.services import Services

Rows = Iterable[Mapping[str, Any]]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Absolute differences of one brand, and rows per stream."""

    brand: str
    streams: list[dict[str, Any]]
    rows: int
    units: int
    revenue: Decimal
    views: int


async def compare(services: Services, sim_url: str, brands: Sequence[SeededBrand]) -> list[Comparison]:
    """All brands against the simulator's truth."""
    platforms = {name: c.info.platform for name, c in services.registry.connectors.items() if c.info.emulator}
    found = []
    async with httpx2.AsyncClient(timeout=120.0) as client:
        for brand in brands:
            truth = (await client.get(f"{sim_url}/_sim/truth", params={"brand": brand.key})).json()
            ours = await totals(services.warehouses.of(brand.tenant_id))
            mine = {name: platforms[name] for name in platforms if name in brand.accounts}
            found.append(_compare(brand.key, mine, ours, truth))
    return found


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """Our rows beside the true ones, by key. Without `value`, rows are counted."""

    stream: str
    keys: tuple[str, ...]
    value: str | None
    ours: Sequence[Mapping[str, Any]]
    theirs: Sequence[Mapping[str, Any]]

    def gap(self, value: str | None = None, number: Callable[[Any], Any] = int) -> Any:
        """Sum of absolute differences by key."""
        return _gap(self.keys, value or self.value, self.ours, self.theirs, number)

    def row(self, brand: str, platform: str) -> dict[str, Any]:
        """As `demo --once --json` prints it, for one platform."""
        ours = [row for row in self.ours if row["platform"] == platform]
        theirs = [row for row in self.theirs if row["platform"] == platform]
        return {
            "tenant": brand,
            "platform": platform,
            "stream": self.stream,
            "rows": sum(_by(self.keys, self.value, ours, int).values()),
            "truth_rows": sum(_by(self.keys, self.value, theirs, int).values()),
            "difference": _gap(self.keys, self.value, ours, theirs, int),
        }


def _measures(channels: Mapping[str, str], ours: Mapping[str, Any], truth: Mapping[str, Any]) -> list[Measure]:
    sku, day = ("platform", "day", "sku", "currency"), ("platform", "day", "currency")
    daily = _on(channels, truth["daily"], "channel")
    totals_ = _on(channels, truth["totals"], "channel")
    stock = [
        {"platform": channels[channel], "sku": row["sku"], "available": row["available"]}
        for row in truth["stock"]
        for channel in row["channels"]
        if channel in channels
    ]
    videos = [row for row in _on(channels, truth["videos"], "network") if row["creator"] is None]
    feeds = {channels[name] for name in truth["networks"] if name in channels}
    content = [row for row in ours["content"] if row["platform"] in feeds]
    # What a platform does not tell of a post (views of an album) is not compared.
    told = {row["content_id"] for row in content if row["views"] is None}
    videos = [{**row, "views": 0} if row["content_id"] in told else row for row in videos]
    days, figures = _profile_days(ours["profile_days"], _on(channels, truth["profile_days"], "network"), truth)
    placed = [{**row, "sku": row["sku_code"]} for row in daily if row["orders"] or row["units"]]
    orders = [row for row in totals_ if row["orders"]]
    refunds = [row for row in totals_ if row["refunds"]]
    return [
        Measure(stream="orders", keys=day, value="orders", ours=ours["orders"], theirs=orders),
        Measure(stream="order_lines", keys=sku, value="orders", ours=ours["sales"], theirs=placed),
        Measure(stream="refunds", keys=day, value="refunds", ours=ours["refunds"], theirs=refunds),
        Measure(stream="stock", keys=("platform", "sku"), value="available", ours=ours["stock"], theirs=stock),
        Measure(stream="contents", keys=("content_id",), value=None, ours=content, theirs=videos),
        Measure(stream="profile_days", keys=("platform", "day"), value=None, ours=days, theirs=figures),
    ]


def _profile_days(ours: Sequence[Any], theirs: Sequence[Any], truth: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Days that both sides can have: since the world began; young ones where the platform shows them already.

    A platform shows a day up to 48 hours after its end.
    """
    shown = {(row["platform"], str(row["day"])) for row in ours}
    settled = datetime.fromisoformat(truth["now"]).astimezone(ZoneInfo(truth["zone"])) - timedelta(hours=48)
    last = (settled.date() - timedelta(days=1)).isoformat()
    first = min((row["day"] for row in theirs), default=last)
    there = [row for row in theirs if row["day"] <= last or (row["platform"], row["day"]) in shown]
    return [row for row in ours if str(row["day"]) >= first], there


def _on(channels: Mapping[str, str], rows: Rows, name: str) -> list[Mapping[str, Any]]:
    """Rows of the channels that are connected, with our platform's name."""
    return [{**row, "platform": channels[row[name]]} for row in rows if row[name] in channels]


def _compare(brand: str, channels: Mapping[str, str], ours: Mapping[str, Any], truth: Mapping[str, Any]) -> Comparison:
    measures = _measures(channels, ours, truth)
    orders, lines, refunds, _, content, days = measures
    rows = [measure.row(brand, platform) for platform in sorted(set(channels.values())) for measure in measures]
    streams = [row for row in rows if row["rows"] or row["truth_rows"]]
    return Comparison(
        brand=brand,
        streams=streams,
        rows=sum(row["difference"] for row in streams) + orders.gap("cancelled_orders") + lines.gap("cancelled_units"),
        units=lines.gap("units"),
        revenue=lines.gap("revenue", Decimal) + refunds.gap("refunded", Decimal),
        views=content.gap("views") + days.gap("views"),
    )


def _gap(keys: Sequence[str], value: str | None, ours: Rows, theirs: Rows, number: Callable[[Any], Any]) -> Any:
    """Sum of absolute differences by key; without `value`, how many keys only one side has."""
    left, right = _by(keys, value, ours, number), _by(keys, value, theirs, number)
    zero = number(0)
    return sum((abs(left.get(k, zero) - right.get(k, zero)) for k in left.keys() | right.keys()), start=zero)


def _by(keys: Sequence[str], value: str | None, rows: Rows, number: Callable[[Any], Any]) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = defaultdict(lambda: number(0))
    for row in rows:
        one = 1 if value is None else row[value] if row[value] is not None else 0
        found[tuple(str(row[key]) for key in keys)] += number(one)
    return found
