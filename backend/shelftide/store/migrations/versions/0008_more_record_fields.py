"""What campaigns cost and are marked with, how ad groups count conversions, the state of a comment.

Revision: 0008, after 0007.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMNS = {
    "campaigns": {
        "spend_amount": "numeric(20, 6)",
        "spend_currency": "text",
        "utm_source": "text",
        "utm_medium": "text",
        "utm_campaign": "text",
    },
    "ad_groups": {
        "pixel_id": "text",
        "optimisation_event": "text",
        "click_window": "text",
        "view_window": "text",
    },
    "comments": {"status": "text"},
}


def upgrade() -> None:
    """Add the columns; they reach every partition."""
    for table, columns in COLUMNS.items():
        added = ", ".join(f"add column {name} {kind}" for name, kind in columns.items())
        op.execute(f"alter table warehouse.{table} {added}")
