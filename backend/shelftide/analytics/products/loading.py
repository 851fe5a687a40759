"""From the warehouse's rows to items, pieces and products, and back to rows that pages read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, literal, select, union_all

from shelftide.analytics.products.linking import Link, Linked, Piece, Sold
from shelftide.analytics.products.matching import Item, Match, Matched
from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import known
from shelftide_sdk.records import LinkKind

Rows = Iterable[Mapping[str, Any]]


def item_key(row: Mapping[str, Any]) -> str:
    """A variant or listing over all connections."""
    return f"{row['connection_id']}:{row['source_id']}"


def item_statement() -> Select[Any]:
    """Everything that can be ordered on a channel: variants with their product's title, and listings."""
    variants, products, listings = known(TABLES["Variant"]), known(TABLES["Product"]), known(TABLES["Listing"])
    joined = variants.outerjoin(
        products,
        and_(products.c.connection_id == variants.c.connection_id, products.c.source_id == variants.c.product_id),
    )
    title = func.coalesce(products.c.title, "") + literal(" ") + func.coalesce(variants.c.title, "")
    both = union_all(
        select(
            variants.c.connection_id,
            variants.c.platform,
            variants.c.source_id,
            variants.c.product_id,
            title.label("title"),
            variants.c.sku,
            variants.c.barcode,
        ).select_from(joined),
        select(
            listings.c.connection_id,
            listings.c.platform,
            listings.c.source_id,
            listings.c.source_id.label("product_id"),
            listings.c.title,
            listings.c.sku,
            literal(None, variants.c.barcode.type).label("barcode"),
        ),
    ).subquery()
    return select(both)


def product_statement() -> Select[Any]:
    """Products by connection."""
    products = known(TABLES["Product"])
    return select(products.c.connection_id, products.c.source_id, products.c.title)


def piece_statement(since: datetime) -> Select[Any]:
    """Content published since, with its newest lifetime views."""
    content, snapshots = known(TABLES["Content"]), known(TABLES["ContentSnapshot"])
    newest = (
        select(snapshots.c.connection_id, snapshots.c.content_id, func.max(snapshots.c.views).label("views"))
        .group_by(snapshots.c.connection_id, snapshots.c.content_id)
        .subquery()
    )
    return (
        select(content.c.source_id, content.c.caption, content.c.hashtags, newest.c.views)
        .select_from(
            content.outerjoin(
                newest,
                and_(
                    newest.c.connection_id == content.c.connection_id,
                    newest.c.content_id == content.c.source_id,
                ),
            )
        )
        .where(content.c.published_at >= since)
    )


def stated_statement() -> Select[Any]:
    """What platforms say about content and products."""
    links = known(TABLES["ProductLink"])
    return select(
        links.c.connection_id, links.c.content_id, links.c.product_id, links.c.kind, links.c.confidence
    ).where(links.c.ended_at.is_(None))


def items_of(rows: Rows) -> list[Item]:
    """Rows of `item_statement` as items."""
    return [
        Item(
            key=item_key(row),
            channel=str(row["platform"]),
            product=f"{row['connection_id']}:{row['product_id']}",
            title=str(row["title"] or "").strip() or str(row["sku"] or row["source_id"]),
            sku=row["sku"],
            barcode=row["barcode"],
        )
        for row in rows
    ]


def products_of(rows: Rows, aliases: Mapping[str, Sequence[str]]) -> list[Sold]:
    """Rows of `product_statement` with the names that people added."""
    return [
        Sold(product_id=item_key(row), names=(str(row["title"]), *aliases.get(item_key(row), ())))
        for row in rows
        if row["title"]
    ]


def pieces_of(rows: Rows) -> list[Piece]:
    """Rows of `piece_statement`."""
    return [
        Piece(
            content_id=str(row["source_id"]),
            caption=str(row["caption"] or ""),
            hashtags=tuple(row["hashtags"] or ()),
            views=row["views"],
        )
        for row in rows
    ]


def stated_of(rows: Rows) -> list[Link]:
    """Rows of `stated_statement`; the product is of the same connection as the link."""
    return [
        Link(
            content_id=str(row["content_id"]),
            product_id=f"{row['connection_id']}:{row['product_id']}",
            kind=LinkKind(row["kind"]),
            confidence=float(row["confidence"]),
            because="",
        )
        for row in rows
    ]


def item_rows(items: Sequence[Item], matched: Matched) -> list[dict[str, Any]]:
    """One row per item: matched, suggested, alone, or the anchor of others."""
    placed = {each.item: ("matched", each) for each in matched.matches}
    waiting = {each.item: ("suggested", each) for each in matched.suggestions}
    alone = set(matched.alone)
    return [
        _row(item, *(placed.get(item.key) or waiting.get(item.key) or (None, None)), alone=item.key in alone)
        for item in items
    ]


def _row(item: Item, state: str | None, found: Match | None, *, alone: bool) -> dict[str, Any]:
    return {
        "item": item.key,
        "product": item.product,
        "channel": item.channel,
        "title": item.title,
        "sku": item.sku,
        "state": state or ("alone" if alone else "anchor"),
        "anchor": found.anchor if found else None,
        "quantity": found.quantity if found else 1,
        "how": found.how.value if found else None,
        "confidence": found.confidence if found else None,
    }


def link_rows(linked: Linked, pieces: Sequence[Piece]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of links and of content that waits."""
    by_id = {piece.content_id: piece for piece in pieces}
    links = [
        {
            "content_id": each.content_id,
            "product_id": each.product_id,
            "kind": each.kind.value,
            "confidence": each.confidence,
            "applied": each.applied,
            "because": each.because,
            "caption": by_id[each.content_id].caption if each.content_id in by_id else "",
            "views": by_id[each.content_id].views if each.content_id in by_id else None,
        }
        for each in (*linked.links, *linked.suggestions)
    ]
    unlinked = [
        {"content_id": piece.content_id, "caption": piece.caption, "views": piece.views} for piece in linked.unlinked
    ]
    return links, unlinked
