"""Listings of one product over platforms: by barcode, by the seller's code, as a bundle, by name for a person to say.

Barcodes are compared as GTIN-14 with a valid check digit (GS1 General Specifications, section 7.9).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import msgspec

from shelftide.analytics.products.names import likeness, plain

APPLIED = 0.9
_SUGGESTED = 0.6
_BUNDLE = (
    re.compile(r"^(?P<code>.+?)[-_ ]?(?:x|×|\*)(?P<n>\d{1,2})$", re.IGNORECASE),
    re.compile(r"^(?P<code>.+?)[-_ ](?P<n>\d{1,2})[-_ ]?(?:pk|pack|pcs|set)$", re.IGNORECASE),
    re.compile(r"^(?P<n>\d{1,2})(?:x|×)[-_ ]?(?P<code>.+)$", re.IGNORECASE),
)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(ml|l|g|kg|oz|fl oz|cm|mm|pcs|pc|片|支|瓶)", re.IGNORECASE)


class How(StrEnum):
    """Why two listings are held for one product."""

    PERSON = "person"
    BARCODE = "barcode"
    CODE = "code"
    BUNDLE = "bundle"
    NAME = "name"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What can be ordered on one channel. `key` is unique over all channels; `product` is the channel's own product."""

    key: str
    channel: str
    title: str
    product: str = ""
    sku: str | None = None
    barcode: str | None = None


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """`item` is `quantity` pieces of what `anchor` is. Below `APPLIED` it waits for a person."""

    item: str
    anchor: str
    how: How
    confidence: float
    quantity: int = 1

    @property
    def applied(self) -> bool:
        """Whether it counts without a person's word."""
        return self.confidence >= APPLIED


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said: the item is the anchor's product, or (anchor None) it is not any other's."""

    item: str
    anchor: str | None
    quantity: int = 1


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """Matches that count, suggestions, and items that stand alone though other channels sell something."""

    matches: tuple[Match, ...]
    suggestions: tuple[Match, ...]
    alone: tuple[str, ...]


def gtin14(barcode: str | None) -> str | None:
    """A barcode as 14 digits, or None when its length or its check digit is wrong, or it is a shop's own code.

    GTINs that begin with 2 (or 02, 04 as UPC) are for use inside a company: equal ones mean nothing between shops.
    """
    digits = re.sub(r"[\s-]", "", barcode or "")
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (8, 12, 13, 14):
        return None
    full = digits.zfill(14)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(full[:13]))
    if (10 - total % 10) % 10 != int(full[13]) or not full.strip("0"):
        return None
    return None if len(digits) != 8 and full[1] == "2" else full


def code(sku: str | None) -> str | None:
    """A seller's code without case, spaces and leading zeros of numbers; None when it is too short to mean a thing."""
    text = re.sub(r"[\s_-]+", "-", (sku or "").strip()).casefold()
    return text if len(text.replace("-", "")) >= 3 else None


def bundle(sku: str | None) -> tuple[str, int] | None:
    """(code, pieces) of a code that names a multiple: `CICA-50x2`, `CICA-50-2PK`, `2x CICA-50`."""
    for pattern in _BUNDLE:
        found = pattern.match((sku or "").strip())
        if found and int(found["n"]) >= 2 and (inner := code(found["code"])):
            return inner, int(found["n"])
    return None


def match(items: Sequence[Item], decisions: Iterable[Decision] = ()) -> Matched:
    """Match items over channels. A product's first item (by key) is its anchor; a person's word beats all rules."""
    ordered = sorted(items, key=lambda item: item.key)
    said = {decision.item: decision for decision in decisions}
    keys = {item.key for item in ordered}
    found: dict[str, Match] = {}
    for item in ordered:
        decision = said.get(item.key)
        if decision and decision.anchor in keys and decision.anchor != item.key:
            found[item.key] = Match(
                item=item.key, anchor=decision.anchor, how=How.PERSON, confidence=1.0, quantity=decision.quantity
            )
    free = [item for item in ordered if item.key not in said]
    for how, name, sure in ((How.BARCODE, _barcode, 0.99), (How.CODE, _code, 0.95)):
        for anchor, key in _pairs(ordered, free, name):
            found.setdefault(key, Match(item=key, anchor=anchor, how=how, confidence=sure))
    for each in _bundles(ordered, free):
        found.setdefault(each.item, each)
    settled = _settled(found)
    suggestions = _by_name(ordered, [item for item in free if item.key not in settled], settled)
    anchors = {each.anchor for each in (*settled.values(), *suggestions)} | {each.item for each in suggestions}
    lonely = [item.key for item in ordered if item.key not in settled and item.key not in anchors]
    several = len({item.channel for item in ordered}) > 1
    return Matched(
        matches=tuple(settled[key] for key in sorted(settled)),
        suggestions=tuple(suggestions),
        alone=tuple(key for key in lonely if several and key not in said),
    )


def _barcode(item: Item) -> str | None:
    return gtin14(item.barcode)


def _code(item: Item) -> str | None:
    return code(item.sku)


def _pairs(ordered: Sequence[Item], free: Sequence[Item], name: Callable[[Item], str | None]) -> list[tuple[str, str]]:
    """(anchor, item) of items with one name. A name that one channel uses twice tells nothing there."""
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in ordered:
        if value := name(item):
            groups[value].append(item)
    movable = {item.key for item in free}
    pairs = []
    for group in groups.values():
        channels = [item.channel for item in group]
        clear = [item for item in group if channels.count(item.channel) == 1]
        pairs += [(clear[0].key, item.key) for item in clear[1:] if item.key in movable]
    return pairs


def _bundles(ordered: Sequence[Item], free: Sequence[Item]) -> list[Match]:
    singles: dict[str, list[str]] = defaultdict(list)
    for item in ordered:
        if value := code(item.sku):
            singles[value].append(item.key)
    found = []
    for item in free:
        inner = bundle(item.sku)
        if inner and singles.get(inner[0]) and singles[inner[0]][0] != item.key:
            anchor, quantity = singles[inner[0]][0], inner[1]
            found.append(Match(item=item.key, anchor=anchor, how=How.BUNDLE, confidence=0.9, quantity=quantity))
    return found


def _settled(found: dict[str, Match]) -> dict[str, Match]:
    """Chains end at their anchor: an item of an item is the anchor's, with pieces multiplied. A circle is cut."""
    settled = {}
    for key, each in found.items():
        seen, anchor, quantity, sure = {key}, each.anchor, each.quantity, each.confidence
        while anchor in found and anchor not in seen:
            seen.add(anchor)
            after = found[anchor]
            quantity, sure, anchor = quantity * after.quantity, min(sure, after.confidence), after.anchor
        if anchor != key and anchor not in seen:
            settled[key] = msgspec.structs.replace(each, anchor=anchor, quantity=quantity, confidence=sure)
    return settled


def _by_name(ordered: Sequence[Item], free: Sequence[Item], settled: dict[str, Match]) -> list[Match]:
    """The likeliest product of another channel for each item that no code placed: suggestions only."""
    found = []
    for item in free:
        rivals = [
            (score, other.key)
            for other in ordered
            if other.channel != item.channel and other.key < item.key and (score := _title_likeness(item, other))
        ]
        if rivals:
            score, anchor = max(rivals, key=lambda rival: (rival[0], -len(rival[1])))
            anchor = settled[anchor].anchor if anchor in settled else anchor
            found.append(Match(item=item.key, anchor=anchor, how=How.NAME, confidence=round(score, 2)))
    return found


def _title_likeness(item: Item, other: Item) -> float:
    if _sizes(item.title) != _sizes(other.title) and _sizes(item.title) and _sizes(other.title):
        return 0.0
    whole = likeness(item.title, other.title)
    if whole:
        return whole * 0.85
    mine, theirs = set(plain(item.title).split()), set(plain(other.title).split())
    shared = len(mine & theirs) / max(1, len(mine | theirs))
    return shared * 0.85 if shared * 0.85 >= _SUGGESTED else 0.0


def _sizes(title: str) -> frozenset[tuple[str, str]]:
    return frozenset((amount, unit.casefold()) for amount, unit in _SIZE.findall(title))
