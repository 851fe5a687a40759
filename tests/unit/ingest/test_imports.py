"""Files of platforms and people: headings, encodings, numbers and days, and what is asked instead of guessed."""

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports.headings import KINDS, kind_of
from shelftide.ingest.imports.reading import Options, Taken, begin
from shelftide.ingest.imports.tables import open_table
from shelftide_sdk import Money
from shelftide_sdk.records import AdDay, Content, ContentSnapshot, Order, OrderLine, SalesDay, StockLevel

SALES = "day,sku,units,revenue\n"


def read(path: Path, content: str | bytes, kind: str = "daily-sales", options: Options | None = None) -> list[Taken]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    reading = begin(open_table(path), KINDS[kind], options or Options(), zone="Europe/Rome", currency="EUR")
    return list(reading.lines())


def test_a_shopify_order_of_two_lines_is_one_order_in_one_currency(tmp_path: Path) -> None:
    content = (
        "Name,Email,Financial Status,Currency,Shipping,Total,Created at,"
        "Lineitem quantity,Lineitem name,Lineitem price\n"
        "#1,a@example.org,paid,USD,5,35,2026-11-22 08:00:00 -0500,2,Cup,10\n"
        "#1,,,,,,2026-11-22 08:00:00 -0500,1,Pot,10\n"
    )
    (taken,) = read(tmp_path / "orders_export.csv", content, "orders")
    order, cup, pot = taken.records
    assert isinstance(order, Order)
    assert isinstance(cup, OrderLine)
    assert isinstance(pot, OrderLine)
    assert (taken.count, order.total, order.channel) == (2, Money(Decimal(35), "USD"), "shopify")
    assert order.placed_at.astimezone(UTC) == datetime(2026, 11, 22, 13, tzinfo=UTC)
    assert (cup.total, pot.total) == (Money(Decimal(20), "USD"), Money(Decimal(10), "USD"))


def test_a_bad_line_takes_its_order_with_it_and_no_other(tmp_path: Path) -> None:
    content = (
        "order_id,placed_at,quantity,line_total\n1,2026-01-01,1,5\n1,2026-01-01,many,5\n2,2026-01-01,1,7\n"
        "3,2026-01-01,1,7\n2,2026-01-01,1,7\n"
    )
    found = read(tmp_path / "o.csv", content, "orders")
    assert [t.number for t in found if t.reject] == [2, 3, 6]
    reasons = [t.reject.reason for t in found if t.reject]
    assert "line 3" in reasons[0]
    assert "'many'" in reasons[1]
    assert "stand apart" in reasons[2]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("amazon-order-id,purchase-date,order-status,asin,sku,quantity,currency,item-price", "orders"),
        ("sku,fnsku,asin,afn-fulfillable-quantity,afn-total-quantity", "stock"),
        ("Handle,Title,Option1 Name,Option1 Value,SKU,Location,Available (not editable),On hand (current)", "stock"),
        ("Date,Campaign name,Campaign ID,Currency,Cost,CPM,Impressions,Clicks (destination)", "ad-days"),
        (
            "笔记标题,首次发布时间,体裁,曝光,观看量,封面点击率,点赞,评论,收藏,涨粉,分享,人均观看时长,弹幕",
            "content-metrics",
        ),
        ("统计日期,支付金额,支付买家数,访客数", "revenue"),
        ("Date,Ordered Product Sales,Units Ordered,Total Order Items,Page Views - Total,Sessions - Total", "revenue"),
        ("day,sku,units,revenue,currency", "daily-sales"),  # revenue series fit too, and understand less
        ("day,revenue", "revenue"),
        ("day,channel,amount", ""),  # earned or spent?
    ],
)
def test_exports_say_their_kind_by_their_heading(heading: str, kind: str) -> None:
    assert kind_of(heading.split(",")) == kind


def test_a_chinese_export_with_a_line_above_its_heading(tmp_path: Path) -> None:
    text = (
        "最多导出排序后前1000条笔记\n笔记标题,首次发布时间,体裁,曝光,观看量,点赞\n"
        "好物分享,2026年11月02日10时20分30秒,图文,1200,300,20\n"
    )
    options = Options(as_of=datetime(2026, 11, 22, tzinfo=UTC))
    (taken,) = read(tmp_path / "notes.csv", text.encode("gb18030"), "content-metrics", options)
    content, snapshot = taken.records
    assert isinstance(content, Content)
    assert isinstance(snapshot, ContentSnapshot)
    assert content.published_at.astimezone(UTC) == datetime(2026, 11, 2, 2, 20, 30, tzinfo=UTC)
    assert (content.caption, snapshot.views, snapshot.saves) == ("好物分享", 300, None)
    with pytest.raises(InvalidInputError, match="when its figures were read"):
        read(tmp_path / "notes.csv", text, "content-metrics")


def test_totals_and_repeated_headings_are_left_out_and_said(tmp_path: Path) -> None:
    heading = "Date,Campaign name,Currency,Cost,CPM,Impressions"
    content = (
        f'{heading}\n2026-11-22,Spring,USD,"1,234.50",3,"40,000"\n{heading}\nTotal of 1 results,-,USD,"1,234.50",3,1\n'
    )
    found = read(tmp_path / "t.csv", content, "ad-days")
    (day,) = found[0].records
    assert isinstance(day, AdDay)
    assert day.spend == Money(Decimal("1234.50"), "USD")
    assert day.impressions == 40000
    assert [(t.number, t.skipped) for t in found[1:]] == [(3, "the heading again"), (4, "a line of totals")]


def test_an_fba_inventory_becomes_stock(tmp_path: Path) -> None:
    content = (
        "sku\tfnsku\tasin\tafn-fulfillable-quantity\tafn-warehouse-quantity\tafn-total-quantity"
        "\tafn-inbound-shipped-quantity\n"
        "A\tX\tB\t8\t12\t15\t3\n"
    )
    (taken,) = read(tmp_path / "fba.txt", content, "stock")
    (level,) = taken.records
    assert isinstance(level, StockLevel)
    assert (level.available, level.on_hand, level.incoming, level.location_id) == (8, 12, 3, "amazon-fba")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_western_encodings_are_found(tmp_path: Path, encoding: str) -> None:
    text = "Datum;sku;Menge;Umsatz (EUR)\n22.11.2026;Bär;1.234;1.234,50 €\n"
    (taken,) = read(tmp_path / "x.csv", text.encode(encoding))
    (day,) = taken.records
    assert isinstance(day, SalesDay)
    assert (day.sku, day.units, day.day) == ("Bär", 1234, date(2026, 11, 22))
    assert day.revenue == Money(Decimal("1234.50"), "EUR")


def test_a_packed_jsonl_keeps_exact_amounts_and_names_what_is_no_object(tmp_path: Path) -> None:
    lines = b'{"day":"2026-01-01","sku":"A","units":3,"revenue":1.10}\n[1]\n{"sku":"B"}\n'
    found = read(tmp_path / "x.jsonl.gz", gzip.compress(lines))
    (day,) = found[0].records
    assert isinstance(day, SalesDay)
    assert day.revenue == Money(Decimal("1.10"), "EUR")
    assert [(t.number, t.reject is not None) for t in found] == [(1, False), (2, True), (3, True)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SALES + "01/02/2026,A,3,\n", "day or with the month"),
        (SALES + '2026-01-01,A,3,"1,234"\n', "decimal sign or a thousands"),
        ("day,day,sku,units\n", "2 times"),
        ("when,what,many\n2026-01-01,A,3\n", "no column"),
        ("\n\n", "empty"),
        (b"PK\x03\x04 nothing", "cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "no table"),
        (gzip.compress(SALES.encode() * 99, mtime=0)[:-12], "cannot be read"),
    ],
)
def test_what_is_unclear_or_broken_is_asked_or_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        read(tmp_path / "x.csv", content)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026-01-01,A,3,1,234.50", "5 columns and the heading 4"),  # 1,234.50 without its quotation marks is no 1
        ("2026-01-01,A,3", "3 of 4 columns"),  # cut off: the revenue is lost, not unknown
    ],
)
def test_a_line_that_has_not_the_headings_columns_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    (taken,) = read(tmp_path / "x.csv", f"{SALES}{line}\n")
    assert taken.reject is not None
    assert reason in taken.reject.reason


def test_not_stocked_at_a_location_is_left_out_and_no_zero(tmp_path: Path) -> None:
    heading = (
        "Handle,Title,Option1 Name,Option1 Value,SKU,Location,Incoming (not editable),Committed (not editable),"
        "Available (not editable),On hand (current),On hand (new)"
    )
    lines = (
        "cup,Cup,Title,Default,CUP-1,Rome,0,2,5,7,\ncup,Cup,Title,Default,CUP-1,Milan,0,0,not stocked,not stocked,\n"
    )
    rome, milan = read(tmp_path / "inventory_export.csv", f"{heading}\n{lines}", "stock")
    (level,) = rome.records
    assert isinstance(level, StockLevel)
    assert (level.available, level.on_hand, level.committed, level.location_id) == (5, 7, 2, "Rome")
    assert (milan.records, milan.skipped) == ([], "not stocked at this location")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("13/02/2026,A,3,", "02/13/2026,A,3,", "01/02/2026,A,3,"), "Dates are written in two ways .*line 2.*line 3"),
        (("01/02/2026,A,3,", *["05/05/2026,A,1,"] * 3_000), "Line 2, column day"),
        (("2026-01-01,A,3,1.50", '2026-01-01,A,3,"1.234,00"', "2026-01-01,A,3,1.234"), "Numbers are written in two"),
        (("2026-01-01,A,3,1.50", '2026-01-01,A,3,"1.234,00"', "2026-01-01,A,3,1.234 €"), "Numbers are written in two"),
    ],
)
def test_what_the_whole_file_leaves_open_refuses_the_whole_file(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        read(tmp_path / "x.csv", SALES + "\n".join(lines) + "\n")
    assert "Say which" in caught.value.hint


@pytest.mark.parametrize(("last", "read_as"), [("31/12/2026", date(2026, 2, 1)), ("12/31/2026", date(2026, 1, 2))])
def test_the_last_line_of_a_long_file_settles_the_first(tmp_path: Path, last: str, read_as: date) -> None:
    middle = "01/01/2026,B,1,\n" * 4_000
    found = read(tmp_path / "x.csv", f"{SALES}01/02/2026,A,3,\n{middle}{last},C,3,\n")
    (day,) = found[0].records
    assert isinstance(day, SalesDay)
    assert day.day == read_as


def test_the_last_line_settles_the_decimal_sign(tmp_path: Path) -> None:
    found = read(tmp_path / "x.csv", SALES + '2026-01-01,A,3,1.234\n2026-01-01,B,3,"1,50"\n')
    revenues = [taken.records[0].revenue for taken in found if isinstance(taken.records[0], SalesDay)]
    assert revenues == [Money(Decimal(1234), "EUR"), Money(Decimal("1.50"), "EUR")]


def test_a_later_line_tells_what_an_earlier_one_leaves_open(tmp_path: Path) -> None:
    found = read(tmp_path / "x.csv", SALES + "01/02/2026,A,3,\n13/02/2026,A,3,\n")
    (day,) = found[0].records
    assert isinstance(day, SalesDay)
    assert day.day == date(2026, 2, 1)
    asked = read(tmp_path / "x.csv", SALES + "01/02/2026,A,3,\n", options=Options(days="mdy"))
    (day,) = asked[0].records
    assert isinstance(day, SalesDay)
    assert day.day == date(2026, 1, 2)


def test_a_sign_of_another_currency_is_refused_and_formulas_stay_text(tmp_path: Path) -> None:
    found = read(
        tmp_path / "x.csv", "day,sku,units,revenue,currency\n2026-01-01,=1+1,3,£9.00,EUR\n2026-01-01,=1+1,3,,\n"
    )
    assert found[0].reject is not None
    assert "currency is EUR" in found[0].reject.reason
    (day,) = found[1].records
    assert isinstance(day, SalesDay)
    assert (day.sku, day.revenue) == ("=1+1", None)


def test_own_headings_are_mapped(tmp_path: Path) -> None:
    options = Options(mapping={"sku": "Codice", "units": "Pezzi"})
    (taken,) = read(tmp_path / "x.csv", "data;Codice;Pezzi\n2026-01-01;A;3\n", options=options)
    assert len(taken.records) == 1
    with pytest.raises(InvalidInputError, match="'Codici'"):
        read(tmp_path / "x.csv", "data;Codice;Pezzi\n", options=Options(mapping={"sku": "Codici"}))
