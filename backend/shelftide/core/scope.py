"""Who is asking, and for which brands. A Scope is made at two doors only: `web.auth` and `jobs.job`."""

from enum import StrEnum
from uuid import UUID

import msgspec


class Role(StrEnum):
    """What a person may do. Order matters nowhere; each right is spelled out in `RIGHTS`."""

    OWNER = "owner"
    ACCOUNT_MANAGER = "account_manager"
    ANALYST = "analyst"
    CLIENT = "client"


class Right(StrEnum):
    """One thing that a person may do."""

    READ = "read"
    CONNECT = "connect"
    SYNC = "sync"
    IMPORT = "import"
    MANAGE = "manage"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.ACCOUNT_MANAGER: frozenset({Right.READ, Right.CONNECT, Right.SYNC, Right.IMPORT}),
    Role.ANALYST: frozenset({Right.READ}),
    Role.CLIENT: frozenset({Right.READ}),
}


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """The agency, the brands that may be read, and the one that may be written.

    `tenant_id` is set while a single brand is worked on; only then can anything be written to a tenant's tables.
    `tenant_ids` always lists every brand that may be read; an empty list reads nothing.
    """

    agency_id: UUID
    tenant_ids: tuple[UUID, ...]
    tenant_id: UUID | None = None
    subject_id: UUID | None = None
    role: Role | None = None

    def narrow(self, tenant_id: UUID) -> "Scope":
        """The same person on one brand. Raises LookupError for a brand outside the scope."""
        if tenant_id not in self.tenant_ids:
            raise LookupError("tenant outside scope")
        return msgspec.structs.replace(self, tenant_id=tenant_id, tenant_ids=(tenant_id,))

    def may(self, right: Right) -> bool:
        """Whether the person has a right. A scope without a role belongs to a job and reads and syncs."""
        if self.role is None:
            return right in (Right.READ, Right.SYNC)
        return right in RIGHTS[self.role]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """That a session may do this with a brand. It proves nothing: the statement that reads finds out."""

    session_hash: bytes
    tenant_id: UUID
    right: Right
