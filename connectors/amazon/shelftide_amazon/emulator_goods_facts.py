"""What Amazon shows of the world's goods: ids, listings, ranks, FBA stock and shipments."""

from datetime import datetime, timedelta
from typing import Any

from shelftide_amazon.marketplaces import Marketplace
from shelftide_sdk.testing.world.model import Brand, Product, Sku, WorldView, stable_id

Row = dict[str, Any]
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def stamp(at: datetime) -> str:
    """A time as Amazon writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _code(kind: str, key: str, length: int) -> str:
    number, found = stable_id(kind, key, 16), ""
    for _ in range(length):
        number, rest = divmod(number, 36)
        found += _DIGITS[rest]
    return found


def asin_of(sku: Sku) -> str:
    """The catalogue's number of a variant."""
    return "B0" + _code("asin", sku.key, 8)


def fn_sku_of(sku: Sku) -> str:
    """The number on Amazon's own label."""
    return "X0" + _code("fnsku", sku.key, 8)


def product_of(brand: Brand, sku: Sku) -> Product:
    """The product of a variant."""
    return next(product for product in brand.products if product.key == sku.product_key)


def fba_place(brand: Brand) -> str:
    """The key of the place that Amazon keeps for a brand; "" where it keeps none."""
    return next((place.key for place in brand.places if place.key.endswith("-fba")), "")


def offered(world: WorldView, brand: Brand) -> list[Sku]:
    """Variants that exist by now and are kept by Amazon."""
    kept = {state.sku_key for state in world.stock(brand.key) if state.place_key == fba_place(brand)}
    return [sku for sku in brand.skus if sku.key in kept]


def title_of(brand: Brand, sku: Sku) -> str:
    """How the marketplace names a variant."""
    return f"{brand.name} {product_of(brand, sku).title} {sku.title}".strip()


def listing_row(world: WorldView, brand: Brand, sku: Sku, market: Marketplace) -> Row:
    """A listing of the seller."""
    product = product_of(brand, sku)
    price = {"currencyCode": sku.price.currency, "amount": str(sku.price.amount)}
    return {
        "sku": sku.code,
        "summaries": [
            {
                "marketplaceId": market.id,
                "asin": asin_of(sku),
                "productType": product.category.upper().replace(" ", "_") or "PRODUCT",
                "conditionType": "new_new",
                "status": ["BUYABLE", "DISCOVERABLE"],
                "fnSku": fn_sku_of(sku),
                "itemName": title_of(brand, sku),
                "createdDate": stamp(product.created_at),
                "lastUpdatedDate": stamp(max(product.created_at, world.start)),
                "mainImage": {"link": f"https://m.media-amazon.com/{asin_of(sku)}.jpg", "height": 500, "width": 500},
            }
        ],
        "offers": [{"marketplaceId": market.id, "offerType": "B2C", "price": price}],
        "fulfillmentAvailability": [{"fulfillmentChannelCode": f"AMAZON_{'NA' if market.region == 'na' else 'EU'}"}],
    }


def rank_row(world: WorldView, sku: Sku, brand: Brand, market: Marketplace) -> Row:
    """A catalogue item with its places in two rankings: a busy product is ahead."""
    product = product_of(brand, sku)
    day = int(world.now.timestamp() // 86_400)
    place = 40 + stable_id("rank", f"{sku.key}/{day}", 6) % 4000
    category = product.category.title() or "Products"
    return {
        "asin": asin_of(sku),
        "salesRanks": [
            {
                "marketplaceId": market.id,
                "classificationRanks": [
                    {
                        "classificationId": str(stable_id("class", product.category, 8)),
                        "title": category,
                        "link": f"https://{market.domain}/gp/bestsellers/{stable_id('class', product.category, 8)}",
                        "rank": place,
                    }
                ],
                "displayGroupRanks": [
                    {
                        "websiteDisplayGroup": "beauty_display_on_website",
                        "title": "All departments",
                        "link": f"https://{market.domain}/gp/bestsellers",
                        "rank": place * 31,
                    }
                ],
            }
        ],
    }


def stock_rows(world: WorldView, brand: Brand) -> list[Row]:
    """FBA stock. Amazon sells no piece that it does not hold, so nothing is below zero."""
    skus = {sku.key: sku for sku in brand.skus}
    found = []
    for state in world.stock(brand.key):
        if state.place_key != fba_place(brand):
            continue
        sku, available = skus[state.sku_key], max(0, state.available)
        receiving = state.incoming // 3
        found.append(
            {
                "asin": asin_of(sku),
                "fnSku": fn_sku_of(sku),
                "sellerSku": sku.code,
                "condition": "NewItem",
                "inventoryDetails": {
                    "fulfillableQuantity": available,
                    "inboundWorkingQuantity": 0,
                    "inboundShippedQuantity": state.incoming - receiving,
                    "inboundReceivingQuantity": receiving,
                    "reservedQuantity": {
                        "totalReservedQuantity": state.committed,
                        "pendingCustomerOrderQuantity": state.committed,
                        "pendingTransshipmentQuantity": 0,
                        "fcProcessingQuantity": 0,
                    },
                    "researchingQuantity": {"totalResearchingQuantity": 0, "researchingQuantityBreakdown": []},
                    "unfulfillableQuantity": {"totalUnfulfillableQuantity": 0},
                },
                "lastUpdatedTime": stamp(state.updated_at),
                "productName": title_of(brand, sku),
                "totalQuantity": available + state.committed + state.incoming,
                "stores": [],
            }
        )
    return found


def shipment_rows(world: WorldView, brand: Brand) -> tuple[list[Row], list[Row]]:
    """Shipments to Amazon and their items: one of one variant each."""
    skus = {sku.key: sku for sku in brand.skus}
    heads: list[Row] = []
    items: list[Row] = []
    for shipment in world.shipments(brand.key):
        if shipment.place_key != fba_place(brand):
            continue
        arrived = shipment.received_at <= world.now
        near = not arrived and shipment.expected_at - world.now < timedelta(days=2)
        shipment_id = "FBA" + _code("inbound", shipment.key, 9)
        heads.append(
            {
                "ShipmentId": shipment_id,
                "ShipmentName": f"FBA ({stamp(shipment.ordered_at)})",
                "ShipFromAddress": {
                    "Name": brand.name,
                    "AddressLine1": "1 Example Way",
                    "City": "Example",
                    "CountryCode": brand.market,
                    "PostalCode": "00000",
                },
                "DestinationFulfillmentCenterId": "ABE8",
                "ShipmentStatus": "CLOSED" if arrived else "IN_TRANSIT" if near else "SHIPPED",
                "LabelPrepType": "SELLER_LABEL",
                "AreCasesRequired": False,
                "BoxContentsSource": "NONE",
            }
        )
        items.append(
            {
                "ShipmentId": shipment_id,
                "SellerSKU": skus[shipment.sku_key].code,
                "FulfillmentNetworkSKU": fn_sku_of(skus[shipment.sku_key]),
                "QuantityShipped": shipment.quantity,
                "QuantityReceived": shipment.quantity if arrived else 0,
                "QuantityInCase": 0,
            }
        )
    return heads, items
