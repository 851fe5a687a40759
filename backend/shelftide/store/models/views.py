"""Questions that people keep: of one brand, and for all brands of an agency."""

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, Table, UniqueConstraint

from shelftide.store.models.tables import AGENCY, TENANT, json, metadata, moment, text, uuid

# `shared`: everyone who sees the brand may use it; else its owner alone.
saved_views = Table(
    "saved_views",
    metadata,
    uuid("tenant_id", key=True),
    uuid("view_id", key=True),
    uuid("owner_id"),
    text("name"),
    json("view"),
    Column("shared", Boolean(), nullable=False),
    moment("updated_at", now=True),
    ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], ondelete="CASCADE"),
    UniqueConstraint("tenant_id", "owner_id", "name"),
    info=TENANT,
)

view_templates = Table(
    "view_templates",
    metadata,
    uuid("agency_id", key=True),
    uuid("view_id", key=True),
    uuid("owner_id"),
    text("name"),
    json("view"),
    moment("updated_at", now=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    UniqueConstraint("agency_id", "name"),
    info=AGENCY,
)
