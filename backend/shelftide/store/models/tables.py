"""The control plane's metadata and the classes of its tables.

Each table says in `info["scope"]` who may see its rows; `store.policies` turns that into row-level security and
`store.catalog` checks that the database agrees:

    tenant   tenant_id leads every key; role `app` sees the brands in scope and writes one
    agency   agency_id leads every key; role `app` sees its own agency
    grant    agency_id leads every key; role `app` reads a row only while a brand in scope has a connection by it
    gate     read before a scope is known; role `gate` sees it, `app` only where `info["app"]` says "tenant" or
             "agency"; with "everyone" `app` reads all rows and writes none (public figures)

With `info["definer"]` the function that proves a session reads the table, by the rights of the role `owner`.
"""

from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TENANT: dict[str, Any] = {"scope": "tenant"}
AGENCY: dict[str, Any] = {"scope": "agency"}
GRANT: dict[str, Any] = {"scope": "grant"}
GATE: dict[str, Any] = {"scope": "gate"}
GATE_AND_TENANT: dict[str, Any] = {"scope": "gate", "app": "tenant"}
GATE_AND_AGENCY: dict[str, Any] = {"scope": "gate", "app": "agency"}
GATE_AND_READERS: dict[str, Any] = {"scope": "gate", "app": "everyone"}


def uuid(name: str, *, key: bool = False, null: bool = False) -> Column[Any]:
    """A UUID column."""
    return Column(name, Uuid(), primary_key=key, nullable=null and not key)


def text(name: str, *, key: bool = False, null: bool = False, default: str | None = None) -> Column[Any]:
    """A text column."""
    return Column(name, Text(), primary_key=key, nullable=null, server_default=default)


def moment(name: str, *, null: bool = False, now: bool = False) -> Column[Any]:
    """A timestamptz column; `now` fills it with the transaction's time."""
    return Column(name, DateTime(timezone=True), nullable=null, server_default=func.now() if now else None)


def json(name: str, *, null: bool = False, default: str | None = None) -> Column[Any]:
    """A jsonb column."""
    return Column(name, JSONB(), nullable=null, server_default=default)


def sealed(name: str) -> Column[Any]:
    """Bytes that only the vault opens."""
    return Column(name, LargeBinary(), nullable=False)
