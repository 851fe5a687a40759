"""The Postgres engine of the warehouse, frozen as SQL beside this file.

Revision: 0002, after 0001.
"""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the schema, its partitioned tables, policies and rights."""
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
        if statement.strip():
            op.execute(statement)
