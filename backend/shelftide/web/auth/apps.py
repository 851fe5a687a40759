"""What an owner enters of a registration at a platform, checked. Console and API both come here."""

import re

import msgspec

from shelftide.core.errors import ConflictError, InvalidInputError
from shelftide.core.scope import Scope
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import record
from shelftide.store.repositories.apps import (
    REVIEWS,
    describe_platform_app,
    get_platform_app,
    remove_platform_app,
    set_platform_app,
)
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Connector, OAuth2
from shelftide_sdk.auth import App

_LONGEST = 4_000
_SCOPE = re.compile(r"[!-~]{1,200}")


class AppRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A registration as it is entered. An empty secret keeps the stored one; `scopes` None: not written down."""

    client_id: str
    client_secret: str = ""
    review: str = "unknown"
    scopes: tuple[str, ...] | None = None
    account_limit: int | str | None = None
    extra: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"AppRequest(client_id={self.client_id!r}, client_secret=***, review={self.review!r})"


async def save_app(services: Services, scope: Scope, connector: str, asked: AppRequest) -> None:
    """Store a registration.

    Raises:
        NotFoundError: there is no such connector.
        InvalidInputError: a field is missing or malformed.
        ConflictError: the connector needs no registration.
    """
    found = services.registry.connector(connector)
    if not isinstance(found.auth, OAuth2):
        raise ConflictError(f"{found.info.title} is connected by a key; it needs no app.")
    client_id, secret = asked.client_id.strip(), asked.client_secret.strip()
    if not client_id or len(client_id) > _LONGEST or len(secret) > _LONGEST:
        raise InvalidInputError("The app's id is missing or malformed.")
    if asked.review not in REVIEWS:
        raise InvalidInputError("There is no such state of a review.", hint=f"One of {', '.join(REVIEWS)}.")
    scopes, limit, extra = _scopes(asked.scopes), _limit(asked.account_limit), _extra(found, asked.extra)
    async with UnitOfWork(services.database, scope) as uow:
        if not secret:
            secret = await _stored_secret(services, uow, connector)
        app = App(client_id=client_id, client_secret=secret, redirect_uri="", extra=extra)
        await set_platform_app(uow, services.vault, connector, app)
        await describe_platform_app(uow, connector, review=asked.review, scopes=scopes, account_limit=limit)
        await record(uow, "app.saved", target=connector, detail={"review": asked.review})
        await uow.commit()


async def forget_app(services: Services, scope: Scope, connector: str) -> None:
    """Remove a registration. Raises NotFoundError."""
    async with UnitOfWork(services.database, scope) as uow:
        await remove_platform_app(uow, connector)
        await record(uow, "app.removed", target=connector)
        await uow.commit()


async def _stored_secret(services: Services, uow: UnitOfWork, connector: str) -> str:
    try:
        return (await get_platform_app(uow, services.vault, connector, "")).client_secret
    except ConflictError as error:
        raise InvalidInputError("The app's secret is missing.") from error


def _scopes(scopes: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for scope in scopes or ():
        if not _SCOPE.fullmatch(scope):
            raise InvalidInputError("The list of scopes is malformed.", hint="Names, separated by spaces.")
    return scopes


def _limit(limit: int | str | None) -> int | None:
    if limit is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,5}", str(limit)):
        raise InvalidInputError("The number of accounts is malformed.", hint="A number above zero, or nothing.")
    return int(limit)


def _extra(connector: type[Connector], typed: dict[str, str]) -> dict[str, str]:
    checked = {}
    for field in connector.info.app_fields:
        value = typed.get(field.name, "").strip()
        if len(value) > _LONGEST or not re.fullmatch(field.pattern, value):
            raise InvalidInputError(f"{field.title} is missing or malformed.")
        if value:
            checked[field.name] = value
    return checked
