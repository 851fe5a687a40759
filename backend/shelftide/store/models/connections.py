"""Connections to platforms: grants, secrets, where each stream stands, and what could not be understood."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from shelftide.store.models.tables import AGENCY, GRANT, TENANT, json, metadata, moment, sealed, text, uuid

platform_apps = Table(
    "platform_apps",
    metadata,
    uuid("agency_id", key=True),
    text("connector", key=True),
    text("client_id"),
    sealed("client_secret"),
    json("extra", default="{}"),
    moment("created_at", now=True),
    text("review", default="unknown"),
    json("scopes", null=True),
    Column("account_limit", Integer(), nullable=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    CheckConstraint("review in ('unknown', 'in_review', 'approved', 'rejected')", name="review"),
    CheckConstraint("account_limit > 0", name="account_limit"),
    info=AGENCY,
)

# What each limit of a platform has seen of late; counted by all processes.
provider_budgets = Table(
    "provider_budgets",
    metadata,
    uuid("agency_id", key=True),
    text("name", key=True),
    json("state", default="{}"),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    info=AGENCY,
)

# What an agency said of a plugin. Where it said nothing, the house's own are on and everybody else's are off.
plugin_choices = Table(
    "plugin_choices",
    metadata,
    uuid("agency_id", key=True),
    text("distribution", key=True),
    Column("enabled", Boolean(), nullable=False),
    text("version", default=""),
    uuid("decided_by", null=True),
    moment("decided_at", now=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    info=AGENCY,
)

# Where an agency wants to be told things. `settings` is sealed JSON: an address is a secret.
notifier_settings = Table(
    "notifier_settings",
    metadata,
    uuid("agency_id", key=True),
    text("notifier", key=True),
    sealed("settings"),
    moment("saved_at", now=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    info=AGENCY,
)

oauth_states = Table(
    "oauth_states",
    metadata,
    uuid("agency_id", key=True),
    text("state_hash", key=True),
    uuid("tenant_id"),
    uuid("user_id"),
    text("session_hash"),
    text("connector"),
    text("redirect_uri"),
    json("settings", default="{}"),
    text("verifier", null=True),
    uuid("connection_id", null=True),
    moment("expires_at"),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    info=AGENCY,
)

# Addresses by which a client connects an account without having one here. Only the hash of the token is kept.
connect_links = Table(
    "connect_links",
    metadata,
    uuid("agency_id", key=True),
    uuid("link_id", key=True),
    text("token_hash"),
    uuid("tenant_id"),
    text("connector"),
    uuid("created_by"),
    moment("created_at", now=True),
    moment("expires_at"),
    moment("used_at", null=True),
    moment("revoked_at", null=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    UniqueConstraint("agency_id", "token_hash"),
    info=AGENCY,
)

# One consent at a platform. The accounts that it opens are listed; one assigned to a brand is a connection.
grants = Table(
    "grants",
    metadata,
    uuid("agency_id", key=True),
    uuid("grant_id", key=True),
    uuid("client_id"),
    text("connector"),
    text("subject"),
    text("state", default="ok"),
    text("reason", default=""),
    uuid("granted_by", null=True),
    moment("created_at", now=True),
    ForeignKeyConstraint(["agency_id", "client_id"], ["clients.agency_id", "clients.client_id"], ondelete="CASCADE"),
    CheckConstraint("state in ('ok', 'reconnect')", name="state"),
    info=AGENCY,
)

grant_accounts = Table(
    "grant_accounts",
    metadata,
    uuid("agency_id", key=True),
    uuid("grant_id", key=True),
    text("account_id", key=True),
    text("name"),
    text("kind", default="account"),
    text("zone", null=True),
    text("currency", null=True),
    text("country", null=True),
    json("settings", default="{}"),
    uuid("tenant_id", null=True),
    moment("seen_at", now=True),
    ForeignKeyConstraint(["agency_id", "grant_id"], ["grants.agency_id", "grants.grant_id"], ondelete="CASCADE"),
    info=AGENCY,
)

connections = Table(
    "connections",
    metadata,
    uuid("tenant_id", key=True),
    uuid("connection_id", key=True),
    uuid("grant_id", null=True),
    text("connector"),
    text("platform"),
    text("account_id"),
    text("account_name"),
    text("zone", default="UTC"),
    text("currency", null=True),
    json("settings", default="{}"),
    text("state", default="ok"),
    text("reason", default=""),
    text("step", default=""),
    moment("checked_at", null=True),
    moment("created_at", now=True),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    UniqueConstraint("tenant_id", "connector", "account_id"),
    Index(None, "tenant_id", "grant_id"),
    CheckConstraint("state in ('ok', 'degraded', 'reconnect', 'paused')", name="state"),
    info=TENANT,
)

credentials = Table(
    "credentials",
    metadata,
    uuid("agency_id", key=True),
    uuid("grant_id", key=True),
    Column("version", Integer(), nullable=False),
    sealed("access_token"),
    Column("refresh_token", sealed("x").type, nullable=True),
    json("scopes", default="[]"),
    moment("expires_at", null=True),
    moment("refresh_expires_at", null=True),
    moment("refresh_started_at", null=True),
    moment("updated_at", now=True),
    ForeignKeyConstraint(["agency_id", "grant_id"], ["grants.agency_id", "grants.grant_id"], ondelete="CASCADE"),
    info=GRANT,
)

stream_states = Table(
    "stream_states",
    metadata,
    uuid("tenant_id", key=True),
    uuid("connection_id", key=True),
    text("stream", key=True),
    json("cursor", null=True),
    moment("synced_at", null=True),
    Column("promise_seconds", Integer(), nullable=False, server_default="86400"),
    Column("rows_seen", BigInteger(), nullable=False, server_default="0"),
    Column("rows_written", BigInteger(), nullable=False, server_default="0"),
    text("error_code", null=True),
    text("error_message", null=True),
    moment("failed_at", null=True),
    json("coverage", null=True),
    ForeignKeyConstraint(
        ["tenant_id", "connection_id"], ["connections.tenant_id", "connections.connection_id"], ondelete="CASCADE"
    ),
    info=TENANT,
)

quarantine = Table(
    "quarantine",
    metadata,
    uuid("tenant_id", key=True),
    text("fingerprint", key=True),
    uuid("connection_id", null=True),
    text("stream"),
    text("record"),
    text("reason"),
    text("raw"),
    Column("times", Integer(), nullable=False, server_default="1"),
    moment("first_seen_at", now=True),
    moment("last_seen_at", now=True),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    Index(None, "tenant_id", "last_seen_at"),
    info=TENANT,
)
