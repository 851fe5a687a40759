"""What only one platform says of a row; how many pieces a sample had may be unknown.

Revision: 0015, after 0014.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Written out: a migration describes the schema of its day, not of the code that runs it.
TABLES = (
    "account_health",
    "ad_breakdown_days",
    "ad_days",
    "ad_groups",
    "ads",
    "audience_days",
    "best_seller_ranks",
    "campaigns",
    "comments",
    "content_snapshots",
    "contents",
    "creators",
    "deals",
    "fees",
    "footfall",
    "fx_rates",
    "inbound_shipments",
    "listings",
    "lives",
    "locations",
    "mentions",
    "off_platform_spend",
    "order_lines",
    "orders",
    "payouts",
    "product_costs",
    "product_links",
    "product_matches",
    "products",
    "profile_days",
    "profiles",
    "promo_codes",
    "purchase_order_lines",
    "refunds",
    "revenue_days",
    "sales_days",
    "samples",
    "sessions",
    "stock_levels",
    "supply_terms",
    "touches",
    "variants",
)


def upgrade() -> None:
    """Add the column everywhere; it reaches every partition."""
    for table in TABLES:
        op.execute(f"alter table warehouse.{table} add column extra text")
    op.execute("alter table warehouse.samples alter column quantity drop not null")
