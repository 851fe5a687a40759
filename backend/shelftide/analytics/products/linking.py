"""What a piece of content leads to: the platform's word, a discount code, or what the caption says."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from shelftide.analytics.products.names import mentions, plain
from shelftide_sdk.records import LinkKind

APPLIED = 0.8


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of content. `views` is its newest lifetime total, None when unknown."""

    content_id: str
    caption: str = ""
    hashtags: tuple[str, ...] = ()
    views: int | None = None


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """A product with its names in all scripts and the codes that are for it alone."""

    product_id: str
    names: tuple[str, ...]
    codes: tuple[str, ...] = ()


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of content leads to a product. Below `APPLIED` it waits for a person."""

    content_id: str
    product_id: str
    kind: LinkKind
    confidence: float
    because: str

    @property
    def applied(self) -> bool:
        """Whether it counts without a person's word."""
        return self.confidence >= APPLIED


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """Links that count, suggestions, and much-viewed pieces without any link, most viewed first."""

    links: tuple[Link, ...]
    suggestions: tuple[Link, ...]
    unlinked: tuple[Piece, ...]


def link(
    pieces: Sequence[Piece],
    products: Sequence[Sold],
    *,
    stated: Iterable[Link] = (),
    decisions: Mapping[tuple[str, str], bool] | None = None,
    high_views: int = 10_000,
) -> Linked:
    """Link pieces to products.

    Args:
        stated: what platforms say (tags, affiliate orders), confidence 1 or what the record says.
        decisions: (content, product) -> whether a person said yes; a no hides what rules say.
        high_views: from how many views on an unlinked piece is worth a person's look.
    """
    said = decisions or {}
    best: dict[tuple[str, str], Link] = {}
    for each in [*stated, *(found for piece in pieces for found in _read(piece, products))]:
        key = (each.content_id, each.product_id)
        if said.get(key) is not False and (key not in best or best[key].confidence < each.confidence):
            best[key] = each
    for (content_id, product_id), yes in said.items():
        if yes:
            best[content_id, product_id] = Link(
                content_id=content_id, product_id=product_id, kind=LinkKind.PERSON, confidence=1.0, because=""
            )
    found = [best[key] for key in sorted(best)]
    have = {each.content_id for each in found if each.applied}
    refused = {content_id for (content_id, _), yes in said.items() if not yes}
    waiting = [
        piece
        for piece in pieces
        if piece.content_id not in have | refused and piece.views is not None and piece.views >= high_views
    ]
    return Linked(
        links=tuple(each for each in found if each.applied),
        suggestions=tuple(each for each in found if not each.applied and each.content_id not in have),
        unlinked=tuple(sorted(waiting, key=lambda piece: -(piece.views or 0))),
    )


def _read(piece: Piece, products: Sequence[Sold]) -> Iterable[Link]:
    words = set(plain(piece.caption).split()) | {plain(tag) for tag in piece.hashtags}
    told = [
        (product, code) for product in products for code in product.codes if len(code) >= 4 and plain(code) in words
    ]
    for product, code in told:
        yield Link(
            content_id=piece.content_id,
            product_id=product.product_id,
            kind=LinkKind.CODE,
            confidence=0.95,
            because=code,
        )
    text = " ".join((piece.caption, *piece.hashtags))
    for product in products:
        if name := mentions(text, product.names):
            yield Link(
                content_id=piece.content_id,
                product_id=product.product_id,
                kind=LinkKind.TEXT,
                confidence=0.8 if _tells(name, products) else 0.5,
                because=name,
            )


def _tells(name: str, products: Sequence[Sold]) -> bool:
    """Whether a name is one product's alone: not part of another product's names."""
    wanted = plain(name)
    owners = [product for product in products if any(wanted in plain(other) for other in product.names)]
    return len(owners) == 1
