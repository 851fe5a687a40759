"""The warehouse against the world's truth: per brand, local day, channel, currency and SKU.

Absolute differences are added, so that errors cannot cancel out: 0 means equal everywhere.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

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


def _compare(brand: str, channels: Mapping[str, str], ours: Mapping[str, Rows], truth: Mapping[str, Any]) -> Comparison:
    def true_rows(name: str) -> list[dict[str, Any]]:
        return [{**row, "platform": channels[row["channel"]]} for row in truth[name] if row["channel"] in channels]

    daily = [row for row in true_rows("daily") if row["orders"] or row["units"]]
    sums = true_rows("totals")
    sku = ("platform", "day", "sku", "currency")
    day = ("platform", "day", "currency")
    placed = [{**row, "sku": row["sku_code"]} for row in daily]
    stock = [
        {"platform": channels[channel], "sku": row["sku"], "available": row["available"]}
        for row in truth["stock"]
        for channel in row["channels"]
        if channel in channels
    ]
    videos = [row for row in truth["videos"] if row["network"] in channels and row["creator"] is None]
    # TikTok shows a day some 24 to 48 hours after its end: younger ones count only where they are there already.
    shown = {str(row["day"]) for row in ours["profile_days"]}
    ripe = (datetime.fromisoformat(truth["now"]) - timedelta(hours=48)).date().isoformat()
    profile_days = [
        row
        for row in truth["profile_days"]
        if row["network"] in channels and (row["day"] <= ripe or row["day"] in shown)
    ]
    refunded = [row for row in sums if row["refunds"]]
    placed_days = [row for row in sums if row["orders"]]
    streams = [
        _stream(brand, "order_lines", _gap(sku, "orders", ours["sales"], placed, int)),
        _stream(brand, "orders", _gap(day, "orders", ours["orders"], placed_days, int)),
        _stream(brand, "refunds", _gap(day, "refunds", ours["refunds"], refunded, int)),
        _stream(brand, "stock", _gap(("platform", "sku"), "available", ours["stock"], stock, int)),
        _stream(brand, "contents", _gap(("content_id",), "views", ours["content"], videos, int)),
        _stream(brand, "profile_days", _gap(("day",), "views", ours["profile_days"], profile_days, int)),
    ]
    return Comparison(
        brand=brand,
        streams=streams,
        rows=sum(abs(stream["difference"]) for stream in streams[:4])
        + int(_gap(day, "cancelled_orders", ours["orders"], placed_days, int)[2])
        + int(_gap(sku, "cancelled_units", ours["sales"], placed, int)[2]),
        units=int(_gap(sku, "units", ours["sales"], placed, int)[2]),
        revenue=_gap(sku, "revenue", ours["sales"], placed, Decimal)[2]
        + _gap(day, "refunded", ours["refunds"], refunded, Decimal)[2],
        views=int(streams[4]["difference"] + streams[5]["difference"]),
    )


Gap = tuple[Any, Any, Any]


def _gap(keys: Sequence[str], value: str, ours: Rows, theirs: Rows, number: Callable[[Any], Any]) -> Gap:
    """(our sum, true sum, sum of absolute differences by key)."""
    left, right = _by(keys, value, ours, number), _by(keys, value, theirs, number)
    zero = number(0)
    difference = sum((abs(left.get(k, zero) - right.get(k, zero)) for k in left.keys() | right.keys()), start=zero)
    return sum(left.values(), start=zero), sum(right.values(), start=zero), difference


def _by(keys: Sequence[str], value: str, rows: Rows, number: Callable[[Any], Any]) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = defaultdict(lambda: number(0))
    for row in rows:
        found[tuple(str(row[key]) for key in keys)] += number(row[value] if row[value] is not None else 0)
    return found


def _stream(brand: str, name: str, gap: Gap) -> dict[str, Any]:
    ours, theirs, difference = gap
    return {"tenant": brand, "stream": name, "rows": ours, "truth_rows": theirs, "difference": difference}
