"""What people said of the headings of files, remembered for an agency."""

from sqlalchemy import ForeignKeyConstraint, Table

from shelftide.store.models.tables import AGENCY, json, metadata, moment, text, uuid

# `said` holds our columns to the file's headings, and how the file writes numbers, days and times.
import_mappings = Table(
    "import_mappings",
    metadata,
    uuid("agency_id", key=True),
    text("kind", key=True),
    text("fingerprint", key=True),
    json("headings"),
    json("said"),
    moment("saved_at", now=True),
    ForeignKeyConstraint(["agency_id"], ["agencies.agency_id"], ondelete="CASCADE"),
    info=AGENCY,
)
