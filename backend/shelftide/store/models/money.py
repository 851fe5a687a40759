"""Exchange rates for all, and what reconciliation and quality checks found for a brand."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKeyConstraint, Index, Numeric, Table

from shelftide.store.models.tables import GATE_AND_READERS, TENANT, json, metadata, moment, text, uuid

# One `base` costs `rate` `quote` on `day`, says `source`. Public figures: every brand reads them, only a job writes.
fx_rates = Table(
    "fx_rates",
    metadata,
    text("source", key=True),
    text("base", key=True),
    text("quote", key=True),
    Column("day", Date(), primary_key=True),
    Column("rate", Numeric(20, 10), nullable=False),
    moment("fetched_at", now=True),
    CheckConstraint("rate > 0", name="rate"),
    info=GATE_AND_READERS,
)

# The last result of each kind of reconciliation, as it was shown.
reconciliations = Table(
    "reconciliations",
    metadata,
    uuid("tenant_id", key=True),
    text("kind", key=True),
    text("subject", key=True),
    json("result"),
    moment("computed_at", now=True),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    info=TENANT,
)

# What looked wrong in what came in. The rows themselves are in the warehouse: a finding hides nothing.
findings = Table(
    "findings",
    metadata,
    uuid("tenant_id", key=True),
    text("fingerprint", key=True),
    uuid("connection_id"),
    text("stream"),
    text("flaw"),
    json("detail"),
    Column("rows", BigInteger(), nullable=False),
    moment("first_seen_at", now=True),
    moment("last_seen_at", now=True),
    ForeignKeyConstraint(
        ["tenant_id", "connection_id"], ["connections.tenant_id", "connections.connection_id"], ondelete="CASCADE"
    ),
    Index(None, "tenant_id", "last_seen_at"),
    info=TENANT,
)
