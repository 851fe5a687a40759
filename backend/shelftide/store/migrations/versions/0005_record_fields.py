"""The carousel that an image or video is part of; a product's names in other scripts.

Revision: 0005, after 0004.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; they reach every partition."""
    op.execute("alter table warehouse.contents add column parent_id text")
    op.execute("alter table warehouse.products add column aliases text not null default '[]'")
    op.execute("alter table warehouse.products alter column aliases drop default")
