"""Agencies, the companies that pay, their brands, and the people who look after them."""

from sqlalchemy import Boolean, CheckConstraint, ForeignKeyConstraint, Index, Integer, Table, UniqueConstraint
from sqlalchemy.schema import Column

from shelftide.store.models.tables import (
    AGENCY,
    GATE,
    GATE_AND_AGENCY,
    GATE_AND_TENANT,
    TENANT,
    json,
    metadata,
    moment,
    sealed,
    text,
    uuid,
)

agencies = Table(
    "agencies",
    metadata,
    uuid("agency_id", key=True),
    text("name"),
    text("colour", default="#2f5d62"),
    text("locale", default="en"),
    moment("created_at", now=True),
    info=AGENCY,
)

agency_keys = Table(
    "agency_keys",
    metadata,
    uuid("agency_id", key=True),
    text("master_id"),
    sealed("wrapped"),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    info=AGENCY,
)

clients = Table(
    "clients",
    metadata,
    uuid("agency_id", key=True),
    uuid("client_id", key=True),
    text("name"),
    moment("created_at", now=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    info=AGENCY,
)

domains = Table(
    "domains",
    metadata,
    text("host", key=True),
    uuid("agency_id"),
    moment("verified_at", null=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    Index(None, "agency_id"),
    info=GATE_AND_AGENCY,
)

users = Table(
    "users",
    metadata,
    uuid("agency_id", key=True),
    uuid("user_id", key=True),
    text("email"),
    text("name"),
    text("password_hash"),
    text("locale", default="en"),
    Column("active", Boolean(), nullable=False, server_default="true"),
    moment("created_at", now=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    UniqueConstraint("agency_id", "email"),
    Index("ix_users_email", "email"),
    info={**GATE_AND_AGENCY, "definer": True},
)

memberships = Table(
    "memberships",
    metadata,
    uuid("agency_id", key=True),
    uuid("user_id", key=True),
    text("role"),
    uuid("client_id", null=True),
    ForeignKeyConstraint(["agency_id", "user_id"], ["users.agency_id", "users.user_id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["agency_id", "client_id"], ["clients.agency_id", "clients.client_id"], ondelete="CASCADE"),
    CheckConstraint("role in ('owner', 'account_manager', 'analyst', 'client')", name="role"),
    CheckConstraint("(role = 'client') = (client_id is not null)", name="client"),
    info={**GATE_AND_AGENCY, "definer": True},
)

membership_tenants = Table(
    "membership_tenants",
    metadata,
    uuid("agency_id", key=True),
    uuid("user_id", key=True),
    uuid("tenant_id", key=True),
    ForeignKeyConstraint(
        ["agency_id", "user_id"], ["memberships.agency_id", "memberships.user_id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(["tenant_id", "agency_id"], ["tenants.tenant_id", "tenants.agency_id"], ondelete="CASCADE"),
    info={**GATE_AND_AGENCY, "definer": True},
)

sessions = Table(
    "sessions",
    metadata,
    sealed("session_hash"),
    uuid("agency_id"),
    uuid("user_id"),
    text("csrf"),
    moment("created_at", now=True),
    moment("seen_at", now=True),
    moment("expires_at"),
    ForeignKeyConstraint(["agency_id", "user_id"], ["users.agency_id", "users.user_id"], ondelete="CASCADE"),
    UniqueConstraint("session_hash"),
    Index(None, "agency_id", "user_id"),
    info={**GATE, "definer": True},
)

sign_ins = Table(
    "sign_ins",
    metadata,
    text("email", key=True),
    Column("failures", Integer(), nullable=False, server_default="0"),
    moment("blocked_until", null=True),
    info=GATE,
)

tenants = Table(
    "tenants",
    metadata,
    uuid("tenant_id", key=True),
    uuid("agency_id"),
    uuid("client_id"),
    text("slug"),
    text("name"),
    json("aliases", default="[]"),
    text("currency"),
    text("zone"),
    text("market"),
    text("locale", default="en"),
    text("colour", default="#2f5d62"),
    text("niche", default=""),
    moment("created_at", now=True),
    ForeignKeyConstraint(["agency_id", "client_id"], ["clients.agency_id", "clients.client_id"]),
    UniqueConstraint("tenant_id", "agency_id"),
    Index(None, "agency_id", "client_id"),
    info=TENANT,
)

# What the operator's command line may look up before a scope is known: names, nothing else of a brand.
tenant_names = Table(
    "tenant_names",
    metadata,
    uuid("tenant_id", key=True),
    uuid("agency_id"),
    text("slug"),
    ForeignKeyConstraint(["tenant_id", "agency_id"], ["tenants.tenant_id", "tenants.agency_id"], ondelete="CASCADE"),
    Index(None, "slug"),
    info=GATE_AND_TENANT,
)

tenant_keys = Table(
    "tenant_keys",
    metadata,
    uuid("tenant_id", key=True),
    text("master_id"),
    sealed("wrapped"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    info=TENANT,
)

lake_logins = Table(
    "lake_logins",
    metadata,
    uuid("tenant_id", key=True),
    text("schema_name"),
    text("login"),
    sealed("password"),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    info=TENANT,
)

audit = Table(
    "audit",
    metadata,
    uuid("agency_id", key=True),
    uuid("audit_id", key=True),
    moment("at", now=True),
    uuid("tenant_id", null=True),
    uuid("subject_id", null=True),
    text("action"),
    text("target", default=""),
    json("detail", default="{}"),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    Index(None, "agency_id", "at"),
    info={**AGENCY, "append_only": True},
)
