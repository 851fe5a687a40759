"""Lake logins at rest, sealed with the brand's key."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.vault import Secret, Vault
from shelftide.store.models import lake_logins
from shelftide.store.repositories.agencies import tenant_key
from shelftide.store.unit_of_work import UnitOfWork

_PLACE = "lake"


async def get_lake_login(uow: UnitOfWork, vault: Vault) -> tuple[str, Secret] | None:
    """Name and password of the brand's lake login."""
    tenant_id = uow.scope.tenant_id
    statement = select(lake_logins.c.login, lake_logins.c.password).where(lake_logins.c.tenant_id == tenant_id)
    row = (await uow.connection.execute(statement)).one_or_none()
    if row is None:
        return None
    key = await tenant_key(uow)
    return row[0], vault.open(key, str(tenant_id), _PLACE, bytes(row[1]))


async def put_lake_login(uow: UnitOfWork, vault: Vault, name: str, password: str) -> None:
    """Keep a login. Commit afterwards."""
    tenant_id = uow.scope.tenant_id
    key = await tenant_key(uow)
    values = {"login": name, "schema_name": name, "password": vault.seal(key, str(tenant_id), _PLACE, password)}
    await uow.connection.execute(
        insert(lake_logins)
        .values(tenant_id=tenant_id, **values)
        .on_conflict_do_update(index_elements=["tenant_id"], set_=values)
    )


async def forget_lake_login(uow: UnitOfWork) -> None:
    """Remove the login. Commit afterwards."""
    await uow.connection.execute(delete(lake_logins).where(lake_logins.c.tenant_id == uow.scope.tenant_id))
