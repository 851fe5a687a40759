"""A small file of each kind with the headings of its source, and what it must become. The figures are made up."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec


def headings(text: str) -> list[str]:
    return text.split(",")


AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
# Columns of "Export orders" in Shopify's admin, as its help page and public exports have them.
SHOPIFY_ORDERS = headings(
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,"
    "Shipping,Taxes,Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,"
    "Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,"
    "Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,Billing Address1,"
    "Billing Address2,Billing Company,Billing City,Billing Zip,Billing Province,Billing Country,Billing Phone,"
    "Shipping Name,Shipping Street,Shipping Address1,Shipping Address2,Shipping Company,Shipping City,"
    "Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,Cancelled at,"
    "Payment Method,Payment Reference,Refunded Amount,Vendor,Id,Tags,Risk Level,Source,Lineitem discount,"
    "Tax 1 Name,Tax 1 Value,Phone,Receipt Number,Duties,Billing Province Name,Shipping Province Name,"
    "Payment ID,Payment Terms Name,Next Payment Due At"
)
SHOPIFY_INVENTORY = headings(
    "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,SKU,"
    "HS Code,COO,Location,Bin name,Incoming (not editable),Unavailable (not editable),"
    "Committed (not editable),Available (not editable),On hand (current),On hand (new)"
)
AMAZON_ORDERS = headings(
    "amazon-order-id,merchant-order-id,purchase-date,last-updated-date,order-status,fulfillment-channel,"
    "sales-channel,order-channel,ship-service-level,product-name,sku,asin,item-status,quantity,currency,"
    "item-price,item-tax,shipping-price,shipping-tax,gift-wrap-price,gift-wrap-tax,item-promotion-discount,"
    "ship-promotion-discount,ship-city,ship-state,ship-postal-code,ship-country,promotion-ids,"
    "is-business-order,purchase-order-number,price-designation"
)
AMAZON_INVENTORY = headings(
    "sku,fnsku,asin,product-name,condition,your-price,mfn-listing-exists,mfn-fulfillable-quantity,"
    "afn-listing-exists,afn-warehouse-quantity,afn-fulfillable-quantity,afn-unsellable-quantity,"
    "afn-reserved-quantity,afn-total-quantity,per-unit-volume,afn-inbound-working-quantity,"
    "afn-inbound-shipped-quantity,afn-inbound-receiving-quantity"
)
AMAZON_BUSINESS = headings(
    "Date,Ordered Product Sales,Units Ordered,Total Order Items,Page Views - Total,Sessions - Total"
)
TIKTOK_ADS = headings(
    "Campaign name,Campaign ID,Ad group name,Ad group ID,By Day,Currency,Cost,CPC (destination),CPM,"
    "Impressions,Clicks (destination),CTR (destination),Reach,Conversions,Cost per conversion,Paid likes,"
    "Paid comments,Paid shares"
)
XIAOHONGSHU = headings("笔记标题,首次发布时间,体裁,曝光,观看量,封面点击率,点赞,评论,收藏,涨粉,分享,人均观看时长,弹幕")

Row = Mapping[str, Any]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A file, the rows that its table must hold (the named columns), and the lines that must be refused."""

    kind: str
    name: str
    content: bytes
    rows: Mapping[str, Sequence[Row]]
    rejects: Mapping[int, str]
    said: bool = True
    skipped: int = 0


def table(headings: Sequence[str], *rows: Row, separator: str = ",") -> bytes:
    """A file of these rows; what a row does not name is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, headings, delimiter=separator, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def lines(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day and so on


CASES = (
    Case(
        kind="daily-sales",
        name="cassa.csv",
        content=lines(
            "Data;Articolo;Descrizione;Quantità;Ricavi (EUR)",
            "31/10/2026;CUP-1;Tazza;3;1.234,50 €",
            "01/11/2026;CUP-1;Tazza;-1;-12,00",
            "02/11/2026;CUP-1;Tazza;2;12,00 $",
            "Totale;;;4;1.234,50",
        ),
        rows={
            "SalesDay": [
                {"sku": "CUP-1", "day": date(2026, 10, 31), "units": 3, "revenue_amount": Decimal("1234.50"),
                 "revenue_currency": "EUR"},
                {"sku": "CUP-1", "day": date(2026, 11, 1), "units": -1, "revenue_amount": Decimal(-12)},
            ]
        },
        rejects={4: "currency is EUR"},
        said=False,
        skipped=1,
    ),
    Case(
        kind="orders",
        name="orders_export.csv",
        content=table(
            SHOPIFY_ORDERS,
            {"Name": "#1001", "Email": "a@example.org", "Financial Status": "paid", "Currency": "USD",
             "Subtotal": "28.00", "Shipping": "5.00", "Taxes": "2.00", "Total": "35.00", "Discount Code": "SPRING",
             "Discount Amount": "2.00", "Created at": "2026-11-22 08:00:00 -0500", "Lineitem quantity": "2",
             "Lineitem name": "Cup", "Lineitem price": "10.00", "Lineitem sku": "CUP-1", "Lineitem discount": "2.00",
             "Shipping Country": "US", "Refunded Amount": "0.00", "Source": "web", "Id": "5501"},
            {"Name": "#1001", "Created at": "2026-11-22 08:00:00 -0500", "Lineitem quantity": "1",
             "Lineitem name": "Pot", "Lineitem price": "10.00", "Lineitem sku": "POT-1"},
            {"Name": "#1002", "Currency": "USD", "Total": "10.00", "Created at": "2026-11-22 09:00:00 -0500",
             "Lineitem quantity": "one", "Lineitem name": "Pot", "Lineitem price": "10.00"},
        ),
        rows={
            "Order": [
                {"source_id": "#1001", "placed_at": at(2026, 11, 22, 13), "total_amount": Decimal(35),
                 "total_currency": "USD", "channel": "shopify", "shipping_amount": Decimal(5), "country": "US"}
            ],
            "OrderLine": [
                {"sku": "CUP-1", "quantity": 2, "total_amount": Decimal(18), "discount_amount": Decimal(2)},
                {"sku": "POT-1", "quantity": 1, "total_amount": Decimal(10), "title": "Pot"},
            ],
        },
        rejects={4: "'one', not a whole number"},
        said=False,
    ),
    Case(
        kind="orders",
        name="amazon-orders.txt",
        content=table(
            AMAZON_ORDERS,
            {"amazon-order-id": "402-1", "purchase-date": "2026-11-20T10:11:12+00:00", "order-status": "Shipped",
             "sales-channel": "Amazon.it", "product-name": "Cup", "sku": "CUP-1", "asin": "B0TEST0001",
             "item-status": "Shipped", "quantity": "2", "currency": "EUR", "item-price": "20.00", "item-tax": "3.61",
             "shipping-price": "4.00", "item-promotion-discount": "1.50", "ship-country": "IT"},
            {"amazon-order-id": "402-2", "purchase-date": "yesterday", "order-status": "Shipped", "sku": "CUP-1",
             "asin": "B0TEST0001", "quantity": "1", "currency": "EUR", "item-price": "10.00"},
            separator="\t",
        ),
        rows={
            "Order": [
                {"source_id": "402-1", "placed_at": at(2026, 11, 20, 10, 11, 12), "total_amount": Decimal("22.50"),
                 "channel": "Amazon.it", "country": "IT"}
            ],
            "OrderLine": [{"sku": "CUP-1", "quantity": 2, "total_amount": Decimal("18.50")}],
        },
        rejects={3: "'yesterday', which is not a day"},
        said=False,
    ),
    Case(
        kind="revenue",
        name="BusinessReport-22-11-26.csv",
        content=table(
            AMAZON_BUSINESS,
            {"Date": "11/20/26", "Ordered Product Sales": "$1,234.50", "Units Ordered": "40",
             "Total Order Items": "36", "Page Views - Total": "900", "Sessions - Total": "700"},
            {"Date": "11/21/26", "Ordered Product Sales": "nine", "Total Order Items": "1"},
        ),
        rows={
            "RevenueDay": [
                {"channel": "amazon", "day": date(2026, 11, 20), "revenue_amount": Decimal("1234.50"),
                 "revenue_currency": "USD", "orders": 36, "visitors": 700}
            ]
        },
        rejects={3: "'nine', not a number"},
        said=False,
    ),
    Case(
        kind="footfall",
        name="counter.tsv",
        content=lines("day\tstore\tvisitors", "2026-11-20\tMilano\t1204", "2026-11-21\t\t9", "2026-11-22\tMilano\t-"),
        rows={"Footfall": [{"place": "Milano", "day": date(2026, 11, 20), "visitors": 1204}]},
        rejects={3: "place is empty", 4: "visitors is empty"},
        said=False,
    ),
    Case(
        kind="sessions",
        name="sessions.jsonl",
        content=lines(
            '{"session_id":"s1","started_at":"2026-11-20T10:00:00Z","utm_source":"tiktok","page_views":4}',
            '{"session_id":"s2","started_at":"2026-11-20T10:00:00 Mars"}',
            '["s3"]',
        ),
        rows={
            "Session": [
                {"source_id": "s1", "started_at": at(2026, 11, 20, 10), "utm_source": "tiktok", "page_views": 4}
            ]
        },
        rejects={2: "zone 'Mars'", 3: "no JSON object"},
        said=False,
    ),
    Case(
        kind="stock",
        name="inventory_export.csv",
        content=table(
            SHOPIFY_INVENTORY,
            {"Handle": "cup", "Title": "Cup", "Option1 Name": "Title", "SKU": "CUP-1", "Location": "Rome",
             "Incoming (not editable)": "9", "Committed (not editable)": "2", "Available (not editable)": "5",
             "On hand (current)": "7"},
            {"Handle": "cup", "Title": "Cup", "Option1 Name": "Title", "SKU": "CUP-1", "Location": "Milan",
             "Available (not editable)": "not stocked", "On hand (current)": "not stocked"},
            {"Handle": "pot", "Title": "Pot", "Option1 Name": "Title", "SKU": "POT-1", "Location": "Rome",
             "Available (not editable)": "1.5"},
        ),
        rows={
            "StockLevel": [
                {"sku": "CUP-1", "location_id": "Rome", "available": 5, "on_hand": 7, "committed": 2, "incoming": 9}
            ]
        },
        rejects={4: "'1.5', not a whole number"},
        skipped=1,
    ),
    Case(
        kind="stock",
        name="fba-inventory.txt",
        content=table(
            AMAZON_INVENTORY,
            {"sku": "CUP-1", "fnsku": "X001", "asin": "B0TEST0001", "afn-warehouse-quantity": "12",
             "afn-fulfillable-quantity": "8", "afn-reserved-quantity": "3", "afn-unsellable-quantity": "1",
             "afn-total-quantity": "20", "afn-inbound-working-quantity": "2", "afn-inbound-shipped-quantity": "5",
             "afn-inbound-receiving-quantity": "1"},
            {"fnsku": "X002", "afn-fulfillable-quantity": "8"},
            separator="\t",
        ),
        rows={
            "StockLevel": [
                {"stock_item_id": "X001", "location_id": "amazon-fba", "available": 8, "on_hand": 12, "incoming": 8,
                 "reserved": 3, "damaged": 1}
            ]
        },
        rejects={3: "sku is empty"},
    ),
    Case(
        kind="product-costs",
        name="costs.csv",
        content=lines("SKU,Cost per item,Landed cost,Currency", "CUP-1,3.10,3.456,EUR", "POT-1,free,,EUR"),
        rows={
            "ProductCost": [
                {"sku": "CUP-1", "valid_from": date(2026, 11, 22), "cost_amount": Decimal("3.10"),
                 "landed_cost_amount": Decimal("3.456"), "cost_currency": "EUR"}
            ]
        },
        rejects={3: "'free', not a number"},
        said=False,
    ),
    Case(
        kind="suppliers",
        name="suppliers.csv",
        content=lines(
            "vendor,sku,lead time,lead time spread,MOQ,pack size", "Yiwu,CUP-1,21.5,4,100,12", "Yiwu,POT,-1,,,"
        ),
        rows={
            "SupplyTerm": [
                {"supplier_id": "Yiwu", "sku": "CUP-1", "lead_days": Decimal("21.5"), "lead_days_spread": Decimal(4),
                 "minimum_units": 100, "pack_units": 12}
            ]
        },
        rejects={3: "lead_days is negative"},
        said=False,
    ),
    Case(
        kind="purchase-orders",
        name="po.csv",
        content=lines(
            "PO number,SKU,Qty,Order date,ETA,Unit cost,Currency",
            "PO-7,CUP-1,500,2026-10-01,2026-11-30,3.10,USD",
            "PO-7,POT-1,,2026-10-01,,,USD",
        ),
        rows={
            "PurchaseOrderLine": [
                {"order_id": "PO-7", "sku": "CUP-1", "quantity": 500, "ordered_on": date(2026, 10, 1),
                 "expected_on": date(2026, 11, 30), "unit_cost_amount": Decimal("3.10")}
            ]
        },
        rejects={3: "quantity is empty"},
        said=False,
    ),
    Case(
        kind="content-metrics",
        name="笔记列表明细表.csv",
        content=b"\xef\xbb\xbf"
        + table(
            XIAOHONGSHU,
            {"笔记标题": "好物分享", "首次发布时间": "2026年11月02日10时20分30秒", "体裁": "图文", "曝光": "1200",
             "观看量": "300", "点赞": "20", "评论": "3", "收藏": "11", "涨粉": "2",
             "分享": "1", "人均观看时长": "12.5"},
            {"笔记标题": "新品", "首次发布时间": "2026年11月03日", "观看量": "三百"},
        ),
        rows={
            "Content": [{"caption": "好物分享", "published_at": at(2026, 11, 2, 2, 20, 30), "kind": "note"}],
            "ContentSnapshot": [
                {"captured_at": AS_OF, "views": 300, "reach": 1200, "likes": 20, "saves": 11, "new_followers": 2,
                 "average_watch_seconds": 12.5}
            ],
        },
        rejects={3: "'三百', not a whole number"},
        said=False,
    ),
    Case(
        kind="competitor-snapshots",
        name="rivals.csv",
        content=lines(
            "handle,platform,date,followers,posts", "@rival,tiktok,2026-11-20,\"12,345\",88", "@other,tiktok,,9,"
        ),
        rows={
            "ProfileDay": [
                {"profile_id": "tiktok:rival", "day": date(2026, 11, 20), "followers": 12345},
                {"profile_id": "tiktok:other", "day": date(2026, 11, 22), "followers": 9},
            ],
            "Profile": [{"handle": "other"}, {"handle": "rival", "followers": 12345, "contents": 88}],
        },
        rejects={},
        said=False,
    ),
    Case(
        kind="product-links",
        name="links.csv",
        content=lines("content_id,product_id,link_kind,confidence", "v1,P1,person,90%", "v2,P1,guess,0.5", "v3,P1,,2"),
        rows={"ProductLink": [{"content_id": "v1", "product_id": "P1", "kind": "person", "confidence": 0.9}]},
        rejects={3: "kind is 'guess'", 4: "write 12.5% or 0.125"},
        said=False,
    ),
    Case(
        kind="creator-deals",
        name="deals.csv",
        content=lines(
            "creator,agreed,fee,currency,commission,code", "@mia,2026-10-05,1200,EUR,8%,MIA10", ",2026-10-05,1,EUR,,"
        ),
        rows={
            "Deal": [
                {"creator_id": "mia", "fee_amount": Decimal(1200), "fee_currency": "EUR",
                 "commission_rate": Decimal("0.08"), "promo_code": "MIA10"}
            ],
            "Creator": [{"source_id": "mia"}],
        },
        rejects={3: "creator is empty"},
        said=False,
    ),
    Case(
        kind="samples",
        name="samples.csv",
        content=lines(
            "influencer,sku,shipped,qty",
            "@mia,CUP-1,5 Oct 2026,2",
            "@mia,CUP-1,5 Octember 2026,2",
            "@zoe,CUP-2,6 Oct 2026,",
        ),
        rows={
            "Sample": [
                {"creator_id": "mia", "sku": "CUP-1", "sent_on": date(2026, 10, 5), "quantity": 2},
                {"creator_id": "zoe", "sku": "CUP-2", "sent_on": date(2026, 10, 6), "quantity": None},
            ]
        },
        rejects={3: "not a day"},
        said=False,
    ),
    Case(
        kind="ad-spend",
        name="tv.csv",
        content=lines("date,media,campaign,spend (GBP)", "20.11.2026,TV,Launch,15000", "21.11.2026,,Launch,1"),
        rows={
            "OffPlatformSpend": [
                {"medium": "TV", "name": "Launch", "day": date(2026, 11, 20), "spend_amount": Decimal(15000),
                 "spend_currency": "GBP"}
            ]
        },
        rejects={3: "medium is empty"},
        said=False,
    ),
    Case(
        kind="ad-days",
        name="tiktok-report.csv",
        content=table(
            TIKTOK_ADS,
            {"Campaign name": "Spring", "Campaign ID": "18001", "Ad group ID": "18002", "By Day": "2026-11-20",
             "Currency": "USD", "Cost": "12.50", "CPM": "3.1", "Impressions": "4032", "Clicks (destination)": "88",
             "Reach": "-", "Conversions": "4", "Paid likes": "7"},
            {"Campaign name": "Total of 1 results", "By Day": "-", "Cost": "12.50", "Impressions": "4032"},
            {"Campaign name": "Spring", "Campaign ID": "18001", "By Day": "2026-11-21", "Currency": "USD", "Cost": "x"},
        ),
        rows={
            "AdDay": [
                {"entity_id": "18002", "level": "ad_group", "day": date(2026, 11, 20), "spend_amount": Decimal("12.50"),
                 "impressions": 4032, "clicks": 88, "reach": None, "likes": 7, "account_id": "tiktok-ads"}
            ]
        },
        rejects={4: "'x', not a number"},
        said=False,
        skipped=1,
    ),
    Case(
        kind="fx-rates",
        name="rates.csv",
        content=(
            b"source,base,quote,day,rate\nBOT,usd,TWD,2026-11-20,31.2345\nBOT,USD,TWD,2026-11-21,0\n"
            b"BOT,USD,XXX,2026-11-21,3\nBOT,USD,USD,2026-11-21,1\n"
        ),
        rows={
            "FxRate": [
                {"source": "BOT", "base": "USD", "quote": "TWD", "day": date(2026, 11, 20), "rate": Decimal("31.2345")}
            ]
        },
        rejects={3: "must be positive", 4: "unknown currency 'XXX'", 5: "both USD"},
        said=False,
    ),
)  # fmt: skip
