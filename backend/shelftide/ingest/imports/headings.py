"""Which column of a file is which of ours: by its own names, by a platform's export, by what a person said once."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence

import msgspec

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports import attention, rates, sales, supply
from shelftide.ingest.imports.kind import Column, Kind
from shelftide.ingest.imports.tables import Cell
from shelftide.ingest.imports.values import Form
from shelftide_sdk.money import CURRENCIES

KINDS: dict[str, Kind] = {kind.name: kind for kind in (*sales.KINDS, *supply.KINDS, *attention.KINDS, *rates.KINDS)}
_SIGNS = re.compile(r"[^\w]+|_+")
_IN_BRACKETS = re.compile(r"[(（\[]\s*([A-Za-z]{3}|元)\s*[)）\]]")


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An export of a platform, known by `marks`, headings that it alone has together.

    `columns` says what the kind's own names do not; `defaults` are what all its lines have in common.
    """

    name: str
    kind: str
    marks: tuple[str, ...]
    columns: Mapping[str, str] = {}
    defaults: Mapping[str, str] = {}
    currency: str = ""
    zone: str = ""


# Headings as the platforms write them. docs/imports.md says what each rests on, and which are unconfirmed:
# TikTok: ads.tiktok.com/help, "Basic data" (names of metrics); the dimension "By Day" is unconfirmed.
# Shopify: help.shopify.com, "Exporting orders" and "Inventory CSV"; what a place does not keep is "not stocked" there.
# Amazon: reports GET_FLAT_FILE_ALL_ORDERS_DATA_*, GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA; the business report's
# headings are unconfirmed. There `item-price` is the line's, not the piece's, and `afn-total-quantity` holds what is
# still on its way.
# Xiaohongshu, Tmall: exports of creator centre and Business Advisor, which no public document describes.
EXPORTS = (
    Export(
        name="TikTok Ads Manager",
        kind="ad-days",
        marks=("Cost", "Impressions", "Campaign name"),
        columns={"spend": "Cost", "ad_group_id": "Ad group ID"},
        defaults={"account": "tiktok-ads"},
    ),
    Export(
        name="Shopify orders",
        kind="orders",
        marks=("Name", "Financial Status", "Lineitem quantity", "Lineitem name"),
        columns={
            "order_id": "Name",
            "placed_at": "Created at",
            "phone": "Phone",
            "country": "Shipping Country",
            "channel": "",  # `Source` is web, pos or an app's number
        },
        defaults={"channel": "shopify", "channel_kind": "own_shop"},
    ),
    Export(
        name="Shopify inventory",
        kind="stock",
        marks=("Handle", "Option1 Name", "SKU", "Location"),
        defaults={"without": "not stocked at this location"},
    ),
    Export(
        name="Amazon orders",
        kind="orders",
        marks=("amazon-order-id", "purchase-date", "order-status", "asin"),
        columns={"order_id": "amazon-order-id", "line_total": "item-price", "title": "product-name"},
        defaults={"channel": "amazon", "channel_kind": "marketplace"},
    ),
    Export(
        name="Amazon FBA inventory",
        kind="stock",
        marks=("sku", "fnsku", "afn-fulfillable-quantity"),
        columns={"available": "afn-fulfillable-quantity", "on_hand": "afn-warehouse-quantity", "sku": "sku"},
        defaults={"location": "amazon-fba"},
    ),
    Export(
        name="Amazon business report",
        kind="revenue",
        marks=("Date", "Ordered Product Sales", "Units Ordered"),
        columns={"revenue": "Ordered Product Sales", "orders": "Total Order Items"},
        defaults={"channel": "amazon"},
    ),
    Export(
        name="Xiaohongshu creator centre",
        kind="content-metrics",
        marks=("笔记标题", "首次发布时间", "观看量"),
        zone="Asia/Shanghai",
    ),
    Export(
        name="Tmall Business Advisor",
        kind="revenue",
        marks=("统计日期", "支付金额", "访客数"),
        defaults={"channel": "tmall"},
        currency="CNY",
        zone="Asia/Shanghai",
    ),
)


class Place(msgspec.Struct, frozen=True):
    """Where a column stands in the file, and the currency that its heading names."""

    column: Column
    index: int
    heading: str
    currency: str = ""


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """A heading that was understood."""

    line: int
    cells: tuple[str, ...]
    places: tuple[Place, ...]
    export: Export | None

    @property
    def columns(self) -> dict[str, str]:
        """Our column to the file's heading."""
        return {place.column.name: place.heading for place in self.places}


def plain(name: Cell) -> str:
    """A heading without case, signs and full-width forms: "On hand (current)" becomes "on_hand_current"."""
    found = unicodedata.normalize("NFKC", str(name or "")).replace("\ufeff", "").casefold()
    return _SIGNS.sub("_", found).strip("_")


def fingerprint(cells: Sequence[Cell]) -> str:
    """One short text for a heading; a mapping is remembered by it."""
    return hashlib.blake2b("\x1f".join(plain(c) for c in cells).encode(), digest_size=16).hexdigest()


def export_of(cells: Sequence[Cell]) -> Export | None:
    """The platform's export that has such a heading."""
    names = {plain(cell) for cell in cells}
    return next((export for export in EXPORTS if {plain(m) for m in export.marks} <= names), None)


def kind_of(cells: Sequence[Cell]) -> str:
    """The kind that a heading belongs to; empty when several or none might fit.

    Of several that fit, the one that understands all columns that the others understand, and more.
    """
    if export := export_of(cells):
        return export.kind
    fit: dict[str, set[int]] = {}
    for kind in KINDS.values():
        try:
            places = _places(kind, cells, {})
        except InvalidInputError:
            continue  # a heading that this kind knows stands twice
        if not _missing(kind, places):
            fit[kind.name] = {place.index for place in places.values()}
    best = max(fit, key=lambda name: len(fit[name]), default="")
    return best if all(fit[name] < fit[best] for name in fit if name != best) else ""


def match(kind: Kind, line: int, cells: Sequence[Cell], mapping: Mapping[str, str]) -> Heading | None:
    """The heading, or None when a column that the kind needs is missing.

    A column that is mapped to nothing is not looked for. Raises InvalidInputError for a name that stands twice and for
    a mapping that names what is not there.
    """
    export = _export_for(kind, cells)
    places = _places(kind, cells, {**(export.columns if export else {}), **mapping}, strict=mapping)
    if _missing(kind, places):
        return None
    return Heading(line=line, cells=tuple(str(c or "") for c in cells), places=tuple(places.values()), export=export)


def find_places(kind: Kind, cells: Sequence[Cell], mapping: Mapping[str, str]) -> dict[str, Place]:
    """Where a kind's columns stand, as far as they are there. Raises InvalidInputError for a doubled name."""
    export = _export_for(kind, cells)
    return _places(kind, cells, {**(export.columns if export else {}), **mapping})


def is_plain(kind: Kind, cells: Sequence[Cell], mapping: Mapping[str, str]) -> bool:
    """Whether a mapping says no more than the headings do."""
    try:
        alone = {name: place.heading for name, place in find_places(kind, cells, {}).items()}
    except InvalidInputError:
        return not mapping
    return all(alone.get(name, "") == heading for name, heading in mapping.items())


def _export_for(kind: Kind, cells: Sequence[Cell]) -> Export | None:
    export = export_of(cells)
    return export if export and export.kind == kind.name else None


def _missing(kind: Kind, places: Mapping[str, Place]) -> list[str]:
    return [name for name in kind.required if name not in places]


def _places(
    kind: Kind, cells: Sequence[Cell], said: Mapping[str, str], *, strict: Mapping[str, str] | None = None
) -> dict[str, Place]:
    names = [plain(cell) for cell in cells]
    bare = [_without_currency(str(cell or "")) for cell in cells]
    found: dict[str, Place] = {}
    for column in kind.columns:
        if said.get(column.name) == "":
            continue
        wanted = (
            [plain(said[column.name])] if column.name in said else [plain(n) for n in (column.name, *column.aliases)]
        )
        if place := _find(column, wanted, names, bare, cells):
            found[column.name] = place
        elif strict and column.name in strict:
            raise InvalidInputError(
                f"The file has no column {strict[column.name]!r}.", hint=f"It has: {_listed(cells)}."
            )
    return found


def _find(
    column: Column, wanted: Sequence[str], names: Sequence[str], bare: Sequence[tuple[str, str]], cells: Sequence[Cell]
) -> Place | None:
    for name in wanted:
        exact = [index for index, found in enumerate(names) if found == name]
        if not exact and column.form is Form.MONEY:
            exact = [index for index, (found, code) in enumerate(bare) if code and found == name]
        elif not exact and column.form is not Form.TEXT:
            exact = [index for index, (found, _) in enumerate(bare) if found == name]
        if len(exact) > 1:
            raise InvalidInputError(
                f"The heading has {cells[exact[0]]!r} {len(exact)} times (columns"
                f" {', '.join(str(index + 1) for index in exact)}); which is {column.name}?",
                hint="Rename or remove all but one.",
            )
        if exact:
            return Place(column, exact[0], str(cells[exact[0]]).strip(), bare[exact[0]][1])
    return None


def _without_currency(cell: str) -> tuple[str, str]:
    """A heading such as `revenue_gbp`, "Cost (USD)" or "消费(元)" without its currency, and the currency."""
    if found := _IN_BRACKETS.search(cell):
        code = "CNY" if found[1] == "元" else found[1].upper()
        if code in CURRENCIES:
            return plain(_IN_BRACKETS.sub("", cell)), code
    name, _, code = plain(cell).rpartition("_")
    return (name, code.upper()) if name and code.upper() in CURRENCIES else (plain(cell), "")


def refuse(kind: Kind, cells: Sequence[Cell]) -> InvalidInputError:
    """What to say of a heading that has not all that the kind needs."""
    missing = _missing(kind, _places(kind, cells, {}))
    other = kind_of(cells)
    also = f" It looks like the kind {other}." if other and other != kind.name else ""
    return InvalidInputError(
        f"The file has no column {', '.join(missing)}.{also}",
        hint=f"It has: {_listed(cells)}. {kind.name} needs: {', '.join(kind.required)}. Say which heading is which"
        f" (--map {missing[0] if missing else kind.required[0]}=HEADING); that is remembered.",
    )


def _listed(cells: Sequence[Cell]) -> str:
    named = [str(cell).strip()[:60] for cell in cells if cell not in {None, ""}]
    return ", ".join(named[:40]) + (" ..." if len(named) > 40 else "") or "nothing"
