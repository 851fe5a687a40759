"""SP-API notifications: what they say of themselves, and the rows or the calls that they stand for.

Amazon puts them into an event bus or a queue of the developer's own. From there they come here by an EventBridge API
destination (the event, or its `detail` alone), or as a batch of SQS messages (`Records`, each with a `body`). Neither
carries a signature of Amazon, so that the sender proves itself by a key in the header `x-api-key`.
Source: "Notifications API v1 use case guide"; the schemas of each notification type write their names in two spellings.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from shelftide_amazon.mapping_goods import SELLER_FULFILLED, map_merchant_stock, map_stock
from shelftide_amazon.marketplaces import Marketplace
from shelftide_amazon.values import Row, identifier, maybe_moment, part, parts, row_of, whole, word
from shelftide_sdk.auth import App, Settings
from shelftide_sdk.connector import Reject
from shelftide_sdk.errors import DataError
from shelftide_sdk.records import StockLevel
from shelftide_sdk.webhooks import Delivery, ForgedDeliveryError, Headers, Matter, Webhooks

KEY_HEADER = "x-api-key"
KEY_FIELD = "notification_key"
_SHORTEST_KEY = 16
MAX_AGE = timedelta(hours=25)  # an event bus tries for 24 hours
_MERCHANT = "amzn1.merchant.o."

ORDER, STOCK, SHELF = "ORDER_CHANGE", "FBA_INVENTORY_AVAILABILITY_CHANGES", "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"
STATUS, ISSUES = "LISTINGS_ITEM_STATUS_CHANGE", "LISTINGS_ITEM_ISSUES_CHANGE"
_KINDS = {f"{STATUS}D": STATUS}  # the schema spells one name otherwise than the guide
_FINISHED = frozenset(
    {"REPORT_PROCESSING_FINISHED", "FEED_PROCESSING_FINISHED", "DATA_KIOSK_QUERY_PROCESSING_FINISHED"}
)
# Types whose facts a stream reads in full, by what that stream is.
ACKNOWLEDGED: Mapping[str, str] = {
    "TRANSACTION_UPDATE": "the next read of refunds and fees has the transaction with its parts",
    "ITEM_SALES_EVENT_CHANGE": "hours of sales; the orders themselves are read",
    "ITEM_INVENTORY_EVENT_CHANGE": "hours of Amazon's own stock of a vendor; the seller's stock is read",
    "DETAIL_PAGE_TRAFFIC_EVENT": "hours of views; the days are read from Data Kiosk",
    "REPORT_PROCESSING_FINISHED": "whoever asked for the report waits for it",
    "FEED_PROCESSING_FINISHED": "nothing here sends feeds",
    "DATA_KIOSK_QUERY_PROCESSING_FINISHED": "whoever sent the query waits for it",
}


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One notification; all names in `payload` are in lower case.

    Attributes:
        name: Amazon's id of it, or the hash of its content where it has none.
    """

    kind: str
    name: str
    seller: str
    at: str
    payload: Row


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What notifications hold for one seller in one marketplace: rows, and ids of what is to be read again."""

    stock: tuple[StockLevel, ...] = ()
    orders: tuple[str, ...] = ()
    skus: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = ()
    acknowledged: tuple[str, ...] = ()


# -- what it says of itself -------------------------------------------------------------------------------------------


def notifications_of(body: bytes) -> list[Notification]:
    """The notifications of a request. Raises DataError for what is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DataError("a delivery is not JSON") from error
    return [_notification(each) for each in _unwrapped(value)]


def _unwrapped(value: Any) -> Iterator[Row]:
    row = row_of(value, "a delivery")
    if "detail-type" in row:
        yield row_of(row.get("detail"), "an event's detail")
    elif "Records" in row:
        for message in parts(row, "Records"):
            try:
                yield from _unwrapped(json.loads(word(message, "body")))
            except (ValueError, RecursionError) as error:
                raise DataError("a message of the queue is not JSON") from error
    else:
        yield row


def _folded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name).lower(): _folded(inner) for name, inner in value.items()}
    return [_folded(each) for each in value] if isinstance(value, list) else value


def _notification(value: Row) -> Notification:
    row = _folded(value)
    about, payload = part(row, "notificationmetadata"), row_of(row.get("payload"), "a notification's payload")
    kind = word(row, "notificationtype")
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
    return Notification(
        kind=_KINDS.get(kind, kind),
        name=identifier(about.get("notificationid", digest), "notificationId"),
        seller=_seller(payload),
        at=word(about, "publishtime") if "publishtime" in about else word(row, "eventtime"),
        payload=payload,
    )


def _seller(payload: Row) -> str:
    """The merchant token, wherever a type keeps it: as itself, or behind the prefix of an account id."""
    for holder in (payload, *_rows_in(payload)):
        for name in ("sellerid", "accountid", "sellingpartnerid"):
            if holder.get(name):
                return identifier(holder[name], name).removeprefix(_MERCHANT)
    raise DataError("a notification does not say whose it is")


def _rows_in(payload: Row) -> Iterator[Row]:
    for value in payload.values():
        if isinstance(value, Mapping):
            yield value
            yield from _rows_in(value)
        elif isinstance(value, list):
            yield from (each for each in value if isinstance(each, Mapping))


def describe(headers: Headers, body: bytes) -> Sequence[Delivery]:
    """A delivery a notification. Raises ForgedDeliveryError for another form."""
    try:
        found = notifications_of(body)
        return tuple(
            Delivery(
                delivery_id=each.name,
                topic=each.kind,
                account=each.seller,
                matter=Matter.JOB_FINISHED if each.kind in _FINISHED else Matter.DATA,
                effect="notifications",
                triggered_at=maybe_moment({"at": each.at}, "at"),
            )
            for each in found
        )
    except DataError as error:
        raise ForgedDeliveryError(f"not a notification of Amazon: {error.message}") from error


def _verify(app: App, headers: Headers, body: bytes) -> bool:
    key = app.extra.get(KEY_FIELD, "")
    return len(key) >= _SHORTEST_KEY and hmac.compare_digest(headers.get(KEY_HEADER, "").encode(), key.encode())


def _account_of(account_id: str, settings: Settings) -> str:
    """The seller: many types name no marketplace, so that each connection of a seller gets all and takes its own."""
    return settings.get("seller_id") or account_id.partition(":")[0]


WEBHOOKS = Webhooks(verify=_verify, describe=describe, account_of=_account_of, max_age=MAX_AGE)

# -- what it means ----------------------------------------------------------------------------------------------------


def read_notifications(body: bytes, seller: str, market: Marketplace) -> Reading:
    """Rows and ids out of a delivery, of this seller in this marketplace alone. What is not understood is a Reject.

    Raises DataError for a body that is no delivery at all.
    """
    found = Reading()
    for each in notifications_of(body):
        if each.seller != seller:
            continue
        try:
            more = _reading(each, market)
        except DataError as error:
            raw = each.payload if each.kind != ORDER else {"notification": each.name}  # no postal code stays
            more = Reading(rejects=(Reject(_record_of(each.kind), f"{each.kind}: {error.message}", raw),))
        fields = {name: getattr(found, name) + getattr(more, name) for name in Reading.__struct_fields__}
        found = Reading(**fields)
    return found


def _record_of(kind: str) -> str:
    if kind in (STOCK, SHELF):
        return "StockLevel"
    return "Listing" if kind.startswith("LISTING") else "Order"


def _reading(found: Notification, market: Marketplace) -> Reading:
    payload = found.payload
    if found.kind == STOCK:
        return Reading(stock=tuple(_stock(payload, found.at, market)))
    if found.kind == SHELF:
        return Reading(stock=tuple(_shelf(payload, found.at, market)))
    if found.kind in (STATUS, ISSUES):
        if payload.get("marketplaceid", market.id) != market.id:
            return Reading()
        sku = identifier(payload.get("sku"), "Sku")
        gone = "DELETED" in (payload.get("status") or ())
        return Reading(deleted=(sku,)) if gone else Reading(skus=(sku,))
    if found.kind == ORDER:
        about = row_of(payload.get("orderchangenotification"), "OrderChangeNotification")
        if part(about, "summary").get("marketplaceid", market.id) != market.id:
            return Reading()
        return Reading(orders=(_order_id(about),))
    if found.kind in ACKNOWLEDGED:
        return Reading(acknowledged=(f"{found.kind}: {ACKNOWLEDGED[found.kind]}",))
    raise DataError("a type that nobody knows")


def _order_id(about: Row) -> str:
    """An id that becomes part of a path."""
    found = identifier(about.get("amazonorderid"), "AmazonOrderId")
    if not (found.isascii() and found.replace("-", "").isalnum()):
        raise DataError(f"not an order id: {found[:80]!r}")
    return found


def _stock(payload: Row, at: str, market: Marketplace) -> Iterator[StockLevel]:
    for place in parts(payload, "fulfillmentinventorybymarketplace"):
        if place.get("marketplaceid") != market.id:
            continue
        counts = row_of(place.get("fulfillmentinventory"), "FulfillmentInventory")
        inbound, reserved = part(counts, "inboundquantitybreakdown"), part(counts, "reservedquantitybreakdown")
        details = {
            "fulfillableQuantity": counts.get("fulfillable"),
            "inboundWorkingQuantity": inbound.get("working"),
            "inboundShippedQuantity": inbound.get("shipped"),
            "inboundReceivingQuantity": inbound.get("receiving"),
            "reservedQuantity": {
                "pendingCustomerOrderQuantity": reserved.get("pendingcustomerorder"),
                "pendingTransshipmentQuantity": reserved.get("warehousetransfer"),
                "fcProcessingQuantity": reserved.get("warehouseprocessing"),
            },
            "unfulfillableQuantity": {"totalUnfulfillableQuantity": counts.get("unfulfillable")},
            "researchingQuantity": {"totalResearchingQuantity": counts.get("researching")},
        }
        row = {"sellerSku": payload.get("sku"), "inventoryDetails": details, "lastUpdatedTime": at}
        yield map_stock(row, market)


def _shelf(payload: Row, at: str, market: Marketplace) -> Iterator[StockLevel]:
    """The seller's own shelf, as Amazon offers it in each marketplace of the seller."""
    code = word(payload, "fulfillmentchannelcode")
    if code != SELLER_FULFILLED:
        raise DataError(f"a quantity of the channel {code[:40]!r}, which is not the seller's own")
    entry = {"fulfillmentChannelCode": code, "quantity": whole(payload.get("quantity"), "Quantity")}
    for level in map_merchant_stock({"sku": payload.get("sku"), "fulfillmentAvailability": [entry]}, market):
        yield msgspec.structs.replace(level, updated_at=maybe_moment({"at": at}, "at"))
