"""What really happened, for scoring. Emulators must not show any of it."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Protocol

import msgspec

from shelftide_sdk.testing.world.abroad import counted, home_of
from shelftide_sdk.testing.world.ads_plan import PlannedAd
from shelftide_sdk.testing.world.cast import Role, quantum
from shelftide_sdk.testing.world.model import (
    AdFigures,
    Brand,
    Channel,
    Line,
    Model,
    Network,
    Order,
    ProfileFigures,
    RefundEvent,
)
from shelftide_sdk.testing.world.orders import line_net
from shelftide_sdk.testing.world.simulation import BrandSimulation
from shelftide_sdk.testing.world.stock import Loss
from shelftide_sdk.testing.world.timeline import DAY, complete_days, local_date, local_midnight
from shelftide_sdk.testing.world.videos import SimulatedVideo

_ZERO = Decimal(0)


class DailyRow(Model, frozen=True, kw_only=True):
    """One local day, channel and variant. Test orders are left out.

    `units`, `revenue` (lines after the seller's discount), `orders` (that hold the variant) and `cancelled_units`
    belong to the day of placing, cancelled orders included in the first three. `refunded` belongs to the day of the
    refund and is shared among the returned lines (among all lines when nothing came back) by their value.
    `lost_units` is demand that met an empty shelf.
    """

    brand_key: str
    day: date
    zone: str
    channel: str
    sku_key: str
    sku_code: str
    currency: str
    orders: int
    units: int
    revenue: Decimal
    cancelled_units: int
    refunded: Decimal
    lost_units: int


class TotalRow(Model, frozen=True, kw_only=True):
    """One local day and channel of a brand: as `DailyRow`, without variants. `orders` counts each order once."""

    brand_key: str
    day: date
    zone: str
    channel: str
    currency: str
    orders: int
    units: int
    revenue: Decimal
    cancelled_orders: int
    cancelled_units: int
    refunds: int
    refunded: Decimal


class CauseRow(Model, frozen=True, kw_only=True):
    """Why an order was placed. `cause_key` is a video's, creator's, ad's or live's key."""

    brand_key: str
    order_key: str
    channel: str
    number: int
    placed_at: datetime
    cause: str
    cause_key: str | None
    units: int
    revenue: Decimal
    currency: str
    cancelled: bool


class VideoRow(Model, frozen=True, kw_only=True):
    """A video as it stands: its class, whether it sells, and what it has sold."""

    brand_key: str
    video_key: str
    public_id: str
    network: str
    creator_key: str | None
    product_key: str | None
    posted_at: datetime
    public_at: datetime
    curve: str
    converts: bool
    views: int
    orders: int
    units: int
    revenue: Decimal
    currency: str


class AdRow(Model, frozen=True, kw_only=True):
    """An ad over its life: what its platform reports now, and what it really caused."""

    brand_key: str
    ad_key: str
    network: str
    currency: str
    spend: Decimal
    reported_conversions: int
    true_conversions: int


class StockRow(Model, frozen=True, kw_only=True):
    """A variant at a place at the end of a local day; `lost_units` were wanted there on that day and not to be had."""

    brand_key: str
    day: date
    zone: str
    sku_key: str
    sku_code: str
    place_key: str
    on_hand: int
    available: int
    committed: int
    incoming: int
    lost_units: int


class TruthSource(Protocol):
    """What the truth asks of the world."""

    brands: Sequence[Brand]

    @property
    def now(self) -> datetime:
        """The simulated present."""
        ...

    @property
    def start(self) -> datetime:
        """The first simulated moment."""
        ...

    def role(self, brand_key: str) -> Role:
        """What drives a brand."""
        ...

    def simulation(self, brand_key: str) -> BrandSimulation:
        """The simulation of a brand."""
        ...

    def orders(self, brand_key: str, channel: Channel) -> Sequence[Order]:
        """Orders placed by now."""
        ...

    def videos(self, brand_key: str, network: Network) -> Sequence[SimulatedVideo]:
        """Videos posted by now."""
        ...

    def ad_days(self, brand_key: str, network: str) -> Sequence[AdFigures]:
        """Days of ads."""
        ...

    def profile_days(self, brand_key: str, network: Network) -> Sequence[ProfileFigures]:
        """Days of the brand's own profile."""
        ...


class _Sum:
    """Running sums of a row."""

    def __init__(self) -> None:
        self.orders: set[str] = set()
        self.cancelled: set[str] = set()
        self.refunds = 0
        self.units = 0
        self.cancelled_units = 0
        self.lost_units = 0
        self.revenue = _ZERO
        self.refunded = _ZERO

    def add(self, order: Order, line: Line, *, cancelled: bool) -> None:
        self.orders.add(order.key)
        self.units += line.quantity
        self.revenue += line_net(line)
        if cancelled:
            self.cancelled.add(order.key)
            self.cancelled_units += line.quantity


class Truth:
    """The truth of a world at its present."""

    def __init__(self, world: TruthSource) -> None:
        self._world = world

    def orders(self, brand_key: str) -> list[Order]:
        """All real orders of a brand: no tests, in order of time."""
        found = [o for channel in Channel for o in self._world.orders(brand_key, channel) if not o.test]
        return sorted(found, key=lambda order: (order.placed_at, order.key))

    def losses(self, brand_key: str) -> list[Loss]:
        """Demand that met an empty shelf by now."""
        return [loss for loss in self._world.simulation(brand_key).shelf.losses if loss.at <= self._world.now]

    def daily(self, brand_key: str) -> list[DailyRow]:
        """Sales by local day, channel and variant, in the currency and days that the channel counts in."""
        brand = self._world.role(brand_key).brand
        sums: dict[tuple[date, str, str], _Sum] = defaultdict(_Sum)
        for order in map(counted, self.orders(brand_key)):
            zone = home_of(order.channel, brand).zone
            placed = local_date(order.placed_at, zone)
            for line in order.lines:
                sums[placed, order.channel, line.sku_key].add(order, line, cancelled=self._cancelled(order))
            for refund in self._refunds(order):
                day = local_date(refund.at, zone)
                for line, amount in refund_shares(order, refund):
                    sums[day, order.channel, line.sku_key].refunded += amount
        for loss in self.losses(brand_key):
            sums[
                local_date(loss.at, home_of(loss.channel, brand).zone), loss.channel, loss.sku_key
            ].lost_units += loss.units
        codes = {sku.key: sku.code for sku in brand.skus}
        return [
            DailyRow(
                brand_key=brand_key,
                day=day,
                zone=home_of(channel, brand).zone,
                channel=str(channel),
                sku_key=sku_key,
                sku_code=codes[sku_key],
                currency=home_of(channel, brand).currency,
                orders=len(entry.orders),
                units=entry.units,
                revenue=entry.revenue,
                cancelled_units=entry.cancelled_units,
                refunded=entry.refunded,
                lost_units=entry.lost_units,
            )
            for (day, channel, sku_key), entry in sorted(sums.items())
        ]

    def totals(self, brand_key: str) -> list[TotalRow]:
        """Sales by local day and channel, in the currency and days that the channel counts in."""
        brand = self._world.role(brand_key).brand
        sums: dict[tuple[date, str], _Sum] = defaultdict(_Sum)
        for order in map(counted, self.orders(brand_key)):
            zone = home_of(order.channel, brand).zone
            entry = sums[local_date(order.placed_at, zone), order.channel]
            for line in order.lines:
                entry.add(order, line, cancelled=self._cancelled(order))
            for refund in self._refunds(order):
                entry = sums[local_date(refund.at, zone), order.channel]
                entry.refunds += 1
                entry.refunded += refund.amount
        return [
            TotalRow(
                brand_key=brand_key,
                day=day,
                zone=home_of(channel, brand).zone,
                channel=str(channel),
                currency=home_of(channel, brand).currency,
                orders=len(entry.orders),
                units=entry.units,
                revenue=entry.revenue,
                cancelled_orders=len(entry.cancelled),
                cancelled_units=entry.cancelled_units,
                refunds=entry.refunds,
                refunded=entry.refunded,
            )
            for (day, channel), entry in sorted(sums.items())
        ]

    def causes(self, brand_key: str) -> list[CauseRow]:
        """Why each order was placed."""
        return [
            CauseRow(
                brand_key=brand_key,
                order_key=order.key,
                channel=str(order.channel),
                number=order.number,
                placed_at=order.placed_at,
                cause=order.cause,
                cause_key=order.cause_key,
                units=sum(line.quantity for line in order.lines),
                revenue=sum((line_net(line) for line in order.lines), _ZERO),
                currency=order.currency,
                cancelled=self._cancelled(order),
            )
            for order in self.orders(brand_key)
        ]

    def videos(self, brand_key: str) -> list[VideoRow]:
        """Every video with its views and what it has sold."""
        brand = self._world.role(brand_key).brand
        sold: dict[str, _Sum] = defaultdict(_Sum)
        for order in self.orders(brand_key):
            if order.cause == "video" and order.cause_key is not None:
                for line in order.lines:
                    sold[order.cause_key].add(order, line, cancelled=False)
        return [
            VideoRow(
                brand_key=brand_key,
                video_key=video.key,
                public_id=video.public_id,
                network=str(video.network),
                creator_key=video.creator_key,
                product_key=video.product_keys[0] if video.product_keys else None,
                posted_at=video.posted_at,
                public_at=video.public_at,
                curve=video.curve,
                converts=video.converts,
                views=video.views(self._world.now),
                orders=len(sold[video.key].orders),
                units=sold[video.key].units,
                revenue=sold[video.key].revenue,
                currency=brand.currency,
            )
            for network in self._world.role(brand_key).networks
            for video in self._world.videos(brand_key, network)
        ]

    def ads(self, brand_key: str) -> list[AdRow]:
        """Every ad: reported beside true."""
        rows = []
        for network in self._world.role(brand_key).over_reporting:
            days: dict[str, list[AdFigures]] = defaultdict(list)
            for figures in self._world.ad_days(brand_key, network):
                days[figures.ad_key].append(figures)
            planned = [ad for ad in self._world.simulation(brand_key).ads if ad.network == network]
            rows += [self._ad_row(brand_key, ad, days[ad.ad.key]) for ad in planned if ad.ad.key in days]
        return rows

    def stock(self, brand_key: str) -> list[StockRow]:
        """Every variant and place at the end of each complete local day."""
        brand = self._world.role(brand_key).brand
        simulation = self._world.simulation(brand_key)
        shipments = simulation.shipments_until(self._world.now)
        codes = {sku.key: sku.code for sku in brand.skus}
        lost: dict[tuple[date, str, str], int] = defaultdict(int)
        for loss in self.losses(brand_key):
            lost[local_date(loss.at, brand.zone), loss.sku_key, loss.place_key] += loss.units
        rows = []
        for day in complete_days(self._world.start, self._world.now, brand.zone):
            end = local_midnight(day + DAY, brand.zone) - DAY.resolution
            known = [shipment for shipment in shipments if shipment.ordered_at <= end]
            rows += [
                StockRow(
                    brand_key=brand_key,
                    day=day,
                    zone=brand.zone,
                    sku_key=state.sku_key,
                    sku_code=codes[state.sku_key],
                    place_key=state.place_key,
                    on_hand=state.available + state.committed,
                    available=state.available,
                    committed=state.committed,
                    incoming=state.incoming,
                    lost_units=lost[day, state.sku_key, state.place_key],
                )
                for state in simulation.shelf.states(end, known)
            ]
        return rows

    def export(self, folder: Path) -> list[Path]:
        """Write CSV files of all brands and `brands.json` to `folder` (made if missing); returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        keys = [brand.key for brand in self._world.brands]
        paths = [
            _write(folder / "daily.csv", DailyRow, [row for key in keys for row in self.daily(key)]),
            _write(folder / "totals.csv", TotalRow, [row for key in keys for row in self.totals(key)]),
            _write(folder / "causes.csv", CauseRow, [row for key in keys for row in self.causes(key)]),
            _write(folder / "videos.csv", VideoRow, [row for key in keys for row in self.videos(key)]),
            _write(folder / "ads.csv", AdRow, [row for key in keys for row in self.ads(key)]),
            _write(folder / "stock.csv", StockRow, [row for key in keys for row in self.stock(key)]),
        ]
        brands = folder / "brands.json"
        brands.write_bytes(msgspec.json.format(msgspec.json.encode(self._world.brands)))
        return [*paths, brands]

    def _cancelled(self, order: Order) -> bool:
        return order.cancelled_at is not None and order.cancelled_at <= self._world.now

    def _refunds(self, order: Order) -> list[RefundEvent]:
        return [refund for refund in order.refunds if refund.at <= self._world.now]

    def _ad_row(self, brand_key: str, planned: PlannedAd, days: Sequence[AdFigures]) -> AdRow:
        return AdRow(
            brand_key=brand_key,
            ad_key=planned.ad.key,
            network=planned.network,
            currency=self._world.role(brand_key).brand.currency,
            spend=sum((day.spend for day in days), _ZERO),
            reported_conversions=sum(day.conversions for day in days),
            true_conversions=sum(day.true_conversions for day in days),
        )


def refund_shares(order: Order, refund: RefundEvent) -> list[tuple[Line, Decimal]]:
    """A refund's amount shared among lines by value; the shares sum to the amount exactly."""
    lines = [line for line in order.lines if line.key in refund.lines] or list(order.lines)
    pieces = {line.key: refund.lines.get(line.key, line.quantity) for line in lines}
    values = [line_net(line) * pieces[line.key] / line.quantity for line in lines]
    step = quantum(order.currency)
    shares = [(refund.amount * value / sum(values)).quantize(step, ROUND_DOWN) for value in values]
    shares[-1] += refund.amount - sum(shares)
    return list(zip(lines, shares, strict=True))


def _write(path: Path, kind: type[Model], rows: Iterable[Model]) -> Path:
    names = kind.__struct_fields__
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows:
            writer.writerow([_cell(getattr(row, name)) for name in names])
    return path


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return int(value)
    return "" if value is None else value
