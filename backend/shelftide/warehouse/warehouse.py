"""The data plane's interface. Two engines implement it and give the same answers."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Protocol
from uuid import UUID

import msgspec
import pyarrow as pa
from sqlalchemy import Table

from shelftide.warehouse.sql import Statement
from shelftide_sdk import Delete, Reject
from shelftide_sdk.records import Customer, Record


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """What all rows of a batch have in common.

    `observed_at` is when this state became known to us. It never runs backwards for a row: an earlier one than the
    row's newest version counts as that version's.
    """

    tenant_id: UUID
    connection_id: UUID
    platform: str
    fetched_at: datetime
    observed_at: datetime
    pseudonym: Callable[[Customer], tuple[str, str] | None]

    def __post_init__(self) -> None:
        if self.fetched_at.utcoffset() is None or self.observed_at.utcoffset() is None:
            raise ValueError("fetched_at and observed_at must have a time zone")

    @property
    def moment(self) -> datetime:
        """`observed_at` in UTC."""
        return self.observed_at.astimezone(UTC)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Records of any types and deletes, written in one transaction: all or nothing.

    A key that is both written and deleted in one batch ends up deleted.
    """

    stamp: Stamp
    records: Sequence[Record] = ()
    deletes: Sequence[Delete] = ()


class TableChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch did to one table, in rows.

    `stale` rows said (by `newer_by`) to be older than what is stored, or did not say while the stored one does;
    `repeated` ones were superseded inside the batch. For upserts inserted + updated + unchanged + stale + repeated is
    what was given, less rejects.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    stale: int = 0
    repeated: int = 0


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch did. `days` are the table names and local days whose sums may differ now: old and new day alike."""

    tables: dict[str, TableChange] = {}
    days: frozenset[tuple[str, date]] = frozenset()
    rejects: tuple[Reject, ...] = ()

    @property
    def written(self) -> int:
        """Rows that are new or changed."""
        return sum(change.inserted + change.updated for change in self.tables.values())

    @property
    def deleted(self) -> int:
        """Rows that the platform no longer has."""
        return sum(change.deleted for change in self.tables.values())


class Warehouse(Protocol):
    """The rows of one tenant. Obtained from `Warehouses.of`."""

    async def write(self, batch: Batch) -> Change:
        """Upsert and delete in one transaction. The same data again writes nothing."""
        ...

    async def query(self, statement: Statement, as_of: datetime | None = None) -> pa.Table:
        """Run a Core statement over `versions.known(table)`, as known at `as_of` or now.

        Decimals come with 38 digits, times in UTC, ids as text. Raises RefusedStatementError for what is no part of
        the warehouse.
        """
        ...

    async def erase(self) -> None:
        """Remove everything of the tenant, files and logins included. Harmless when there is nothing."""
        ...

    async def erase_connection(self, connection_id: UUID) -> None:
        """Remove all versions of all rows of a connection. Harmless when there are none."""
        ...

    async def erase_customer(self, key: str) -> int:
        """Unlink a person: empty the customer columns of all versions of all rows with this key; how many those were.

        The row's hash stays, so the same data fetched again does not bring the key back. Keep a list of erased keys for
        `Stamp.pseudonym`: a row that changes later is written anew.
        """
        ...

    async def counts(self) -> dict[str, int]:
        """Current rows by table name."""
        ...

    async def fingerprint(self, table: Table) -> str:
        """A checksum of the current rows, whatever their order; equal on both engines for equal content."""
        ...

    async def maintain(self) -> None:
        """House-keeping: compact files, drop old snapshots, refresh statistics."""
        ...

    async def exists(self) -> bool:
        """Whether anything was ever written (and not erased)."""
        ...


class Warehouses(Protocol):
    """Makes warehouses, one a tenant."""

    def of(self, tenant_id: UUID) -> Warehouse:
        """The warehouse of a tenant. Costs nothing until it is used."""
        ...

    async def close(self) -> None:
        """Wait for running work, then let go of all connections."""
        ...
