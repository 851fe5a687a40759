"""A shop of any size in the emulator's own wire: orders of the seeded world, copied with ids and times of their own.

The emulator renders every order of one brand through its GraphQL engine. Copies differ in the ids of order, lines,
refunds and visits and in all their times; products and buyers stay, so buyers come back. Paging, cursors, search
filter, cost and bulk files are the emulator's. Orders whose inner lists need a request of their own are left out: every
contestant would have to make the same ones.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec
from graphql import parse

from shelftide_sdk.testing.emulator import Request, Response, reply
from shelftide_sdk.testing.world.model import Channel, WorldView
from shelftide_shopify.auth import SCOPES, TOKEN_HEADER
from shelftide_shopify.emulator import ShopifyEmulator
from shelftide_shopify.emulator_bulk import FILE_HOST, SLICE, flatten
from shelftide_shopify.emulator_cost import CostCounter, actual_cost
from shelftide_shopify.emulator_paging import encode
from shelftide_shopify.queries import API_VERSION, orders
from shelftide_shopify.shop import number

HISTORY = timedelta(days=80)  # inside the product's first read
PATH = f"/admin/api/{API_VERSION}/graphql.json"
_STEP = timedelta(seconds=37)
_COPIES = 10_000
_OPERATION = re.compile(r"\s*(?:query|mutation) (\w+)")
_SINCE = re.compile(r"updated_at:>='([^']+)'")
_GID = re.compile(r"gid://shopify/(Order|LineItem|Refund|CustomerVisit)/(\d+)")
_TIME = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z"')
_JOB = "gid://shopify/BulkOperation/1"
_FILE = "/1.jsonl"


class Row(msgspec.Struct, frozen=True):
    """An order on the wire. `mark` is its `updatedAt`."""

    mark: str
    id: int
    text: bytes

    @property
    def cursor(self) -> str:
        """As Shopify writes it."""
        return encode((self.mark, self.id))


def busiest_shop(world: WorldView) -> str:
    """The address of the brand in depth that has most orders."""
    brands = [brand for brand in world.brands if brand.deep and Channel.SHOPIFY in brand.accounts]
    busiest = max(brands, key=lambda brand: len(world.orders(brand.key, Channel.SHOPIFY)))
    return busiest.accounts[Channel.SHOPIFY]


class ScaledShop(ShopifyEmulator):
    """The busiest shop of a world, with `size` orders."""

    def __init__(self, world: WorldView, size: int) -> None:
        super().__init__(world, plan="components")
        self.shop = busiest_shop(world)
        self.token = self.tokens.issue(self.shop, frozenset(SCOPES))
        self.rows = scale(self._templates(), size)
        self._marks = [row.mark for row in self.rows]
        self._places = {row.cursor: index for index, row in enumerate(self.rows)}
        self._costs: dict[int, int] = {}
        self._files: dict[str, bytes] = {}
        self._refunded = {
            f"gid://shopify/Order/{row.id}": row.text for row in self.rows if b'"refunds":[]' not in row.text
        }

    def _templates(self) -> list[Any]:
        """The world's orders as the emulator renders them."""
        found: list[Any] = []
        after, more = None, True
        while more:
            body = {"query": orders(True), "variables": {"first": 10, "after": after, "query": None}}
            page = json.loads(super().graphql(self._request(body)).body)["data"]["orders"]
            found += page["nodes"]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
            self.bucket(self.shop).take(-1_000)
        oldest = (self.now - HISTORY).isoformat()
        return [row for row in found if row["updatedAt"] >= oldest and not _overflows(row)]

    def _request(self, body: Any) -> Request:
        token = json.loads(msgspec.json.encode(self.token))["access_token"]
        return Request(
            method="POST",
            host=self.shop,
            path=PATH,
            query=(),
            headers={TOKEN_HEADER.lower(): token},
            body=msgspec.json.encode(body),
            match={"version": API_VERSION},
        )

    def graphql(self, request: Request) -> Response:
        """Orders from the copies, the rest from the emulator."""
        asked = request.json()
        operation = _OPERATION.match(asked["query"])
        answers = {
            "Orders": self._page,
            "CountOrders": lambda v: self._small({"ordersCount": {"count": len(self.rows), "precision": "EXACT"}}),
            "RunBulk": self._run,
            "PollBulk": lambda v: self._small({"bulkOperation": self._job()}),
            "RefundQuantities": self._refunds,
        }
        answer = answers.get(operation[1] if operation else "")
        if answer is None:
            return super().graphql(request)
        headers = (("content-type", "application/json; charset=utf-8"), ("x-shopify-api-version", API_VERSION))
        return Response(body=answer(asked["variables"]), headers=headers)

    def _page(self, asked: dict[str, Any]) -> bytes:
        if asked["after"]:
            start = self._places[asked["after"]] + 1
        else:
            since = _SINCE.search(asked["query"] or "")
            start = bisect_left(self._marks, since[1]) if since else 0
        rows = self.rows[start : start + asked["first"]]
        info = {"hasNextPage": start + len(rows) < len(self.rows), "endCursor": rows[-1].cursor if rows else None}
        nodes = b",".join(row.text for row in rows)
        return (
            b'{"data":{"orders":{"nodes":[' + nodes + b'],"pageInfo":' + msgspec.json.encode(info)
            + b'}},"extensions":' + msgspec.json.encode({"cost": self._cost(asked["first"])}) + b"}"
        )  # fmt: skip

    def _cost(self, first: int) -> dict[str, Any]:
        if first not in self._costs:
            schema, document = self.schemas[API_VERSION], parse(orders(True))
            self._costs[first] = CostCounter(schema, document, {"first": first}).requested()
        status = self.bucket(self.shop).status(self.bucket(self.shop).maximum)
        return {"requestedQueryCost": self._costs[first], "actualQueryCost": None, "throttleStatus": status}

    def _small(self, data: Any) -> bytes:
        cost = actual_cost(list(data.values()))
        status = self.bucket(self.shop).status(self.bucket(self.shop).maximum)
        costs = {"requestedQueryCost": cost, "actualQueryCost": cost, "throttleStatus": status}
        return msgspec.json.encode({"data": data, "extensions": {"cost": costs}})

    # -- bulk ----------------------------------------------------------------------------------------------------

    def _run(self, asked: dict[str, Any]) -> bytes:
        since = _SINCE.search(asked["query"])
        start = bisect_left(self._marks, since[1]) if since else 0
        self._files[_FILE] = bulk_file(self.rows[start:])
        return self._small({"bulkOperationRunQuery": {"bulkOperation": self._job(), "userErrors": []}})

    def _job(self) -> dict[str, Any]:
        lines = self._files[_FILE].count(b"\n")
        url = f"https://{FILE_HOST}{_FILE}?signature=0"
        return {
            "id": _JOB, "status": "COMPLETED", "errorCode": None, "objectCount": str(lines),
            "rootObjectCount": str(len(self.rows)), "url": url, "partialDataUrl": None,
        }  # fmt: skip

    def _refunds(self, asked: dict[str, Any]) -> bytes:
        chosen = [json.loads(self._refunded[key]) for key in asked["ids"]]
        return self._small({"nodes": [{"id": row["id"], "refunds": row["refunds"]} for row in chosen]})

    def _file(self, request: Request) -> Response:
        body = self._files.get(request.path)
        return reply({}, 403) if body is None else Response(body=body, headers=(("content-type", "text/plain"),))


def _overflows(row: Any) -> bool:
    journey = row["customerJourneySummary"] or {}
    lists = [row["lineItems"], journey.get("moments"), *(refund["refundLineItems"] for refund in row["refunds"])]
    return any(found and found["pageInfo"]["hasNextPage"] for found in lists)


def scale(templates: Sequence[Any], size: int) -> list[Row]:
    """`size` orders by the time of their last change; ids are all different."""
    if not 0 < size <= len(templates) * _COPIES:
        raise ValueError(f"size must lie between 1 and {len(templates) * _COPIES}")
    texts = [msgspec.json.encode(row).decode() for row in templates]
    rows = [_copy(texts[index % len(texts)], index // len(texts)) for index in range(size)]
    return sorted(rows, key=lambda row: (row.mark, row.id))


def _copy(template: str, copy: int) -> Row:
    text = _GID.sub(lambda m: f"gid://shopify/{m[1]}/{int(m[2]) * _COPIES + copy}", template)
    text = _TIME.sub(lambda m: f'"{(datetime.fromisoformat(m[1]) - copy * _STEP).isoformat()}Z"', text)
    row = json.loads(text)
    return Row(row["updatedAt"], int(number(row["id"])), text.encode())


def bulk_file(rows: Sequence[Row]) -> bytes:
    """The JSONL of a bulk operation: per slice the orders, then their children in any order."""
    random = Random(7)
    lines: list[bytes] = []
    for start in range(0, len(rows), SLICE):
        nodes = [_for_bulk(json.loads(row.text)) for row in rows[start : start + SLICE]]
        roots, children = flatten({"orders": {"nodes": nodes}})
        random.shuffle(children)
        lines += [msgspec.json.encode(row) + b"\n" for row in (*roots, *children)]
    return b"".join(lines)


def _for_bulk(row: dict[str, Any]) -> dict[str, Any]:
    """A bulk query can ask for no list within a list, and names the type of each child."""
    refunds = [{name: value for name, value in r.items() if name != "refundLineItems"} for r in row["refunds"]]
    lines = [{"__typename": "LineItem", **line} for line in row["lineItems"]["nodes"]]
    return {**row, "refunds": refunds, "lineItems": {"nodes": lines}}
