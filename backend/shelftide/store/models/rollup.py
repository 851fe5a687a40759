"""What pages read: daily figures per brand, recomputed only for the days that a sync touched."""

from sqlalchemy import BigInteger, Column, Date, ForeignKeyConstraint, Index, Numeric, Table

from shelftide.store.models.tables import TENANT, metadata, moment, text, uuid

MONEY = Numeric(20, 6)

metric_daily = Table(
    "metric_daily",
    metadata,
    uuid("tenant_id", key=True),
    text("metric", key=True),
    Column("day", Date(), primary_key=True),
    text("platform", key=True),
    uuid("connection_id", key=True),
    text("currency", key=True, default=""),
    Column("value", Numeric(24, 6), nullable=False),
    Column("rows", BigInteger(), nullable=False),
    moment("computed_at", now=True),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    info=TENANT,
)

sku_daily = Table(
    "sku_daily",
    metadata,
    uuid("tenant_id", key=True),
    Column("day", Date(), primary_key=True),
    text("sku", key=True),
    text("platform", key=True),
    uuid("connection_id", key=True),
    text("currency", key=True, default=""),
    Column("units", BigInteger(), nullable=False),
    Column("revenue", MONEY, nullable=False),
    Column("orders", BigInteger(), nullable=False),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    Index("ix_sku_daily_sku", "tenant_id", "sku", "day"),
    info=TENANT,
)

sku_stock = Table(
    "sku_stock",
    metadata,
    uuid("tenant_id", key=True),
    uuid("connection_id", key=True),
    text("stock_item_id", key=True),
    text("location_id", key=True),
    text("sku", null=True),
    text("title", null=True),
    text("location_name", null=True),
    Column("available", BigInteger(), nullable=False),
    Column("incoming", BigInteger(), nullable=True),
    moment("observed_at"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    Index("ix_sku_stock_sku", "tenant_id", "sku"),
    info=TENANT,
)

rollups = Table(
    "rollups",
    metadata,
    uuid("tenant_id", key=True),
    uuid("connection_id", key=True),
    moment("rolled_to"),
    # By which set of sums the days were made; null before there were sets.
    Column("edition", BigInteger()),
    moment("computed_at", now=True),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    info=TENANT,
)
