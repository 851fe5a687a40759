"""The platform's published samples, where that folder is present: each is read, or listed with its reason."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shelftide_sdk.connector import map_rows
from shelftide_sdk.money import Money
from shelftide_sdk.records import Order, OrderLine, OrderStatus, Product, StockLevel, Touch, Variant
from shelftide_tiktok.auth import parse_shop_token
from shelftide_tiktok.mapping_shop import Shop, map_order, map_product, map_stock
from shelftide_tiktok.shop import _impersonal, map_shop

FIXTURES = Path(__file__).parents[4] / "shared" / "platforms" / "fixtures" / "tiktok"
SHOP = Shop(shop_id="7000714532876273420", region="GB", zone="Europe/London")
READ = {
    "shop/api_v2_token_get.json",
    "shop/authorization_202309_shops.json",
    "shop/order_202309_orders_search.json",
    "shop/product_202309_inventory_search.json",
    "shop/product_202502_products_search.json",
}
# Reports and entities of the ads product, which has an app, tokens and a connector of its own.
ADS = ("marketing-openapi/", "marketing-recorded/", "marketing-stream-schemas/")
UNREAD: dict[str, str] = {}

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here"),
]


def sample(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text())["body"]


def test_every_sample_is_read_or_belongs_to_ads() -> None:
    names = {str(path.relative_to(FIXTURES)) for path in FIXTURES.rglob("*") if path.is_file()}
    ours = {name for name in names if not name.startswith(ADS)}
    assert READ | set(UNREAD) == ours
    assert len(UNREAD) <= len(ours) * 0.05


def test_the_token_sample() -> None:
    token = parse_shop_token(sample("shop/api_v2_token_get.json"), datetime(2026, 1, 1, tzinfo=UTC))
    assert token.expires_at == datetime.fromtimestamp(1660556783, UTC)
    assert token.refresh_expires_at == datetime.fromtimestamp(1691487031, UTC)
    assert token.account_id == "7010736057180325637"
    assert len(token.scopes) == 2


def test_the_shop_sample() -> None:
    (row,) = sample("shop/authorization_202309_shops.json")["data"]["shops"]
    account = map_shop(row)
    assert (account.source_id, account.zone, account.currency) == ("7000714532876273420", "Europe/London", "GBP")
    assert account.settings["cipher"] == row["cipher"]


def test_the_order_sample() -> None:
    rows = [_impersonal(row) for row in sample("shop/order_202309_orders_search.json")["data"]["orders"]]
    records, rejects = map_rows(rows, lambda row: map_order(row, SHOP), Order)
    assert rejects == []
    (order,) = [record for record in records if isinstance(record, Order)]
    (line,) = [record for record in records if isinstance(record, OrderLine)]
    (touch,) = [record for record in records if isinstance(record, Touch)]
    assert order.source_id == "576461413038785752"
    assert order.status is OrderStatus.PENDING
    assert order.placed_at == datetime.fromtimestamp(1619611561, UTC)
    assert order.total == Money(Decimal(5000), "IDR")
    assert order.country == "US"
    assert order.cancelled_at is None
    assert (line.sku, line.quantity, line.total) == ("red_iphone_256", 1, Money(Decimal("0.01"), "IDR"))
    assert line.live_id == touch.content_id == "7652884452049160991"
    assert "Example" not in repr(records)


def test_the_stock_sample() -> None:
    rows = sample("shop/product_202309_inventory_search.json")["data"]["inventory"]
    (level,), rejects = map_rows(rows, map_stock, StockLevel)
    assert rejects == []
    assert isinstance(level, StockLevel)
    assert (level.stock_item_id, level.location_id) == ("1729388324987897824", "7054915283043174149")
    assert (level.available, level.committed, level.on_hand) == (100, 10, 110)


def test_the_product_sample() -> None:
    rows = sample("shop/product_202502_products_search.json")["data"]["products"]
    (product, variant), rejects = map_rows(rows, lambda row: map_product(row, SHOP), Product)
    assert rejects == []
    assert isinstance(product, Product)
    assert isinstance(variant, Variant)
    assert (product.source_id, product.status) == ("1729592969712207008", "activate")
    assert (variant.sku, variant.price) == ("Color-Red-XM01", Money(Decimal("121.11"), "USD"))
