"""The orders of the tape as typed structs, and the barest way to fetch them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec

_WALL = 25_000


class Wire(msgspec.Struct, rename="camel", gc=False):
    """Base of what the wire holds: camelCase members, the rest is skipped."""


class Cash(Wire):
    amount: str
    currency_code: str


class Bag(Wire):
    shop_money: Cash
    presentment_money: Cash | None = None


class Ref(Wire):
    id: str


class Email(Wire):
    email_address: str | None = None


class Phone(Wire):
    phone_number: str | None = None


class Customer(Wire):
    id: str | None = None
    default_email_address: Email | None = None
    default_phone_number: Phone | None = None


class Handle(Wire):
    handle: str | None = None


class Address(Wire):
    country_code_v2: str | None = msgspec.field(name="countryCodeV2", default=None)


class Line(Wire):
    id: str
    title: str | None
    sku: str | None
    quantity: int
    current_quantity: int
    product: Ref | None
    variant: Ref | None
    original_unit_price_set: Bag
    discounted_total_set: Bag


class Lines(Wire):
    nodes: list[Line]


class Pieces(Wire):
    quantity: int


class PieceList(Wire):
    nodes: list[Pieces]


class Refund(Wire):
    id: str
    created_at: str
    updated_at: str
    note: str | None
    total_refunded_set: Bag
    refund_line_items: PieceList


class Utm(Wire):
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    content: str | None = None
    term: str | None = None


class Visit(Wire):
    id: str
    occurred_at: str
    landing_page: str | None
    referrer_url: str | None
    referral_code: str | None
    source: str | None
    source_type: str | None
    utm_parameters: Utm | None


class Moments(Wire):
    nodes: list[Visit]


class Journey(Wire):
    ready: bool
    customer_order_index: int | None
    first_visit: Visit | None
    last_visit: Visit | None
    moments: Moments | None


class Order(Wire):
    id: str
    name: str
    created_at: str
    updated_at: str
    cancelled_at: str | None
    cancel_reason: str | None
    closed: bool
    test: bool
    source_name: str | None
    discount_codes: list[str]
    display_financial_status: str | None
    display_fulfillment_status: str | None
    attribution: Handle | None
    shipping_address: Address | None
    customer: Customer | None
    total_price_set: Bag
    current_total_price_set: Bag
    subtotal_price_set: Bag
    total_discounts_set: Bag
    total_shipping_price_set: Bag
    total_tax_set: Bag
    total_refunded_set: Bag
    refunds: list[Refund]
    line_items: Lines
    customer_journey_summary: Journey | None


class PageInfo(Wire):
    has_next_page: bool
    end_cursor: str | None


class Connection(Wire):
    nodes: list[Order]
    page_info: PageInfo


class Data(Wire):
    orders: Connection


class Page(Wire):
    data: Data


class Source:
    """The tape's server over one raw connection."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._task = task
        self._decoder = msgspec.json.Decoder(Page)
        self.requests = 0

    async def pages(self, decode: bool = True) -> AsyncIterator[list[Order]]:
        """Pages until the last, past the wall of 25,000 rows by beginning anew at the newest time."""
        host, _, port = self._task["source"].removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        after, since, seen, edge, more = None, self._task["since"], 0, frozenset[str](), True
        newest = since
        while more:
            if seen >= _WALL:
                after, since, seen = None, newest, 0
            writer.write(self._ask(after, since))
            page = self._decoder.decode(await _body(reader)).data.orders
            self.requests += 1
            rows = page.nodes if seen else [row for row in page.nodes if row.id not in edge]
            newest = page.nodes[-1].updated_at
            edge = frozenset(row.id for row in page.nodes if row.updated_at == newest)
            seen, after, more = seen + len(page.nodes), page.page_info.end_cursor, page.page_info.has_next_page
            yield [row for row in rows if not row.test]
        writer.close()

    def _ask(self, after: str | None, since: str) -> bytes:
        variables = {"after": after, "first": 10, "query": f"updated_at:>='{since}'"}
        body = msgspec.json.encode({"query": self._task["query"], "variables": variables})
        head = (
            f"POST {self._task['path']} HTTP/1.1\r\nHost: {self._task['shop']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def drain(self) -> int:
        """All bytes, undecoded: the cursors were noted in an earlier pass. Returns how many bytes."""
        asked = [part async for part in self._requests()]
        host, _, port = self._task["source"].removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        total = 0
        with self._task["report"].phase("first"):
            for request in asked:
                writer.write(request)
                total += len(await _body(reader))
        writer.close()
        return total

    async def _requests(self) -> AsyncIterator[bytes]:
        noted: list[bytes] = []
        ask = self._ask

        def noting(after: str | None, since: str) -> bytes:
            noted.append(ask(after, since))
            return noted[-1]

        self._ask = noting  # type: ignore[method-assign]  # one pass is listened to
        async for _ in self.pages():
            pass
        for request in noted:
            yield request


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head[:60])
    return await reader.readexactly(int(head.rpartition(b"content-length: ")[2].split(b"\r")[0]))
