"""Attackers on `/hooks`: ways to make a delivery that the platform did not send, or sent for other ends.

Each attack starts from a genuine delivery, which the attacker may have seen.
"""

import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec

from shelftide_shopify.auth import sign_webhook

Pairs = list[tuple[str, str]]
HMAC = "X-Shopify-Hmac-Sha256"
TOPIC = "X-Shopify-Topic"
SHOP = "X-Shopify-Shop-Domain"
ID = "X-Shopify-Webhook-Id"
AT = "X-Shopify-Triggered-At"
TOPICS = (
    "orders/delete", "products/update", "products/delete", "customers/redact", "customers/data_request", "shop/redact",
    "app/uninstalled", "inventory_levels/update", "refunds/create", "bulk_operations/finish",
)  # fmt: skip


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What goes over the wire. `query` is put behind the path."""

    headers: Pairs
    body: bytes
    query: str = ""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def put(self, name: str, value: str) -> "Request":
        """With this header instead of the old one."""
        kept = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        return msgspec.structs.replace(self, headers=[*kept, (name, value)])

    def drop(self, name: str) -> "Request":
        return msgspec.structs.replace(self, headers=[(k, v) for k, v in self.headers if k.lower() != name.lower()])

    def add(self, name: str, value: str) -> "Request":
        """With this header beside the old one."""
        return msgspec.structs.replace(self, headers=[*self.headers, (name, value)])

    def say(self, body: bytes) -> "Request":
        return msgspec.structs.replace(self, body=body)


def order_request(
    secret: str, shop: str, number: int, *, at: datetime | None = None, topic: str = "orders/updated"
) -> Request:
    """A genuine delivery of an order."""
    at = at or datetime.now(UTC)
    body = order_bytes(number, at)
    event = hashlib.sha256(f"{shop}{number}{at}".encode()).hexdigest()[:32]
    return Request(
        headers=[
            ("Content-Type", "application/json"),
            (TOPIC, topic),
            (HMAC, sign_webhook(secret, body)),
            (SHOP, shop),
            (ID, event),
            ("X-Shopify-Event-Id", event),
            (AT, at.isoformat()),
        ],
        body=body,
    )


def order_bytes(number: int, at: datetime, *, price: str = "20.00") -> bytes:
    """An order's body."""
    order = {
        "id": number, "name": f"#{number}", "created_at": at.isoformat(), "updated_at": at.isoformat(),
        "cancelled_at": None, "cancel_reason": None, "closed_at": None, "test": False, "source_name": "web",
        "currency": "EUR", "financial_status": "paid", "fulfillment_status": None, "total_price": price,
        "current_total_price": price, "subtotal_price": price, "total_discounts": "0.00", "total_tax": "0.00",
        "discount_codes": [], "email": f"buyer{number}@example.com",
        "customer": {"id": number, "email": f"buyer{number}@example.com"},
        "line_items": [
            {"id": number, "product_id": 1, "variant_id": 1, "sku": "S", "title": "T", "price": price, "quantity": 1,
             "current_quantity": 1, "total_discount": "0.00", "discount_allocations": []}
        ],
        "refunds": [],
    }  # fmt: skip
    return json.dumps(order, separators=(",", ":")).encode()


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What an attacker has: a delivery that was not delivered yet, and one that was; another shop of the same app."""

    fresh: Request
    seen: Request
    other_shop: str
    now: datetime
    random: Random


Attack = Callable[[Case], Request]


def _bit(case: Case) -> Request:
    raw = bytearray(case.fresh.body)
    raw[case.random.randrange(len(raw))] ^= 1 << case.random.randrange(8)
    return case.fresh.say(bytes(raw))


def _signature_bit(case: Case) -> Request:
    raw = bytearray(base64.b64decode(case.fresh.header(HMAC)))
    raw[case.random.randrange(len(raw))] ^= 1 << case.random.randrange(8)
    return case.fresh.put(HMAC, base64.b64encode(bytes(raw)).decode())


def _other_secret(case: Case) -> Request:
    return case.fresh.put(HMAC, sign_webhook(f"secret-{case.random.random()}", case.fresh.body))


def _truncated(case: Case) -> Request:
    return case.fresh.say(case.fresh.body[: case.random.randrange(len(case.fresh.body))])


def _longer(case: Case) -> Request:
    return case.fresh.say(case.fresh.body + case.random.choice([b" ", b"\n", b"\0", b"{}"]))


def _recoded(case: Case) -> Request:
    value = json.loads(case.fresh.body)
    return case.fresh.say(json.dumps(value, indent=case.random.choice([None, 1, 2])).encode())


def _zipped(case: Case) -> Request:
    return case.fresh.say(gzip.compress(case.fresh.body)).put("Content-Encoding", "gzip")


def _signature_case(case: Case) -> Request:
    return case.fresh.put(HMAC, case.fresh.header(HMAC).swapcase())


def _hex(case: Case) -> Request:
    return case.fresh.put(HMAC, base64.b64decode(case.fresh.header(HMAC)).hex())


def _cut_signature(case: Case) -> Request:
    return case.fresh.put(HMAC, case.fresh.header(HMAC)[: case.random.randrange(44)])


def _unsigned(case: Case) -> Request:
    return case.fresh.drop(HMAC)


def _two_signatures(case: Case) -> Request:
    return case.fresh.add(HMAC, sign_webhook("other", case.fresh.body))


def _two_topics(case: Case) -> Request:
    return case.fresh.add(TOPIC, case.random.choice(TOPICS))


def _both_families(case: Case) -> Request:
    return case.fresh.add("shopify-topic", case.random.choice(TOPICS))


def _other_topic_fresh(case: Case) -> Request:
    return case.fresh.put(TOPIC, case.random.choice(TOPICS))


def _other_topic_replayed(case: Case) -> Request:
    return case.seen.put(TOPIC, case.random.choice(TOPICS)).put(ID, f"{case.random.random()}")


def _senseless_topic(case: Case) -> Request:
    return case.fresh.put(TOPIC, case.random.choice(["", "orders", "orders/../x", "a" * 900, "orders/updated;x"]))


def _other_shop_replayed(case: Case) -> Request:
    return case.seen.put(SHOP, case.other_shop).put(ID, f"{case.random.random()}")


def _unknown_shop_replayed(case: Case) -> Request:
    return case.seen.put(SHOP, f"evil-{case.random.randrange(10**6)}.myshopify.com")


def _senseless_shop(case: Case) -> Request:
    shop = case.fresh.header(SHOP)
    return case.fresh.put(
        SHOP, case.random.choice(["", "evil.example", f"{shop}.evil.example", f"evil.example/{shop}"])
    )


def _old(case: Case) -> Request:
    return case.fresh.put(AT, (case.now - timedelta(hours=case.random.uniform(6.1, 9000))).isoformat())


def _future(case: Case) -> Request:
    return case.fresh.put(AT, (case.now + timedelta(minutes=case.random.uniform(6, 9000))).isoformat())


def _senseless_time(case: Case) -> Request:
    return case.fresh.put(AT, case.random.choice(["yesterday", "0", "2026-01-01T00:00:00", "9" * 40]))


def _nameless(case: Case) -> Request:
    return case.fresh.drop(ID).drop("X-Shopify-Event-Id")


def _meta(case: Case) -> Request:
    digest = hmac.new(b"shopify-secret", case.fresh.body, hashlib.sha256).hexdigest()
    return case.fresh.drop(HMAC).put("X-Hub-Signature-256", f"sha256={digest}")


def _tiktok(case: Case) -> Request:
    digest = hmac.new(b"shopify-secret", b"shelftide" + case.fresh.body, hashlib.sha256).hexdigest()
    return case.fresh.drop(HMAC).put("Authorization", digest)


def _query(case: Case) -> Request:
    signature = case.fresh.header(HMAC)
    return msgspec.structs.replace(case.fresh.drop(HMAC), query=f"?{HMAC}={signature}&topic=orders/updated")


def _empty(case: Case) -> Request:
    return case.fresh.say(b"")


def _empty_secret(case: Case) -> Request:
    return case.fresh.put(HMAC, sign_webhook("", case.fresh.body))


ATTACKS: tuple[Attack, ...] = (
    _bit, _signature_bit, _other_secret, _truncated, _longer, _recoded, _zipped, _signature_case, _hex, _cut_signature,
    _unsigned, _two_signatures, _two_topics, _both_families, _other_topic_fresh, _other_topic_replayed,
    _senseless_topic, _other_shop_replayed, _unknown_shop_replayed, _senseless_shop, _old, _future, _senseless_time,
    _nameless, _meta, _tiktok, _query, _empty, _empty_secret,
)  # fmt: skip
