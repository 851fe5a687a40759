"""What somebody should look at, from the moment it is noticed until it is over."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Table
from sqlalchemy import text as sql

from shelftide.store.models.tables import TENANT, json, metadata, moment, text, uuid

# `subject` is the same for as long as the same thing is wrong: one alert stands for it, however often it is seen.
alerts = Table(
    "alerts",
    metadata,
    uuid("tenant_id", key=True),
    uuid("alert_id", key=True),
    text("kind"),
    text("subject"),
    text("title"),
    text("text"),
    json("evidence"),
    text("state", default="open"),
    text("note", default=""),
    uuid("changed_by", null=True),
    moment("opened_at", now=True),
    moment("seen_at", now=True),
    moment("closed_at", null=True),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    CheckConstraint("state in ('open', 'investigating', 'explained', 'closed')", name="state"),
    Index("uq_alerts_standing", "tenant_id", "kind", "subject", unique=True, postgresql_where=sql("closed_at is null")),
    info=TENANT,
)
