"""What Amazon's listings, catalogue, stock and inbound shipments mean."""

from datetime import datetime
from typing import Any

from shelftide_amazon.marketplaces import Marketplace
from shelftide_amazon.values import (
    Row,
    identifier,
    maybe_moment,
    maybe_money,
    maybe_whole,
    maybe_word,
    part,
    parts,
    row_of,
    whole,
    word,
)
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import (
    BestSellerRank,
    InboundShipment,
    Listing,
    Location,
    Product,
    Record,
    StockLevel,
    Variant,
)

SELLER_FULFILLED = "DEFAULT"


def fba_location(market: Marketplace) -> str:
    """The id under which Amazon's own warehouses of a marketplace count as one place."""
    return f"FBA-{market.country}"


def merchant_location(market: Marketplace) -> str:
    """The id of the seller's own shelf, as Amazon knows it."""
    return f"MFN-{market.country}"


def fba_place(market: Marketplace) -> Location:
    """Amazon's warehouses as a place."""
    return Location(source_id=fba_location(market), name=f"Amazon FBA {market.country}", country=market.country)


# -- stock ------------------------------------------------------------------------------------------------------------


def map_stock(row: Any, market: Marketplace) -> StockLevel:
    """A summary of FBA stock. Inbound pieces are `incoming`; pieces under research count as quality control."""
    row = row_of(row, "an inventory summary")
    details = row_of(row.get("inventoryDetails"), "inventoryDetails")
    reserved, broken = part(details, "reservedQuantity"), part(details, "unfulfillableQuantity")
    available = whole(details.get("fulfillableQuantity"), "fulfillableQuantity")
    committed = maybe_whole(reserved, "pendingCustomerOrderQuantity")
    held = _sum(reserved, "pendingTransshipmentQuantity", "fcProcessingQuantity")
    if committed is None and held is None:
        held = maybe_whole(reserved, "totalReservedQuantity")
    damaged = maybe_whole(broken, "totalUnfulfillableQuantity")
    searched = maybe_whole(part(details, "researchingQuantity"), "totalResearchingQuantity")
    known = (committed, held, damaged, searched)
    sku = identifier(row.get("sellerSku"), "sellerSku")
    return StockLevel(
        stock_item_id=sku,
        location_id=fba_location(market),
        sku=sku,
        available=available,
        committed=committed,
        reserved=held,
        damaged=damaged,
        quality_control=searched,
        on_hand=None if None in known else available + sum(value or 0 for value in known),
        incoming=_sum(details, "inboundWorkingQuantity", "inboundShippedQuantity", "inboundReceivingQuantity"),
        updated_at=maybe_moment(row, "lastUpdatedTime"),
    )


def _sum(row: Row, *names: str) -> int | None:
    """All of them together; unknown where one is."""
    found = [maybe_whole(row, name) for name in names]
    known = [value for value in found if value is not None]
    return sum(known) if len(known) == len(found) else None


def map_merchant_stock(row: Any, market: Marketplace) -> list[StockLevel]:
    """What a listing says of the seller's own shelf; nothing for goods that Amazon keeps."""
    row = row_of(row, "a listing")
    sku = identifier(row.get("sku"), "sku")
    found = []
    for entry in parts(row, "fulfillmentAvailability"):
        if word(entry, "fulfillmentChannelCode") == SELLER_FULFILLED and entry.get("quantity") is not None:
            count = whole(entry["quantity"], "quantity")
            found.append(StockLevel(stock_item_id=sku, location_id=merchant_location(market), sku=sku, available=count))
    return found


def map_shipment_item(row: Any, shipments: dict[str, Row], market: Marketplace) -> InboundShipment:
    """An item of a shipment to Amazon, with what is known of the shipment. Dates of arrival are not told."""
    row = row_of(row, "a shipment's item")
    shipment_id = identifier(row.get("ShipmentId"), "ShipmentId")
    about = shipments.get(shipment_id)
    if about is None:
        raise DataError(f"the item's shipment {shipment_id} is not listed")
    return InboundShipment(
        source_id=shipment_id,
        sku=identifier(row.get("SellerSKU"), "SellerSKU"),
        quantity=whole(row.get("QuantityShipped"), "QuantityShipped"),
        received=maybe_whole(row, "QuantityReceived"),
        status=word(about, "ShipmentStatus").lower(),
        location_id=fba_location(market),
    )


# -- listings ---------------------------------------------------------------------------------------------------------


def summary_of(row: Row, market: Marketplace) -> Row:
    """The summary of a listing in its marketplace. Raises DataError when there is none."""
    for summary in parts(row, "summaries"):
        if summary.get("marketplaceId") == market.id:
            return summary
    raise DataError("the listing has no summary for its marketplace")


def map_listing(row: Any, market: Marketplace) -> list[Record]:
    """An offer, the product behind it (its ASIN) and the variant that is picked (the seller's SKU)."""
    row = row_of(row, "a listing")
    sku, summary = identifier(row.get("sku"), "sku"), summary_of(row_of(row, "a listing"), market)
    asin = maybe_word(summary, "asin")
    title = maybe_word(summary, "itemName") or sku
    updated = maybe_moment(summary, "lastUpdatedDate")
    status, price = _status(summary), _price(row, market)
    listing = Listing(
        source_id=f"{market.id}:{sku}",
        marketplace=market.id,
        title=title,
        status=status,
        sku=sku,
        product_code=asin,
        price=price,
        updated_at=updated,
    )
    shelf = map_merchant_stock(row, market)
    if asin is None:  # not in the catalogue yet: an offer without a product
        return [listing, *shelf]
    product = Product(
        source_id=asin,
        title=title,
        status=status,
        category=maybe_word(summary, "productType"),
        url=f"https://{market.domain}/dp/{asin}",
        image_url=maybe_word(part(summary, "mainImage"), "link"),
        created_at=maybe_moment(summary, "createdDate"),
        updated_at=updated,
    )
    variant = Variant(
        source_id=sku, product_id=asin, title=title, sku=sku, price=price, stock_item_id=sku, updated_at=updated
    )
    return [listing, product, variant, *shelf]


def _status(summary: Row) -> str:
    """Amazon lists states that hold at once; an offer that can be bought is active."""
    states = summary.get("status")
    if states is None:
        return "unknown"
    if not isinstance(states, list) or not all(isinstance(state, str) for state in states):
        raise DataError("a listing's status is not a list of words")
    if "BUYABLE" in states:
        return "active"
    return "discoverable" if "DISCOVERABLE" in states else "inactive"


def _price(row: Row, market: Marketplace) -> Money | None:
    for offer in parts(row, "offers"):
        if offer.get("marketplaceId") == market.id and offer.get("offerType") in ("B2C", None):
            return maybe_money(offer, "price")
    return None


# -- ranks ------------------------------------------------------------------------------------------------------------


def map_ranks(row: Any, market: Marketplace, at: datetime) -> list[BestSellerRank]:
    """Places of a product in the sales rankings of its classes and of its display group."""
    row = row_of(row, "a catalogue item")
    asin = identifier(row.get("asin"), "asin")
    found: dict[str, BestSellerRank] = {}
    told = [ranks.get("marketplaceId") for ranks in parts(row, "salesRanks")]
    if told and market.id not in told:
        raise DataError(f"ranks of another marketplace than was asked for: {told[0]!r}")
    for ranks in parts(row, "salesRanks"):
        if ranks.get("marketplaceId") != market.id:
            continue
        for entry in (*parts(ranks, "classificationRanks"), *parts(ranks, "displayGroupRanks")):
            title = word(entry, "title")
            place = whole(entry.get("rank"), "rank")
            if place < 1:
                raise DataError(f"a rank is below 1: {place}")
            found[title] = BestSellerRank(
                product_code=asin,
                marketplace=market.id,
                category=title,
                ranked_at=at,
                zone=market.zone,
                rank=place,
            )
    return list(found.values())
