"""What reports tell of stock, shipments, listings and feedback. Columns are those of Amazon's own flat files."""

from collections.abc import Sequence
from functools import partial

import msgspec

from shelftide_amazon.mapping_goods import fba_location, merchant_location
from shelftide_amazon.report_rows import (
    Kind,
    Source,
    code,
    needed_pieces,
    on_day,
    pieces,
    priced,
    when,
)
from shelftide_amazon.tables import cell
from shelftide_amazon.values import Row, maybe_word, moment, word
from shelftide_sdk.connector import days
from shelftide_sdk.errors import DataError
from shelftide_sdk.records import AccountHealth, InboundShipment, Listing, Product, Record, StockLevel, Variant


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a report on stock; several columns are added up. `country` names whose warehouses are meant."""

    sku: str
    available: str
    committed: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    incoming: tuple[str, ...] = ()
    country: str = ""
    at: str = ""

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns without which the file is another one."""
        return (self.sku, self.available)


_UNSUPPRESSED = Shelf(
    sku="sku",
    available="afn-fulfillable-quantity",
    reserved=("afn-reserved-quantity",),
    damaged=("afn-unsellable-quantity",),
    searched=("afn-researching-quantity",),
    incoming=("afn-inbound-working-quantity", "afn-inbound-shipped-quantity", "afn-inbound-receiving-quantity"),
)
_PLANNING = Shelf(
    sku="sku",
    available="available",
    reserved=("reserved-quantity",),
    damaged=("unfulfillable-quantity",),
    incoming=("inbound-quantity",),
)
_RESTOCK = Shelf(
    sku="merchant sku",
    available="available",
    committed=("customer order",),
    reserved=("fc transfer", "fc processing"),
    damaged=("unfulfillable",),
    incoming=("working", "shipped", "receiving"),
    country="country",
)
_STRANDED = Shelf(
    sku="sku",
    available="fulfillable-qty",
    reserved=("reserved-quantity",),
    damaged=("unfulfillable-qty",),
    incoming=("inbound-shipped-qty",),
)
_BY_COUNTRY = Shelf(sku="seller-sku", available="quantity-for-local-fulfillment", country="country")
_VENDOR = Shelf(
    sku="asin",
    available="sellableOnHandInventoryUnits",
    damaged=("unsellableOnHandInventoryUnits",),
    incoming=("openPurchaseOrderUnits",),
)
_VENDOR_NOW = Shelf(sku="asin", available="highlyAvailableInventory", at="endTime")


def map_shelf(rows: Sequence[Row], source: Source, shelf: Shelf) -> list[StockLevel]:
    """One item's pieces at one place, over all conditions; the newest row where rows tell of several times."""
    rows = [max(rows, key=lambda row: moment(row.get(shelf.at), shelf.at))] if shelf.at else rows
    totals = [_level(row, source, shelf) for row in rows]
    found = totals[0]
    for other in totals[1:]:
        sums = {
            name: _added(getattr(found, name), getattr(other, name))
            for name in ("available", "committed", "reserved", "damaged", "quality_control", "incoming")
        }
        found = msgspec.structs.replace(found, **sums)
    return [found]


def _added(first: int | None, second: int | None) -> int | None:
    return second if first is None else first + (second or 0)


def _level(row: Row, source: Source, shelf: Shelf) -> StockLevel:
    sku = code(row, shelf.sku)
    country = cell(row, shelf.country) if shelf.country else None
    return StockLevel(
        stock_item_id=sku,
        location_id=f"FBA-{country}" if country else fba_location(source.market),
        sku=sku,
        available=needed_pieces(row, shelf.available),
        committed=pieces(row, *shelf.committed),
        reserved=pieces(row, *shelf.reserved),
        damaged=pieces(row, *shelf.damaged),
        quality_control=pieces(row, *shelf.searched),
        incoming=pieces(row, *shelf.incoming),
        updated_at=moment(row.get(shelf.at), shelf.at) if shelf.at else None,
    )


def _map_unsuppressed(rows: Sequence[Row], source: Source) -> list[StockLevel]:
    """What Amazon keeps, and what the seller keeps where he ships it himself."""
    (level,) = map_shelf(rows, source, _UNSUPPRESSED)
    known = (level.reserved, level.damaged, level.quality_control)
    whole = None if None in known else level.available + sum(value or 0 for value in known)
    found = [msgspec.structs.replace(level, on_hand=whole)]
    own = pieces(rows[0], "mfn-fulfillable-quantity")
    if own is not None:
        found.append(_own_shelf(level.stock_item_id, own, source))
    return found


def _own_shelf(sku: str, available: int, source: Source) -> StockLevel:
    return StockLevel(stock_item_id=sku, location_id=merchant_location(source.market), sku=sku, available=available)


def _map_conditions(rows: Sequence[Row], source: Source) -> StockLevel:
    """Pieces of an item by condition: only SELLABLE ones are for sale."""
    sku, counted = code(rows[0], "seller-sku"), [0, 0]
    for row in rows:
        good = (cell(row, "warehouse-condition-code") or "").upper() == "SELLABLE"
        counted[not good] += needed_pieces(row, "quantity available")
    return StockLevel(
        stock_item_id=sku,
        location_id=fba_location(source.market),
        sku=sku,
        available=counted[False],
        damaged=counted[True],
    )


def _map_ledger(rows: Sequence[Row], source: Source) -> StockLevel:
    """The balance of an item at a place at the end of the last day that the ledger tells."""
    last = max(on_day(row, "date", source) for row in rows)
    counted = [0, 0]
    for row in rows:
        if on_day(row, "date", source) == last:
            good = (cell(row, "disposition") or "").upper() == "SELLABLE"
            counted[not good] += needed_pieces(row, "ending warehouse balance")
    sku, place = code(rows[0], "msku"), cell(rows[0], "location")
    return StockLevel(
        stock_item_id=sku,
        location_id=f"FBA-{place}" if place else fba_location(source.market),
        sku=sku,
        available=counted[False],
        damaged=counted[True],
        updated_at=when({"date": last.isoformat()}, "date", source),
    )


# -- shipments --------------------------------------------------------------------------------------------------------


def _map_movements(rows: Sequence[Row], source: Source) -> list[InboundShipment]:
    """Receipts of a shipment's item among the ledger's movements; the balance of the others is in the stock."""
    found = [row for row in rows if (cell(row, "event type") or "").lower() == "receipts"]
    if not found:
        return []
    count = sum(needed_pieces(row, "quantity") for row in found)
    last = max(when(row, "date and time" if row.get("date and time") else "date", source) for row in found)
    return [
        InboundShipment(
            source_id=code(found[0], "reference id"),
            sku=code(found[0], "msku"),
            quantity=count,
            received=count,
            status="receiving",
            location_id=fba_location(source.market),
            received_at=last,
        )
    ]


def _map_return(rows: Sequence[Row], source: Source) -> InboundShipment:
    """A piece that a buyer sent back and that has arrived. What was paid for it is told by the finances."""
    row = rows[0]
    parcel = cell(row, "license-plate-number") or code(row, "order-id")
    count = sum(needed_pieces(each, "quantity") for each in rows)
    return InboundShipment(
        source_id=f"return:{parcel}",
        sku=code(row, "sku"),
        quantity=count,
        received=count,
        status=f"returned: {cell(row, 'detailed-disposition') or 'unknown'}".lower(),
        location_id=fba_location(source.market),
        received_at=when(row, "return-date", source),
    )


def _map_removed(rows: Sequence[Row], source: Source) -> InboundShipment:
    """Pieces that Amazon sends back to the seller."""
    row = rows[0]
    return InboundShipment(
        source_id=f"removal:{code(row, 'order-id')}:{cell(row, 'tracking-number') or ''}",
        sku=code(row, "sku"),
        quantity=sum(needed_pieces(each, "quantity shipped") for each in rows),
        status="shipped",
        location_id=merchant_location(source.market),
        ordered_at=when(row, "shipment-date", source),
    )


# -- listings ---------------------------------------------------------------------------------------------------------


def _map_offer(rows: Sequence[Row], source: Source, status: str) -> list[Record]:
    """An offer with its product and variant, and the seller's own shelf where he ships it."""
    row, market = rows[0], source.market
    sku = code(row, "seller-sku" if "seller-sku" in row else "sku")
    asin = cell(row, "asin1") or cell(row, "asin")
    title = cell(row, "item-name") or sku
    price = priced(row, "price", market.currency)
    found: list[Record] = [
        Listing(
            source_id=f"{market.id}:{sku}",
            marketplace=market.id,
            title=title,
            status=(cell(row, "status") or status).lower(),
            sku=sku,
            product_code=asin,
            price=price,
        )
    ]
    if asin is not None:
        page = f"https://{market.domain}/dp/{asin}"
        image = cell(row, "image-url")
        found.append(Product(source_id=asin, title=title, status=status, url=page, image_url=image))
        found.append(
            Variant(source_id=sku, product_id=asin, title=title, sku=sku, price=price, stock_item_id=sku),
        )
    own = pieces(row, "quantity")
    if own is not None and (cell(row, "fulfillment-channel") or "DEFAULT") == "DEFAULT":
        found.append(_own_shelf(sku, own, source))
    return found


def _map_suppressed(rows: Sequence[Row], source: Source) -> Listing:
    """An offer that Amazon does not show, with its word for why."""
    row, market = rows[0], source.market
    sku = code(row, "sku")
    return Listing(
        source_id=f"{market.id}:{sku}",
        marketplace=market.id,
        title=cell(row, "product name") or sku,
        status=word(row, "status").lower(),
        sku=sku,
        product_code=maybe_word(row, "asin"),
        updated_at=when(row, "status change date", source) if row.get("status change date") else None,
    )


def _map_feedback(rows: Sequence[Row], source: Source) -> AccountHealth:
    """A buyer's rating of the seller, from 1 to 5. Who gave it and in what words is not kept."""
    row = rows[0]
    rating = needed_pieces(row, "rating")
    if not 1 <= rating <= 5:
        raise DataError(f"a rating is not from 1 to 5: {rating}")
    return AccountHealth(
        account_id=source.seller,
        rule=f"feedback:{code(row, 'order_id' if 'order_id' in row else 'order id')}",
        raised_at=when(row, "date", source),
        zone=source.zone,
        level="bad" if rating <= 2 else "neutral" if rating == 3 else "good",
        points=rating,
    )


# -- kinds ------------------------------------------------------------------------------------------------------------


def _shelf(shelf: Shelf) -> Kind:
    return Kind(
        map=partial(map_shelf, shelf=shelf),
        needed=shelf.needed,
        key=lambda row, source: (code(row, shelf.sku), row.get(shelf.country)),
    )


def _document(shelf: Shelf, name: str, **asked: str) -> Kind:
    return Kind(
        map=partial(map_shelf, shelf=shelf),
        lists=((name,),),
        key=lambda row, source: code(row, shelf.sku),
        longest=days(1),
        options=asked,
    )


def _offers(status: str) -> Kind:
    return Kind(map=partial(_map_offer, status=status), needed=("seller-sku", "price", "quantity"))


_MYI = Kind(map=_map_unsuppressed, needed=_UNSUPPRESSED.needed, key=lambda row, source: code(row, "sku"))
STOCK = {
    "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA": _MYI,
    "GET_FBA_MYI_ALL_INVENTORY_DATA": _MYI,
    "GET_AFN_INVENTORY_DATA": Kind(
        map=_map_conditions,
        needed=("seller-sku", "warehouse-condition-code", "quantity available"),
        key=lambda row, source: code(row, "seller-sku"),
    ),
    "GET_AFN_INVENTORY_DATA_BY_COUNTRY": _shelf(_BY_COUNTRY),
    "GET_FBA_INVENTORY_PLANNING_DATA": _shelf(_PLANNING),
    "GET_RESTOCK_INVENTORY_RECOMMENDATIONS_REPORT": _shelf(_RESTOCK),
    "GET_STRANDED_INVENTORY_UI_DATA": _shelf(_STRANDED),
    "GET_LEDGER_SUMMARY_VIEW_DATA": Kind(
        map=_map_ledger,
        needed=("date", "msku", "disposition", "ending warehouse balance"),
        key=lambda row, source: (code(row, "msku"), row.get("location")),
        longest=days(30),
        options={"aggregateByLocation": "COUNTRY", "aggregatedByTimePeriod": "DAILY"},
    ),
    "GET_VENDOR_INVENTORY_REPORT": _document(
        _VENDOR, "inventoryByAsin", reportPeriod="DAY", distributorView="MANUFACTURING", sellingProgram="RETAIL"
    ),
    "GET_VENDOR_REAL_TIME_INVENTORY_REPORT": _document(_VENDOR_NOW, "reportData"),
}
INBOUND = {
    "GET_LEDGER_DETAIL_VIEW_DATA": Kind(
        map=_map_movements,
        needed=("date", "msku", "event type", "reference id", "quantity"),
        key=lambda row, source: (row.get("event type"), code(row, "reference id"), code(row, "msku")),
        longest=days(30),
        beside=True,
    ),
    "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA": Kind(
        map=_map_return,
        needed=("return-date", "order-id", "sku", "quantity"),
        key=lambda row, source: (cell(row, "license-plate-number") or code(row, "order-id"), code(row, "sku")),
        longest=days(30),
        beside=True,
    ),
    "GET_FBA_FULFILLMENT_REMOVAL_SHIPMENT_DETAIL_DATA": Kind(
        map=_map_removed,
        needed=("order-id", "shipment-date", "sku", "quantity shipped"),
        key=lambda row, source: (code(row, "order-id"), row.get("tracking-number"), code(row, "sku")),
        longest=days(30),
        beside=True,
    ),
}
LISTINGS = {
    "GET_MERCHANT_LISTINGS_ALL_DATA": _offers("unknown"),
    "GET_MERCHANT_LISTINGS_DATA": _offers("active"),
    "GET_MERCHANT_LISTINGS_DATA_BACK_COMPAT": _offers("active"),
    "GET_MERCHANT_LISTINGS_INACTIVE_DATA": _offers("inactive"),
    "GET_MERCHANT_CANCELLED_LISTINGS_DATA": _offers("cancelled"),
    "GET_FLAT_FILE_OPEN_LISTINGS_DATA": Kind(
        map=partial(_map_offer, status="active"), needed=("sku", "asin", "price", "quantity")
    ),
    "GET_MERCHANTS_LISTINGS_FYP_REPORT": Kind(map=_map_suppressed, needed=("status", "sku"), beside=True),
}
HEALTH = {
    "GET_SELLER_FEEDBACK_DATA": Kind(map=_map_feedback, needed=("date", "rating"), longest=days(30), beside=True),
}
