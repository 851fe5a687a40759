"""The root fields of the emulated Admin API: what each one reads of the world, behind which scope."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from shelftide_sdk.testing.world.model import Brand, Channel, Order, Product, Sku, stable_id
from shelftide_shopify.emulator_facts import (
    OrderFacts,
    gid,
    item_row,
    location_row,
    order_row,
    product_row,
    refund_row,
    when,
)
from shelftide_shopify.emulator_paging import Entry, connection, refuse, window
from shelftide_shopify.emulator_search import Getter, Search, SearchError

ORDER_WINDOW = timedelta(days=60)
_READ = {"write_orders": "read_orders", "write_products": "read_products", "write_inventory": "read_inventory"}


class Host(Protocol):
    """What the resolvers need of the emulator."""

    scenarios: set[str]
    channels: Sequence[Channel]
    deleted_products: dict[str, dict[str, datetime]]
    deleted_orders: dict[str, dict[str, datetime]]
    protected_data: bool
    world: Any


class Session(msgspec.Struct, kw_only=True):
    """One execution: who asks for which shop. `bulk` lifts the page size; `snapshot` keeps a job's rows still."""

    host: Any
    brand: Brand
    shop: str
    scopes: frozenset[str]
    now: datetime
    bulk: bool = False
    slice: tuple[int, int] | None = None
    total: int = 0
    snapshot: dict[str, list[Entry]] | None = None
    warnings: list[dict[str, Any]] = []

    @property
    def protected_data(self) -> bool:
        """Whether e-mail and phone are shown."""
        return bool(self.host.protected_data)

    def granted(self, scope: str) -> bool:
        """Whether the token holds a scope; writing includes reading."""
        return scope in self.scopes or scope in {_READ.get(held) for held in self.scopes}

    def require(self, scope: str, info: Any) -> None:
        """Raise ACCESS_DENIED for a field whose scope is missing."""
        if not self.granted(scope):
            field = info.field_name
            raise refuse(
                f"Access denied for {field} field. Required access: `{scope}` access scope.",
                "ACCESS_DENIED",
                requiredAccess=f"`{scope}` access scope.",
                documentation="https://shopify.dev/api/usage/access-scopes",
            )


def root_value() -> dict[str, Any]:
    """Resolvers by root field."""
    return {
        "shop": _shop,
        "currentAppInstallation": _installation,
        "orders": _orders,
        "ordersCount": _orders_count,
        "order": _order,
        "refund": _refund,
        "products": _products,
        "productsCount": _products_count,
        "product": _product,
        "inventoryItems": _items,
        "inventoryItem": _item,
        "inventoryProperties": _quantity_names,
        "locations": _locations,
        "events": _events,
        "node": _node,
        "nodes": _nodes,
    }


def _shop(info: Any) -> dict[str, Any]:
    session = info.context
    return {
        "id": gid("Shop", session.shop),
        "name": session.brand.name,
        "ianaTimezone": session.brand.zone,
        "currencyCode": session.brand.currency,
        "myshopifyDomain": session.shop,
        "plan": {"publicDisplayName": session.host.plan_name, "shopifyPlus": session.host.plan_name == "Plus"},
        "createdAt": when(session.host.world.start),
    }


def _installation(info: Any) -> dict[str, Any]:
    scopes = [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(info.context.scopes)]
    return {"id": gid("AppInstallation", info.context.shop), "accessScopes": scopes}


def skus_of(brand: Brand) -> Mapping[str, Sku]:
    """Variants by key."""
    return {sku.key: sku for sku in brand.skus}


def visible_orders(session: Session) -> list[Order]:
    """Orders of the shop; without `read_all_orders` those of the last 60 days, and not a word about the others."""
    world = session.host.world
    gone = session.host.deleted_orders.get(session.shop, {})
    orders = [o for channel in session.host.channels for o in world.orders(session.brand.key, channel)]
    orders = [order for order in orders if order.key not in gone or gone[order.key] > session.now]
    if session.granted("read_all_orders"):
        return orders
    return [order for order in orders if order.placed_at >= session.now - ORDER_WINDOW]


def updated_at(order: Order, session: Session) -> datetime:
    """The last change; in scenario `restate` the past few days' orders are touched again and again."""
    changed = order.updated_at(session.now)
    if "restate" in session.host.scenarios and session.now - changed < timedelta(days=3) and chance(order.key, 3):
        return max(changed, session.now.replace(minute=0, second=0, microsecond=0))
    return changed


def chance(key: str, one_in: int) -> bool:
    """The same choice for a key in every run."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big") % one_in == 0


def _order_row(order: Order, session: Session) -> dict[str, Any]:
    facts = OrderFacts(order, session.brand, session.now)
    return order_row(facts, session.shop, updated_at(order, session), skus_of(session.brand))


_ORDER_GETTERS: Mapping[str, Callable[[Order, Session], Any]] = {
    "id": lambda o, s: stable_id("Order", o.key),
    "name": lambda o, s: f"#{o.number}",
    "created_at": lambda o, s: o.placed_at,
    "processed_at": lambda o, s: o.placed_at,
    "updated_at": updated_at,
    "test": lambda o, s: o.test,
    "status": lambda o, s: _status(OrderFacts(o, s.brand, s.now)),
    "financial_status": lambda o, s: OrderFacts(o, s.brand, s.now).financial,
    "fulfillment_status": lambda o, s: OrderFacts(o, s.brand, s.now).fulfilment,
    "email": lambda o, s: o.person.email,
    "customer_id": lambda o, s: stable_id("Customer", o.person.key),
    "discount_code": lambda o, s: o.promo_code,
    "sku": lambda o, s: [line.sku_key for line in o.lines],
    "source_name": lambda o, s: "web" if o.channel is Channel.SHOPIFY else "pos",
}


def _status(facts: OrderFacts) -> list[str]:
    if facts.cancelled_at:
        return ["cancelled"]
    return ["closed", "not_closed"][:1] if facts.closed else ["open", "not_closed"]


_ORDER_KEYS: Mapping[str, str] = {
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
    "PROCESSED_AT": "processed_at",
    "ID": "id",
    "ORDER_NUMBER": "number",
}


def _search(session: Session, text: str | None, getters: Mapping[str, Getter], root: str) -> Search:
    try:
        search = Search(text, getters, ZoneInfo(session.brand.zone))
    except SearchError as error:
        raise refuse(str(error), "BAD_REQUEST") from error
    session.warnings.extend({"path": [root], "query": text, "field": field} for field in search.ignored)
    return search


def filtered(
    session: Session, rows: Sequence[Any], text: str | None, getters: Mapping[str, Any], root: str
) -> list[Any]:
    """The rows that a search text finds."""
    bound: dict[str, Getter] = {name: partial(_call, getter, session) for name, getter in getters.items()}
    search = _search(session, text, bound, root)
    try:
        return [row for row in rows if search.matches(row)]
    except (SearchError, ValueError) as error:
        raise refuse(str(error), "BAD_REQUEST") from error


def _call(getter: Callable[[Any, Session], Any], session: Session, row: Any) -> Any:
    return getter(row, session)


def sortable(value: Any) -> str:
    """A value as text that sorts."""
    if isinstance(value, datetime):
        return str(when(value))
    return str(value).zfill(20)


def paged(session: Session, root: str, entries: list[Entry], args: dict[str, Any]) -> dict[str, Any]:
    """The asked part of a root connection, with the habits of the scenarios."""
    if session.snapshot is not None:
        entries = session.snapshot.setdefault(root, entries)
    if session.slice is not None:
        session.total = len(entries)
        entries = entries[session.slice[0] : session.slice[1]]
    chosen, more, before = window(entries, args, session.bulk)
    if not session.bulk:
        chosen = _habits(session, chosen, entries, bool(args.get("after")))
    page = connection(chosen, more, before)
    if "shuffle" in session.host.scenarios and not session.bulk:
        session.host.random.shuffle(page["nodes"])
    return page


def _habits(session: Session, chosen: list[Entry], entries: list[Entry], later: bool) -> list[Entry]:
    """Scenario `duplicate`: a later page begins with the row that ended the one before."""
    if "duplicate" not in session.host.scenarios or not later or len(chosen) < 1:
        return chosen
    at = entries.index(chosen[0])
    return [entries[at - 1], *chosen] if at > 0 else chosen


def in_order(entries: list[Entry]) -> list[Entry]:
    """Entries by their keys."""
    return sorted(entries, key=lambda entry: entry.key)


def _orders(info: Any, **args: Any) -> dict[str, Any]:
    session: Session = info.context
    session.require("read_orders", info)
    if session.snapshot is not None and "orders" in session.snapshot:
        return paged(session, "orders", [], args)
    found = filtered(session, visible_orders(session), args.get("query"), _ORDER_GETTERS, "orders")
    sort = _ORDER_KEYS.get(args.get("sortKey") or "PROCESSED_AT")
    if sort is None:
        raise refuse(f"sort key {args['sortKey']} is not emulated", "BAD_REQUEST")
    entries = [
        Entry(
            (sortable(_sort_value(order, sort, session)), stable_id("Order", order.key)),
            partial(_order_row, order, session),
        )
        for order in found
    ]
    return paged(session, "orders", in_order(entries), args)


def _sort_value(order: Order, sort: str, session: Session) -> Any:
    return order.number if sort == "number" else _ORDER_GETTERS[sort](order, session)


def _orders_count(info: Any, query: str | None = None, limit: int | None = 10_000, **_: Any) -> dict[str, Any]:
    session: Session = info.context
    session.require("read_orders", info)
    count = len(filtered(session, visible_orders(session), query, _ORDER_GETTERS, "ordersCount"))
    return _count(count, limit)


def _count(count: int, limit: int | None) -> dict[str, Any]:
    if limit is not None and count > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": count, "precision": "EXACT"}


def _order(info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002  # the schema's argument name
    info.context.require("read_orders", info)
    found = (o for o in visible_orders(info.context) if gid("Order", o.key) == id)
    return next((_order_row(order, info.context) for order in found), None)


def _refund(info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002  # the schema's argument name
    session: Session = info.context
    session.require("read_orders", info)
    for order in visible_orders(session):
        for refund in order.refunds:
            if gid("Refund", refund.key) == id and refund.at <= session.now:
                return refund_row(refund, OrderFacts(order, session.brand, session.now))
    return None


def visible_products(session: Session) -> list[Product]:
    """Products that exist by now and were not deleted."""
    gone = session.host.deleted_products.get(session.shop, {})
    return [p for p in session.brand.products if p.created_at <= session.now and p.key not in gone]


_PRODUCT_GETTERS: Mapping[str, Callable[[Product, Session], Any]] = {
    "id": lambda p, s: stable_id("Product", p.key),
    "created_at": lambda p, s: p.created_at,
    "updated_at": lambda p, s: p.created_at,
    "status": lambda p, s: "active",
    "vendor": lambda p, s: s.brand.name,
    "sku": lambda p, s: [sku.code for sku in p.skus],
    "variant_id": lambda p, s: [stable_id("ProductVariant", sku.key) for sku in p.skus],
}


def _products(info: Any, **args: Any) -> dict[str, Any]:
    session: Session = info.context
    session.require("read_products", info)
    found = filtered(session, visible_products(session), args.get("query"), _PRODUCT_GETTERS, "products")
    by_id = (args.get("sortKey") or "ID") == "ID"
    entries = [
        Entry(
            (sortable(stable_id("Product", p.key) if by_id else p.created_at), stable_id("Product", p.key)),
            partial(product_row, p, session.brand),
        )
        for p in found
    ]
    return paged(session, "products", in_order(entries), args)


def _products_count(info: Any, query: str | None = None, limit: int | None = 10_000, **_: Any) -> dict[str, Any]:
    session: Session = info.context
    session.require("read_products", info)
    return _count(len(filtered(session, visible_products(session), query, _PRODUCT_GETTERS, "productsCount")), limit)


def _product(info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002  # the schema's argument name
    info.context.require("read_products", info)
    found = (p for p in visible_products(info.context) if gid("Product", p.key) == id)
    return next((product_row(product, info.context.brand) for product in found), None)


def _item_rows(session: Session) -> list[tuple[Sku, dict[str, Any]]]:
    places = {place.key for place in session.brand.places if Channel.SHOPIFY in place.channels}
    levels: dict[str, list[Any]] = {}
    for state in session.host.world.stock(session.brand.key):
        if state.place_key in places:
            levels.setdefault(state.sku_key, []).append(state)
    return [
        (sku, item_row(sku, levels.get(sku.key, []), product.created_at))
        for product in visible_products(session)
        for sku in product.skus
    ]


_ITEM_GETTERS: Mapping[str, Callable[[Any, Session], Any]] = {
    "id": lambda pair, s: stable_id("InventoryItem", pair[0].key),
    "sku": lambda pair, s: pair[0].code,
    "updated_at": lambda pair, s: datetime.fromisoformat(pair[1]["updatedAt"]),
    "created_at": lambda pair, s: datetime.fromisoformat(pair[1]["createdAt"]),
}


def _items(info: Any, **args: Any) -> dict[str, Any]:
    session: Session = info.context
    session.require("read_inventory", info)
    found = filtered(session, _item_rows(session), args.get("query"), _ITEM_GETTERS, "inventoryItems")
    entries = []
    for sku, row in found:
        number = stable_id("InventoryItem", sku.key)
        entries.append(Entry((sortable(number), number), partial(dict, row)))
    return paged(session, "inventoryItems", in_order(entries), args)


def _item(info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002  # the schema's argument name
    info.context.require("read_inventory", info)
    return next((row for _, row in _item_rows(info.context) if row["id"] == id), None)


def _quantity_names(info: Any) -> dict[str, Any]:
    return {"quantityNames": [{"name": name} for name in ("available", "on_hand", "committed", "incoming")]}


def _locations(info: Any, **args: Any) -> dict[str, Any]:
    session: Session = info.context
    session.require("read_locations", info)
    places = [p for p in session.brand.places if Channel.SHOPIFY in p.channels or Channel.STORE in p.channels]
    entries = []
    for place in places:
        number = stable_id("Location", place.key)
        key = (sortable(number) if args.get("sortKey") == "ID" else place.name, number)
        entries.append(Entry(key, partial(location_row, place, session.host.world.start)))
    return paged(session, "locations", in_order(entries), args)


class Deletion(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of the shop that is gone: its type on the wire, its key in the world, when."""

    kind: str
    key: str
    at: datetime

    @property
    def number(self) -> int:
        """The event's number."""
        return stable_id("BasicEvent", self.key)


# Type of subject -> its type in ids and the scope that shows it.
_SUBJECTS = {"PRODUCT": ("Product", "read_products"), "ORDER": ("Order", "read_orders")}
_EVENT_GETTERS: Mapping[str, Callable[[Deletion, Session], Any]] = {
    "action": lambda gone, s: "destroy",
    "subject_type": lambda gone, s: gone.kind,
    "created_at": lambda gone, s: gone.at,
    "id": lambda gone, s: gone.number,
}


def _events(info: Any, **args: Any) -> dict[str, Any]:
    """Deletions of products and orders, as far as the scopes show them; no other events are emulated."""
    session: Session = info.context
    shown = [kind for kind, (_, scope) in _SUBJECTS.items() if session.granted(scope)]
    if not shown:
        session.require("read_products", info)
    lists = {"PRODUCT": session.host.deleted_products, "ORDER": session.host.deleted_orders}
    rows = [
        Deletion(kind=kind, key=key, at=at)
        for kind in shown
        for key, at in lists[kind].get(session.shop, {}).items()
        if at <= session.now
    ]
    found = filtered(session, rows, args.get("query"), _EVENT_GETTERS, "events")
    entries = [Entry((sortable(gone.at), gone.number), partial(_event_row, gone)) for gone in found]
    return paged(session, "events", in_order(entries), args)


def _event_row(gone: Deletion) -> dict[str, Any]:
    kind, _ = _SUBJECTS[gone.kind]
    return {
        "__typename": "BasicEvent",
        "id": gid("BasicEvent", gone.key),
        "action": "destroy",
        "createdAt": when(gone.at.astimezone(UTC)),
        "subjectId": gid(kind, gone.key),
        "subjectType": gone.kind,
        "message": f"{kind} was deleted",
    }


def _node(info: Any, id: str) -> dict[str, Any] | None:  # noqa: A002  # the schema's argument name
    return _nodes(info, [id])[0]


def _nodes(info: Any, ids: Sequence[str]) -> list[dict[str, Any] | None]:
    session: Session = info.context
    if len(ids) > 250:
        raise refuse("The input array size is greater than the maximum allowed (250).", "BAD_REQUEST")
    orders: dict[str, Order] = {}
    if any("/Order/" in key for key in ids):
        session.require("read_orders", info)
        orders = {gid("Order", order.key): order for order in visible_orders(session)}
    single = {"Product": _product, "InventoryItem": _item, "Refund": _refund}
    rows: list[dict[str, Any] | None] = []
    for key in ids:
        kind = key.removeprefix("gid://shopify/").partition("/")[0]
        if kind == "Order":
            rows.append(_order_row(orders[key], session) if key in orders else None)
        else:
            rows.append(single[kind](info, key) if kind in single else None)
    return rows
