"""Rows whose inner lists did not fit: the rest is fetched by the row's id, so that nothing is cut off."""

from collections.abc import Mapping, Sequence
from typing import Any

from shelftide_sdk.errors import ContractError
from shelftide_shopify.door import Door
from shelftide_shopify.mapping import Row, nodes
from shelftide_shopify.queries import (
    DISCOUNT_CODES,
    ITEM_LEVELS,
    ORDER_LINES,
    ORDER_MOMENTS,
    REFUND_LINES,
    REFUND_QUANTITIES,
    SHIPMENT_LINES,
    TRANSFER_LINES,
    TRANSFER_SHIPMENTS,
    product_variants,
)
from shelftide_shopify.walk import has_more

_PAGE = 50
_REFUND_CHUNK = 50


async def whole_connection(
    door: Door, query: str, row_id: str, path: Sequence[str], connection: Mapping[str, Any]
) -> dict[str, Any]:
    """`connection` with all its rows, the missing ones fetched by `row_id`. `path` leads to it in the reply."""
    rows, info, visited = list(nodes(connection)), connection["pageInfo"], set[Any]()
    while has_more(info):
        cursor = info["endCursor"]
        if cursor is None or cursor in visited:
            raise ContractError("Shopify's paging goes round in a circle", detail=f"{row_id} {path[-1]} {cursor!r}")
        visited.add(cursor)
        reply: Any = await door.query(query, id=row_id, first=_PAGE, after=cursor)
        for name in path:
            reply = (reply or {}).get(name)
        if reply is None:
            break  # deleted while it was read: what is here is what there is
        rows.extend(nodes(reply))
        info = reply["pageInfo"]
    return {"nodes": rows, "pageInfo": {"hasNextPage": False}}


def _more(connection: Any) -> bool:
    return isinstance(connection, dict) and "pageInfo" in connection and has_more(connection["pageInfo"])


async def complete_order(door: Door, row: Row) -> Row:
    """An order with all lines, visits and refund lines. A row in another form is left to the mapping."""
    if not isinstance(row, dict) or _is_whole(row):
        return row
    order = dict(row)
    if _more(order.get("lineItems")):
        order["lineItems"] = await whole_connection(
            door, ORDER_LINES, order["id"], ("order", "lineItems"), order["lineItems"]
        )
    journey = order.get("customerJourneySummary")
    if journey and _more(journey.get("moments")):
        path = ("order", "customerJourneySummary", "moments")
        moments = await whole_connection(door, ORDER_MOMENTS, order["id"], path, journey["moments"])
        order["customerJourneySummary"] = {**journey, "moments": moments}
    if isinstance(order.get("refunds"), list):
        order["refunds"] = [await complete_refund(door, refund) for refund in order["refunds"]]
    return order


def _is_whole(order: dict[str, Any]) -> bool:
    """Whether nothing is missing, as of nearly all orders."""
    journey = order.get("customerJourneySummary")
    refunds = order.get("refunds")
    return not (
        _more(order.get("lineItems"))
        or (isinstance(journey, dict) and _more(journey.get("moments")))
        or (isinstance(refunds, list) and refunds)
    )


async def complete_refund(door: Door, row: Row) -> Row:
    """A refund with all its lines."""
    if not (isinstance(row, dict) and _more(row.get("refundLineItems"))):
        return row
    path = ("refund", "refundLineItems")
    return {
        **row,
        "refundLineItems": await whole_connection(door, REFUND_LINES, row["id"], path, row["refundLineItems"]),
    }


async def add_refund_lines(door: Door, rows: Sequence[Row]) -> list[Row]:
    """Orders of a bulk file with the refund lines that a bulk query cannot ask for."""
    wanted = [row["id"] for row in rows if row.get("refunds")]
    lines: dict[str, Any] = {}
    for start in range(0, len(wanted), _REFUND_CHUNK):
        reply = await door.query(REFUND_QUANTITIES, ids=wanted[start : start + _REFUND_CHUNK])
        for order in filter(None, reply["nodes"]):
            lines.update({refund["id"]: await complete_refund(door, refund) for refund in order["refunds"]})
    return [
        {**row, "refunds": [{**refund, **lines.get(refund["id"], {})} for refund in row["refunds"]]}
        if row.get("refunds")
        else row
        for row in rows
    ]


async def complete_product(door: Door, row: Row, with_cost: bool) -> Row:
    """A product with all its variants."""
    if not (isinstance(row, dict) and _more(row.get("variants"))):
        return row
    query = product_variants(with_cost)
    return {**row, "variants": await whole_connection(door, query, row["id"], ("product", "variants"), row["variants"])}


async def complete_item(door: Door, row: Row) -> Row:
    """An inventory item with its levels at all locations."""
    if not (isinstance(row, dict) and _more(row.get("inventoryLevels"))):
        return row
    path = ("inventoryItem", "inventoryLevels")
    return {
        **row,
        "inventoryLevels": await whole_connection(door, ITEM_LEVELS, row["id"], path, row["inventoryLevels"]),
    }


async def complete_transfer(door: Door, row: Row) -> Row:
    """A transfer with all its lines and shipments, and those with all theirs."""
    if not isinstance(row, dict):
        return row
    whole = dict(row)
    for name, query in (("lineItems", TRANSFER_LINES), ("shipments", TRANSFER_SHIPMENTS)):
        if _more(whole.get(name)):
            whole[name] = await whole_connection(door, query, row["id"], ("inventoryTransfer", name), whole[name])
    shipments = whole.get("shipments")
    if isinstance(shipments, dict):
        whole["shipments"] = {"nodes": [await _complete_shipment(door, each) for each in nodes(shipments)]}
    return whole


async def _complete_shipment(door: Door, row: Row) -> Row:
    if not (isinstance(row, dict) and _more(row.get("lineItems"))):
        return row
    path = ("inventoryShipment", "lineItems")
    return {**row, "lineItems": await whole_connection(door, SHIPMENT_LINES, row["id"], path, row["lineItems"])}


async def complete_discount(door: Door, row: Row) -> Row:
    """A discount with all its codes."""
    discount = row.get("discount") if isinstance(row, dict) else None
    if not (isinstance(discount, dict) and _more(discount.get("codes"))):
        return row
    path = ("discountNode", "discount", "codes")
    codes = await whole_connection(door, DISCOUNT_CODES, row["id"], path, discount["codes"])
    return {**row, "discount": {**discount, "codes": codes}}
