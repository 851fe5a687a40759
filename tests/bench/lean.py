"""An order's rows as a lean pipeline of a peer lands them: the members that our mapping keeps, values as they come.

Standard library only: dlt and Singer live in environments of their own.
"""

from typing import Any

WALL = 25_000  # rows that Shopify pages through at most
_VISIT = ("landingPage", "referrerUrl", "referralCode", "source", "sourceType")
_UTM = ("source", "medium", "campaign", "content", "term")
_MONEYS = {
    "total": "totalPriceSet",
    "current_total": "currentTotalPriceSet",
    "subtotal": "subtotalPriceSet",
    "discount": "totalDiscountsSet",
    "shipping": "totalShippingPriceSet",
    "tax": "totalTaxSet",
    "refunded": "totalRefundedSet",
}
KEYS = {
    "orders": ["source_id"],
    "order_lines": ["order_id", "source_id"],
    "refunds": ["source_id"],
    "touches": ["source_id"],
}


def rows_of(page: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What goes into each table from a page of orders; test orders do not count."""
    rows = [row for row in page if not row["test"]]
    return {
        "orders": [_order(row) for row in rows],
        "order_lines": [_line(row, line) for row in rows for line in row["lineItems"]["nodes"]],
        "refunds": [_refund(row, refund) for row in rows for refund in row["refunds"]],
        "touches": [touch for row in rows for touch in _touches(row)],
    }


def _money(row: dict[str, Any], name: str, bag: str) -> dict[str, Any]:
    shop = row[bag]["shopMoney"]
    return {f"{name}_amount": shop["amount"], f"{name}_currency": shop["currencyCode"]}


def _order(row: dict[str, Any]) -> dict[str, Any]:
    customer, journey = row["customer"] or {}, row["customerJourneySummary"] or {}
    presentment = row["totalPriceSet"]["presentmentMoney"]
    order = {
        "source_id": row["id"],
        "name": row["name"],
        "placed_at": row["createdAt"],
        "updated_at": row["updatedAt"],
        "cancelled_at": row["cancelledAt"],
        "cancel_reason": row["cancelReason"],
        "closed": row["closed"],
        "source_name": row["sourceName"],
        "promo_codes": ",".join(row["discountCodes"]),
        "financial_status": row["displayFinancialStatus"],
        "platform_status": row["displayFulfillmentStatus"],
        "channel": (row["attribution"] or {}).get("handle"),
        "country": (row["shippingAddress"] or {}).get("countryCodeV2"),
        "customer_id": customer.get("id"),
        "email": (customer.get("defaultEmailAddress") or {}).get("emailAddress"),
        "phone": (customer.get("defaultPhoneNumber") or {}).get("phoneNumber"),
        "presentment_total_amount": presentment["amount"],
        "presentment_total_currency": presentment["currencyCode"],
        "customer_order_index": journey.get("customerOrderIndex"),
        "journey_ready": journey.get("ready"),
    }
    for name, bag in _MONEYS.items():
        order |= _money(row, name, bag)
    return order


def _line(row: dict[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    return {
        "order_id": row["id"],
        "placed_at": row["createdAt"],
        "source_id": line["id"],
        "title": line["title"],
        "sku": line["sku"],
        "quantity": line["quantity"],
        "current_quantity": line["currentQuantity"],
        "product_id": (line["product"] or {}).get("id"),
        "variant_id": (line["variant"] or {}).get("id"),
        **_money(line, "unit_price", "originalUnitPriceSet"),
        **_money(line, "total", "discountedTotalSet"),
    }


def _refund(row: dict[str, Any], refund: dict[str, Any]) -> dict[str, Any]:
    return {
        "order_id": row["id"],
        "source_id": refund["id"],
        "refunded_at": refund["createdAt"],
        "updated_at": refund["updatedAt"],
        "reason": refund["note"],
        "quantity": sum(line["quantity"] for line in refund["refundLineItems"]["nodes"]),
        **_money(refund, "amount", "totalRefundedSet"),
    }


def _touches(row: dict[str, Any]) -> list[dict[str, Any]]:
    journey = row["customerJourneySummary"]
    if journey is None:
        return []
    moments = (journey["moments"] or {}).get("nodes", ())
    visits = {visit["id"]: visit for visit in (journey["firstVisit"], *moments, journey["lastVisit"]) if visit}
    return [_touch(row, visit) for visit in visits.values()]


def _touch(row: dict[str, Any], visit: dict[str, Any]) -> dict[str, Any]:
    utm = visit["utmParameters"] or {}
    return {
        "order_id": row["id"],
        "source_id": f"{row['id']}-{visit['id']}",
        "occurred_at": visit["occurredAt"],
        **{name: visit[name] for name in _VISIT},
        **{f"utm_{name}": utm.get(name) for name in _UTM},
    }
