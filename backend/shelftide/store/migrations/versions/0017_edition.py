"""By which set of sums a connection's days were rolled up.

Revision: 0017, after 0016.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was rolled up before is rolled up again."""
    op.execute("ALTER TABLE rollups ADD COLUMN edition BIGINT")
