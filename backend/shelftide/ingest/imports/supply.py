"""Kinds of files about goods: stock, costs, suppliers, purchase orders."""

from collections.abc import Iterable, Sequence

from shelftide.ingest.imports.kind import (
    CURRENCY,
    SKU_NAMES,
    Kind,
    Setting,
    Values,
    day,
    moment,
    money,
    number,
    text,
    whole,
)
from shelftide_sdk import DataError
from shelftide_sdk.records import ProductCost, PurchaseOrderLine, Record, StockLevel, SupplyTerm


def _stock(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    available = row["available"]
    if available is None:
        if row["on_hand"] is None:
            if "without" in setting.defaults:
                return
            raise DataError("the line has neither available nor on_hand")
        available = row["on_hand"] - sum(row[name] or 0 for name in ("committed", "unavailable"))
    yield StockLevel(
        stock_item_id=row["stock_item_id"] or row["sku"],
        location_id=row["location"] or setting.defaults.get("location", "file"),
        available=available,
        sku=row["sku"],
        on_hand=row["on_hand"],
        committed=row["committed"],
        incoming=_incoming(row),
        reserved=row["reserved"],
        damaged=row["damaged"],
        safety_stock=row["safety_stock"],
        updated_at=row["updated_at"] or setting.as_of,
    )


def _incoming(row: Values) -> int | None:
    parts = [row[name] for name in ("incoming", "incoming_shipped", "incoming_receiving") if row[name] is not None]
    return sum(parts) if parts else None


def _cost(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    valid_from = row["valid_from"] or (setting.as_of.date() if setting.as_of else None)
    if valid_from is None:
        raise DataError("valid_from is empty")
    yield ProductCost(
        sku=row["sku"],
        valid_from=valid_from,
        zone=setting.zone,
        cost=row["cost"],
        landed_cost=row["landed_cost"],
    )


def _supplier(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    for name in ("lead_days", "lead_days_spread", "minimum_units"):
        if row[name] is not None and row[name] < 0:
            raise DataError(f"{name} is negative")
    if row["pack_units"] is not None and row["pack_units"] < 1:
        raise DataError("pack_units must be 1 or more")
    yield SupplyTerm(
        supplier_id=row["supplier"],
        sku=row["sku"] or "",
        name=row["name"],
        lead_days=row["lead_days"],
        lead_days_spread=row["lead_days_spread"],
        minimum_units=row["minimum_units"],
        pack_units=row["pack_units"],
        cost=row["cost"],
    )


def _purchase(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    yield PurchaseOrderLine(
        order_id=row["order_id"],
        sku=row["sku"],
        ordered_on=row["ordered_on"],
        zone=setting.zone,
        quantity=row["quantity"],
        supplier_id=row["supplier"],
        status=row["status"],
        received=row["received"],
        unit_cost=row["unit_cost"],
        expected_on=row["expected_on"],
        received_on=row["received_on"],
    )


STOCK = Kind(
    name="stock",
    title="Stock",
    columns=(
        text("sku", *SKU_NAMES, required=True),
        text("stock_item_id", "inventory_item_id", "fnsku"),
        text("location", "warehouse", "location_name", "仓库", "magazzino", "lager"),
        whole(
            "available",
            "available_not_editable",
            "afn_fulfillable_quantity",
            "quantity_available",
            "stock",
            "可用库存",
            "可售库存",
            "库存",
        ),
        whole("on_hand", "on_hand_current", "quantity_on_hand", "afn_warehouse_quantity", "qty_on_hand", "实物库存"),
        whole("committed", "committed_not_editable", "占用库存"),
        whole("unavailable", "unavailable_not_editable"),
        whole("incoming", "incoming_not_editable", "on_order", "afn_inbound_working_quantity", "在途库存"),
        whole("incoming_shipped", "afn_inbound_shipped_quantity"),
        whole("incoming_receiving", "afn_inbound_receiving_quantity"),
        whole("reserved", "afn_reserved_quantity"),
        whole("damaged", "afn_unsellable_quantity"),
        whole("safety_stock"),
        moment("updated_at", "as_of", "snapshot_date"),
    ),
    make=_stock,
)
COSTS = Kind(
    name="product-costs",
    title="Product costs",
    columns=(
        text("sku", *SKU_NAMES, required=True),
        money(
            "cost",
            "unit_cost",
            "cost_per_item",
            "cogs",
            "purchase_price",
            "costo",
            "einkaufspreis",
            "成本",
            required=True,
        ),
        money("landed_cost", "landed", "到岸成本"),
        CURRENCY,
        day("valid_from", "from", "since", "effective_date", "生效日期"),
    ),
    make=_cost,
    undated=True,
)
SUPPLIERS = Kind(
    name="suppliers",
    title="Suppliers",
    columns=(
        text("supplier", "supplier_id", "vendor", "supplier_name", "fornitore", "lieferant", "供应商", required=True),
        text("sku", *SKU_NAMES),
        text("name", "title"),
        number("lead_days", "lead_time", "lead_time_days", "交货天数", "交期", required=True),
        number("lead_days_spread", "lead_time_spread", "lead_time_sd", "lead_time_std", "spread"),
        whole("minimum_units", "minimum", "moq", "minimum_order", "min_order_qty", "起订量"),
        whole("pack_units", "pack", "pack_size", "case_pack", "装箱数"),
        money("cost", "unit_cost", "price"),
        CURRENCY,
    ),
    make=_supplier,
)
PURCHASES = Kind(
    name="purchase-orders",
    title="Purchase orders",
    columns=(
        text("order_id", "po", "po_number", "purchase_order", "采购单号", required=True),
        text("sku", *SKU_NAMES, required=True),
        whole("quantity", "qty", "ordered", "units", "quantity_ordered", "数量", required=True),
        day("ordered_on", "order_date", "date", "ordered_at", "采购日期", "下单日期", required=True),
        day("expected_on", "expected", "eta", "due_date", "expected_date", "预计到货"),
        day("received_on", "received_date", "到货日期"),
        whole("received", "quantity_received", "已收数量"),
        text("supplier", "supplier_id", "vendor", "供应商"),
        text("status", "状态"),
        money("unit_cost", "cost", "unit_price", "price", "单价"),
        CURRENCY,
    ),
    make=_purchase,
)
KINDS = (STOCK, COSTS, SUPPLIERS, PURCHASES)
