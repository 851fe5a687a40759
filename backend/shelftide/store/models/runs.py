"""Durable runs. These rows are the truth; broker messages are hints."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
)
from sqlalchemy import (
    text as sql,
)

from shelftide.store.models.tables import GATE, GATE_AND_TENANT, json, metadata, moment, text, uuid

runs = Table(
    "runs",
    metadata,
    uuid("tenant_id", key=True),
    uuid("run_id", key=True),
    uuid("agency_id"),
    uuid("subject_id", null=True),
    text("job"),
    text("queue"),
    json("arguments", default="{}"),
    text("lane", default=""),
    text("dedupe", null=True),
    text("state", default="queued"),
    moment("due_at", now=True),
    moment("poked_at", null=True),
    moment("lease_until", null=True),
    Column("fence", BigInteger(), nullable=False, server_default="0"),
    Column("attempts", Integer(), nullable=False, server_default="0"),
    Column("max_attempts", Integer(), nullable=False),
    text("worker", null=True),
    json("progress", default="{}"),
    json("result", null=True),
    text("error_code", null=True),
    text("error_message", null=True),
    moment("created_at", now=True),
    moment("started_at", null=True),
    moment("finished_at", null=True),
    ForeignKeyConstraint(["tenant_id", "agency_id"], ["tenants.tenant_id", "tenants.agency_id"], ondelete="CASCADE"),
    CheckConstraint("state in ('queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
    Index("ix_runs_waiting", "queue", "due_at", postgresql_where=sql("state = 'queued'")),
    Index("ix_runs_leased", "lease_until", postgresql_where=sql("state = 'running'")),
    Index("uq_runs_lane", "tenant_id", "lane", unique=True, postgresql_where=sql("state = 'running' and lane <> ''")),
    Index("ix_runs_busy", "tenant_id", postgresql_where=sql("state = 'running'")),
    Index("uq_runs_dedupe", "tenant_id", "dedupe", unique=True, postgresql_where=sql("state in ('queued', 'running')")),
    Index("ix_runs_recent", "tenant_id", "created_at"),
    info=GATE_AND_TENANT,
)

run_attempts = Table(
    "run_attempts",
    metadata,
    uuid("tenant_id", key=True),
    uuid("run_id", key=True),
    Column("attempt", Integer(), primary_key=True),
    Column("fence", BigInteger(), nullable=False),
    text("worker"),
    moment("started_at", now=True),
    moment("ended_at", null=True),
    text("outcome", null=True),
    text("error_code", null=True),
    text("error_message", null=True),
    ForeignKeyConstraint(["tenant_id", "run_id"], ["runs.tenant_id", "runs.run_id"], ondelete="CASCADE"),
    info=GATE_AND_TENANT,
)

schedules = Table(
    "schedules",
    metadata,
    uuid("tenant_id", key=True),
    uuid("schedule_id", key=True),
    uuid("agency_id"),
    text("job"),
    json("arguments", default="{}"),
    text("cron"),
    text("zone", default="UTC"),
    Column("enabled", Boolean(), nullable=False, server_default="true"),
    moment("next_at"),
    moment("last_at", null=True),
    ForeignKeyConstraint(["tenant_id", "agency_id"], ["tenants.tenant_id", "tenants.agency_id"], ondelete="CASCADE"),
    Index("ix_schedules_due", "next_at", postgresql_where=sql("enabled")),
    info=GATE_AND_TENANT,
)

simulation = Table(
    "simulation",
    metadata,
    Column("one", Boolean(), primary_key=True, server_default="true"),
    Column("offset_seconds", BigInteger(), nullable=False, server_default="0"),
    text("control_url"),
    CheckConstraint("one", name="one"),
    info=GATE,
)
