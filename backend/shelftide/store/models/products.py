"""What is one product over all channels, what content shows it, and what a person said about both."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Double, ForeignKeyConstraint, Integer, Table

from shelftide.store.models.tables import TENANT, metadata, moment, text, uuid


def _of_tenant() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE")


product_items = Table(
    "product_items",
    metadata,
    uuid("tenant_id", key=True),
    text("item", key=True),
    text("product"),
    text("channel"),
    text("title"),
    text("sku", null=True),
    text("state"),
    text("anchor", null=True),
    Column("quantity", Integer(), nullable=False, server_default="1"),
    text("how", null=True),
    Column("confidence", Double(), nullable=True),
    _of_tenant(),
    CheckConstraint("state in ('anchor', 'matched', 'suggested', 'alone')", name="state"),
    info=TENANT,
)

product_decisions = Table(
    "product_decisions",
    metadata,
    uuid("tenant_id", key=True),
    text("item", key=True),
    text("anchor", null=True),
    Column("quantity", Integer(), nullable=False, server_default="1"),
    uuid("decided_by", null=True),
    moment("decided_at", now=True),
    _of_tenant(),
    CheckConstraint("quantity between 1 and 999", name="quantity"),
    info=TENANT,
)

content_links = Table(
    "content_links",
    metadata,
    uuid("tenant_id", key=True),
    text("content_id", key=True),
    text("product_id", key=True),
    text("kind"),
    Column("confidence", Double(), nullable=False),
    Column("applied", Boolean(), nullable=False),
    text("because", default=""),
    text("caption", default=""),
    Column("views", BigInteger(), nullable=True),
    _of_tenant(),
    info=TENANT,
)

unlinked_content = Table(
    "unlinked_content",
    metadata,
    uuid("tenant_id", key=True),
    text("content_id", key=True),
    text("caption", default=""),
    Column("views", BigInteger(), nullable=False),
    _of_tenant(),
    info=TENANT,
)

link_decisions = Table(
    "link_decisions",
    metadata,
    uuid("tenant_id", key=True),
    text("content_id", key=True),
    text("product_id", key=True),
    Column("yes", Boolean(), nullable=False),
    uuid("decided_by", null=True),
    moment("decided_at", now=True),
    _of_tenant(),
    info=TENANT,
)

# Further names of a product (or another thing) in any script, as people add them.
aliases = Table(
    "aliases",
    metadata,
    uuid("tenant_id", key=True),
    text("kind", key=True),
    text("entity", key=True),
    text("name", key=True),
    uuid("added_by", null=True),
    moment("added_at", now=True),
    _of_tenant(),
    CheckConstraint("kind in ('brand', 'product', 'profile')", name="kind"),
    info=TENANT,
)
