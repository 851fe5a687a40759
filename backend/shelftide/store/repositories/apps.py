"""An agency's registrations at the platforms: keys, review, what was approved, how many accounts they may serve."""

from typing import Any

import msgspec
from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.errors import ConflictError, NotFoundError
from shelftide.core.vault import Vault
from shelftide.store.models import grant_accounts, grants, platform_apps, webhook_apps
from shelftide.store.repositories.agencies import agency_key
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk.auth import App

REVIEWS = ("unknown", "in_review", "approved", "rejected")


class PlatformApp(msgspec.Struct, frozen=True, kw_only=True):
    """A registration without its secret.

    `review` is what the platform said of it. `scopes` are those that it approved; None: nobody wrote them down, and a
    consent asks for all that the connector needs. `account_limit` is how many accounts it may serve, None: no limit.
    """

    connector: str
    client_id: str
    extra: dict[str, str]
    review: str
    scopes: tuple[str, ...] | None
    account_limit: int | None


_ACCOUNTS = func.count(grant_accounts.c.account_id.distinct())
_APP = [platform_apps.c[name] for name in PlatformApp.__struct_fields__]


async def set_platform_app(uow: UnitOfWork, vault: Vault, connector: str, app: App) -> None:
    """Store the agency's registration at a platform; what is known of its review stays."""
    agency_id = str(uow.scope.agency_id)
    key = await agency_key(uow, vault)
    values = {
        "client_id": app.client_id,
        "client_secret": vault.seal(key, agency_id, f"app|{connector}", app.client_secret),
        "extra": dict(app.extra),
    }
    await uow.connection.execute(
        insert(platform_apps)
        .values(agency_id=uow.scope.agency_id, connector=connector, **values)
        .on_conflict_do_update(index_elements=["agency_id", "connector"], set_=values)
    )
    await uow.connection.execute(
        insert(webhook_apps).values(agency_id=uow.scope.agency_id, connector=connector).on_conflict_do_nothing()
    )


async def describe_platform_app(
    uow: UnitOfWork, connector: str, *, review: str, scopes: tuple[str, ...] | None, account_limit: int | None
) -> None:
    """Note what the platform said of a registration. Raises NotFoundError."""
    statement = (
        platform_apps.update()
        .where(platform_apps.c.agency_id == uow.scope.agency_id, platform_apps.c.connector == connector)
        .values(review=review, scopes=None if scopes is None else list(scopes), account_limit=account_limit)
        .returning(platform_apps.c.connector)
    )
    if (await uow.connection.execute(statement)).one_or_none() is None:
        raise NotFoundError


async def remove_platform_app(uow: UnitOfWork, connector: str) -> None:
    """Forget a registration. Raises NotFoundError."""
    statement = (
        delete(platform_apps)
        .where(platform_apps.c.agency_id == uow.scope.agency_id, platform_apps.c.connector == connector)
        .returning(platform_apps.c.connector)
    )
    if (await uow.connection.execute(statement)).one_or_none() is None:
        raise NotFoundError


async def list_platform_apps(uow: UnitOfWork) -> list[PlatformApp]:
    """The agency's registrations, by connector."""
    statement = (
        select(*_APP).where(platform_apps.c.agency_id == uow.scope.agency_id).order_by(platform_apps.c.connector)
    )
    return [to_struct(row, PlatformApp) for row in (await uow.connection.execute(statement)).mappings()]


async def get_platform_app(uow: UnitOfWork, vault: Vault, connector: str, redirect_uri: str) -> App:
    """The agency's registration at a platform. Raises ConflictError with what to do when there is none."""
    agency_id = uow.scope.agency_id
    statement = select(platform_apps).where(
        platform_apps.c.agency_id == agency_id, platform_apps.c.connector == connector
    )
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise ConflictError(
            f"Your agency has no app registered for {connector}.", hint="Enter its keys under Platform apps."
        )
    key = await agency_key(uow, vault)
    secret = vault.open(key, str(agency_id), f"app|{connector}", bytes(row["client_secret"]))
    return App(
        client_id=row["client_id"],
        client_secret=secret.reveal(),
        redirect_uri=redirect_uri,
        extra=row["extra"],
        scopes=None if row["scopes"] is None else tuple(row["scopes"]),
    )


def _served(uow: UnitOfWork, *columns: Any) -> Select[Any]:
    """Accounts that the agency's brands have connected; `columns` of grants and their accounts."""
    of = (grants.c.agency_id == grant_accounts.c.agency_id) & (grants.c.grant_id == grant_accounts.c.grant_id)
    return (
        select(*columns)
        .select_from(grant_accounts.join(grants, of))
        .where(grant_accounts.c.agency_id == uow.scope.agency_id, grant_accounts.c.tenant_id.is_not(None))
    )


async def accounts_served(uow: UnitOfWork) -> dict[str, int]:
    """How many different accounts the agency's brands have connected, by connector."""
    statement = _served(uow, grants.c.connector, _ACCOUNTS).group_by(grants.c.connector)
    return {str(connector): int(count) for connector, count in (await uow.connection.execute(statement)).all()}


async def check_account_limit(uow: UnitOfWork, connector: str, account_id: str, *, default: int | None) -> None:
    """Raise ConflictError when one more account would be too many for the agency's registration.

    `default` is the platform's own limit, which a registration's may replace. The registration's row is locked until
    the transaction ends: two people who connect at the same moment cannot both take the last place.
    """
    statement = (
        select(platform_apps.c.account_limit)
        .where(platform_apps.c.agency_id == uow.scope.agency_id, platform_apps.c.connector == connector)
        .with_for_update()
    )
    limit = (await uow.connection.execute(statement)).scalar_one_or_none() or default
    if limit is None:
        return
    others = _served(uow, _ACCOUNTS).where(grant_accounts.c.account_id != account_id, grants.c.connector == connector)
    if (await uow.connection.execute(others)).scalar_one() >= limit:
        raise ConflictError(
            f"Your app at this platform may serve {limit} accounts, and it does.",
            hint="Release one, or raise the limit under Platform apps when the platform allows more.",
        )
