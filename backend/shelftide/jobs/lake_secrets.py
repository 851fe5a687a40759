"""Gives the warehouse its lake logins out of the vault: implements `shelftide.warehouse.lakes.LakeSecrets`."""

from uuid import UUID

from shelftide.core.scope import Scope
from shelftide.core.vault import Vault
from shelftide.store.database import Database
from shelftide.store.repositories.lakes import forget_lake_login, get_lake_login, put_lake_login
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.lakes import LakeLogin

_NO_AGENCY = UUID(int=0)


class VaultLakeSecrets:
    """Lake logins of all tenants, each sealed with its tenant's key."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def _work(self, tenant_id: UUID) -> UnitOfWork:
        # The warehouse knows a tenant and nothing else; this scope opens that tenant's rows and no agency's.
        scope = Scope(agency_id=_NO_AGENCY, tenant_ids=(tenant_id,), tenant_id=tenant_id)
        return UnitOfWork(self._database, scope)

    async def get(self, tenant_id: UUID) -> LakeLogin | None:
        """The tenant's login, or None."""
        async with self._work(tenant_id) as uow:
            found = await get_lake_login(uow, self._vault)
        return None if found is None else LakeLogin(found[0], found[1].reveal())

    async def put(self, tenant_id: UUID, login: LakeLogin) -> None:
        """Keep a login."""
        async with self._work(tenant_id) as uow:
            await put_lake_login(uow, self._vault, login.name, login.password)
            await uow.commit()

    async def forget(self, tenant_id: UUID) -> None:
        """Remove a login."""
        async with self._work(tenant_id) as uow:
            await forget_lake_login(uow)
            await uow.commit()
