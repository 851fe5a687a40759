"""What platforms push: who may sign, whose it is, what came. And who asked to be forgotten."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, LargeBinary, Table, UniqueConstraint
from sqlalchemy import text as sql

from shelftide.store.models.tables import (
    GATE_AND_AGENCY,
    GATE_AND_TENANT,
    TENANT,
    json,
    metadata,
    moment,
    text,
    uuid,
)

# Which agencies have an app at a platform: their secrets, which the gate never sees, are tried on a delivery.
webhook_apps = Table(
    "webhook_apps",
    metadata,
    uuid("agency_id", key=True),
    text("connector", key=True),
    ForeignKeyConstraint(
        ["agency_id", "connector"], ["platform_apps.agency_id", "platform_apps.connector"], ondelete="CASCADE"
    ),
    Index(None, "connector"),
    info=GATE_AND_AGENCY,
)

# The account of a delivery to the connections that read it. Kept after a release: privacy matters come later.
webhook_routes = Table(
    "webhook_routes",
    metadata,
    uuid("tenant_id", key=True),
    uuid("connection_id", key=True),
    uuid("agency_id"),
    text("connector"),
    text("account"),
    ForeignKeyConstraint(["tenant_id", "agency_id"], ["tenants.tenant_id", "tenants.agency_id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["tenant_id", "connection_id"], ["connections.tenant_id", "connections.connection_id"], ondelete="CASCADE"
    ),
    Index(None, "connector", "account"),
    info=GATE_AND_TENANT,
)

# One row a delivery and recipient. `recipient` is the connection, or the account that nobody has connected; then
# `tenant_id` is null and there is no body. The body is sealed, and dropped when the delivery has taken effect.
# `deleted` holds the keys that it removed, so that an older delivery that comes later does not bring them back.
inbox = Table(
    "inbox",
    metadata,
    uuid("agency_id", key=True),
    text("connector", key=True),
    text("delivery_id", key=True),
    text("recipient", key=True),
    uuid("tenant_id", null=True),
    uuid("connection_id", null=True),
    text("account"),
    text("topic"),
    text("matter"),
    text("effect"),
    text("digest"),
    json("headers", default="{}"),
    Column("body", LargeBinary(), nullable=True),
    text("state"),
    text("outcome", default=""),
    json("deleted", null=True),
    moment("triggered_at", null=True),
    moment("received_at"),
    moment("ended_at", null=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["tenant_id", "agency_id"], ["tenants.tenant_id", "tenants.agency_id"], ondelete="CASCADE"),
    UniqueConstraint("agency_id", "connector", "digest", "recipient"),
    CheckConstraint("state in ('waiting', 'done', 'rejected', 'unroutable')", name="state"),
    CheckConstraint("(tenant_id is null) = (state = 'unroutable')", name="recipient"),
    Index("ix_inbox_waiting", "tenant_id", "connection_id", "received_at", postgresql_where=sql("state = 'waiting'")),
    Index(
        "ix_inbox_deleted", "tenant_id", "connection_id", "triggered_at", postgresql_where=sql("deleted is not null")
    ),
    Index(None, "received_at"),
    info=GATE_AND_TENANT,
)

# Customer keys that never come back, whatever a platform sends again.
erased_customers = Table(
    "erased_customers",
    metadata,
    uuid("tenant_id", key=True),
    text("customer_key", key=True),
    moment("erased_at", now=True),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    info=TENANT,
)
