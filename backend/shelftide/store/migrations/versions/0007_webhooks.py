"""What platforms push: apps, routes, the inbox; customers that are forgotten for good.

Revision: 0007, after 0006.
"""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; every connection looks after its subscriptions once a day."""
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
        if statement.strip():
            op.execute(statement)
