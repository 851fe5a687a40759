"""Questions that people keep: for themselves, for a brand, or for all brands of their agency."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from shelftide.analytics.metrics.query import check
from shelftide.analytics.metrics.view import View
from shelftide.core.errors import InvalidInputError, NotFoundError
from shelftide.core.scope import Scope
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.repositories.views import (
    SavedView,
    delete_template,
    delete_view,
    get_view,
    list_templates,
    list_views,
    save_template,
    save_view,
)
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.answers import catalogue_of

_LONGEST_NAME = 100


class Audience(StrEnum):
    """Who may use a view: its owner, all who see the brand, or (a template) all staff for each brand."""

    MINE = "mine"
    BRAND = "brand"
    AGENCY = "agency"


class KeptView(msgspec.Struct, frozen=True, kw_only=True):
    """A view as it is read back. `mine`: the person may replace and drop it."""

    view_id: UUID
    name: str
    audience: Audience
    mine: bool
    view: View
    updated_at: datetime


class ViewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A view to keep; one's own of the same name and audience is replaced."""

    name: str
    view: View
    audience: Audience = Audience.MINE


async def kept_views(uow: UnitOfWork) -> list[KeptView]:
    """The views that the person may use, templates last."""
    return [_kept(uow.scope, view) for view in [*await list_views(uow), *await list_templates(uow)]]


async def keep_view(services: Services, scope: Scope, asked: ViewRequest) -> KeptView:
    """Check a view and keep it.

    Raises:
        InvalidInputError: the name is empty or too long, or the view cannot be asked.
    """
    name = " ".join(asked.name.split())
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise InvalidInputError("A view needs a name.", hint=f"{_LONGEST_NAME} characters at most.")
    view = msgspec.to_builtins(asked.view)
    known = await catalogue_of(services, scope)
    async with UnitOfWork(services.database, scope) as uow:
        tenant = await get_tenant(uow, scope.tenant_ids[0])
        check(known, asked.view.query(services.clock.now(), tenant.zone))
        if asked.audience is Audience.AGENCY:
            view_id = await save_template(uow, name=name, view=view)
            kept = next(each for each in await list_templates(uow) if each.view_id == view_id)
        else:
            view_id = await save_view(uow, name=name, view=view, shared=asked.audience is Audience.BRAND)
            kept = await get_view(uow, view_id)
        await uow.commit()
    return _kept(scope, kept)


async def drop_view(services: Services, scope: Scope, view_id: UUID) -> None:
    """Drop a view of one's own, or a template. Raises NotFoundError."""
    async with UnitOfWork(services.database, scope) as uow:
        try:
            await delete_view(uow, view_id)
        except NotFoundError:
            await delete_template(uow, view_id)
        await uow.commit()


def _kept(scope: Scope, saved: SavedView) -> KeptView:
    template = saved.tenant_id is None
    own = Audience.BRAND if saved.shared else Audience.MINE
    return KeptView(
        view_id=saved.view_id,
        name=saved.name,
        audience=Audience.AGENCY if template else own,
        mine=template or saved.owner_id == scope.subject_id,
        view=msgspec.convert(saved.view, View),
        updated_at=saved.updated_at,
    )
