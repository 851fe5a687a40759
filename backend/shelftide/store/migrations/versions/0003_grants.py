"""Grants: one consent, its token, the accounts that it opens. Tokens of older connections are asked for again.

Revision: 0003, after 0002.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move credentials from connections to grants."""
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
        if statement.strip():
            op.execute(statement)
