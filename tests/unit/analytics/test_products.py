"""Names in two scripts, listings of one product, and what content shows."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shelftide.analytics.products.linking import Link, Piece, Sold, link
from shelftide.analytics.products.matching import Decision, How, Item, bundle, code, gtin14, match
from shelftide.analytics.products.names import Named, likeness, mentions, plain, resolve, spoken
from shelftide_sdk.records import LinkKind


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Luxi 露晞", "露晞"),
        ("Luxi 露晞", "LUXI"),
        ("露晞官方旗舰店", "Luxi Official"),
        ("Ｌúxi", "luxi"),
        ("清華護膚", "清华护肤"),
        ("Brumea Skin", "BRUMEA-SKIN"),
        ("Corrente", "Corrrente"),
    ],
)
def test_spellings_of_one_brand(left: str, right: str) -> None:
    assert likeness(left, right) >= 0.8
    assert likeness(right, left) == likeness(left, right)


@pytest.mark.parametrize(("left", "right"), [("Luxi", "Lumi"), ("Nebbia", "Brumea"), ("露晞", "露西娅"), ("", "Luxi")])
def test_other_brands_stay_apart(left: str, right: str) -> None:
    assert likeness(left, right) < 0.8


def test_a_name_is_resolved_only_to_one() -> None:
    known = [Named("b1", ("Luxi 露晞",)), Named("b2", ("Nebbia", "雾霭"))]
    assert (found := resolve("露晞", known)) is not None
    assert found.key == "b1"
    assert (sounded := resolve("霧靄", known)) is not None
    assert sounded.key == "b2"
    assert resolve("Somebody", known) is None
    assert resolve("Luxi", [Named("a", ("Luxi",)), Named("b", ("LUXI",))]) is None, "two are as likely as each other"


@settings(deadline=None)  # the first name loads the dictionary
@given(st.text(max_size=40))
def test_no_name_is_too_strange(name: str) -> None:
    assert plain(plain(name)) == plain(name)
    spoken(name)
    assert likeness(name, name) == (1.0 if plain(name) else 0.0)


@pytest.mark.parametrize(
    ("barcode", "expected"),
    [
        ("4006381333931", "04006381333931"),
        ("036000291452", "00036000291452"),
        ("73513537", "00000073513537"),
        ("4006381333932", None),
        ("2000000000008", None),
        ("0000000000000", None),
        ("", None),
        (None, None),
        ("４００６３８１３３３９３１", None),
    ],
)
def test_barcodes_are_gtins(barcode: str | None, expected: str | None) -> None:
    assert gtin14(barcode) == expected


def item(key: str, channel: str, title: str = "", **values: Any) -> Item:
    return Item(key=key, channel=channel, title=title or key, **values)


def test_a_barcode_joins_channels_and_a_used_twice_does_not() -> None:
    items = [
        item("a1", "shopify", barcode="4006381333931", sku="X-1"),
        item("b1", "amazon", barcode="4006381333931", sku="AMZ-77"),
        item("c1", "tiktok", sku="DUP-1"),
        item("c2", "tiktok", sku="DUP-1"),
        item("d1", "xhs", sku="dup 1"),
    ]
    found = match(items)
    assert [(m.item, m.anchor, m.how) for m in found.matches] == [("b1", "a1", How.BARCODE)]
    assert found.alone == ("c1", "c2", "d1")


def test_codes_bundles_and_chains_end_at_one_anchor() -> None:
    items = [
        item("a", "shopify", sku="CICA-50"),
        item("b", "amazon", sku="cica_50"),
        item("c", "tiktok", sku="CICA-50x2"),
        item("d", "xhs", sku="CICA-50-x3"),
    ]
    found = {m.item: (m.anchor, m.how, m.quantity) for m in match(items).matches}
    assert found == {
        "b": ("a", How.CODE, 1),
        "c": ("a", How.BUNDLE, 2),
        "d": ("a", How.BUNDLE, 3),
    }
    assert bundle("2x CICA-50") == ("cica-50", 2)
    assert bundle("CICA-50-2PK") == ("cica-50", 2)
    assert bundle("CICA-50") is None
    assert code("1") is None


def test_a_persons_word_beats_the_rules() -> None:
    items = [item("a", "shopify", sku="CICA-50"), item("b", "amazon", sku="CICA-50"), item("c", "xhs", sku="OTHER")]
    apart = match(items, [Decision(item="b", anchor=None)])
    assert [m.item for m in apart.matches] == []
    joined = match(items, [Decision(item="c", anchor="b", quantity=2)])
    assert {m.item: (m.anchor, m.quantity, m.how) for m in joined.matches} == {
        "b": ("a", 1, How.CODE),
        "c": ("a", 2, How.PERSON),
    }
    circle = match(items, [Decision(item="a", anchor="c"), Decision(item="c", anchor="a")])
    assert len(circle.matches) <= 2


def test_names_only_suggest_and_sizes_keep_apart() -> None:
    items = [
        item("a", "shopify", "Cica Patch 24 pcs"),
        item("b", "amazon", "CICA patch, 24 pcs"),
        item("c", "xhs", "Cica Patch 48 pcs"),
    ]
    found = match(items)
    assert found.matches == ()
    assert [(m.item, m.anchor) for m in found.suggestions] == [("b", "a")]


PATCH = Sold(product_id="p1", names=("Cica Patch", "积雪草贴"), codes=("CICA20",))
SERUM = Sold(product_id="p2", names=("Cica Patch Serum",))


def test_a_caption_names_a_product_in_either_script() -> None:
    found = link(
        [Piece(content_id="v1", caption="今天用了積雪草貼 #skincare"), Piece(content_id="v2", caption="hi")], [PATCH]
    )
    assert [(x.content_id, x.product_id, x.kind) for x in found.links] == [("v1", "p1", LinkKind.TEXT)]
    found = link([Piece(content_id="v1", caption="今天用了积雪草贴!")], [PATCH])
    assert [(x.product_id, x.kind, x.confidence) for x in found.links] == [("p1", LinkKind.TEXT, 0.8)]
    assert mentions("my CICA-patch routine", PATCH.names) == "Cica Patch"


def test_a_name_inside_another_only_suggests() -> None:
    found = link([Piece(content_id="v", caption="cica patch day")], [PATCH, SERUM])
    assert found.links == ()
    assert [x.product_id for x in found.suggestions] == ["p1"]


def test_codes_and_platforms_count_more_than_text() -> None:
    stated = Link(content_id="v", product_id="p9", kind=LinkKind.TAG, confidence=1.0, because="")
    found = link([Piece(content_id="v", caption="use code cica20")], [PATCH, SERUM], stated=[stated])
    assert [(x.product_id, x.kind) for x in found.links] == [("p1", LinkKind.CODE), ("p9", LinkKind.TAG)]


def test_much_viewed_pieces_without_a_link_wait_for_a_person() -> None:
    pieces = [
        Piece(content_id="v1", caption="x", views=50_000),
        Piece(content_id="v2", caption="x", views=2_100_000),
        Piece(content_id="v3", caption="x", views=9_999),
        Piece(content_id="v4", caption="x", views=None),
        Piece(content_id="v5", caption="cica patch", views=70_000),
    ]
    found = link(pieces, [PATCH])
    assert [piece.content_id for piece in found.unlinked] == ["v2", "v1"]
    said = link(pieces, [PATCH], decisions={("v2", "p1"): True, ("v1", "p1"): False, ("v5", "p1"): False})
    assert [x.content_id for x in said.links] == ["v2"]
    assert said.unlinked == ()
