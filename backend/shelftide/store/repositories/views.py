"""Saved views of a brand, and the agency's templates. What a view says is the caller's matter: it is kept as data."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.errors import NotFoundError
from shelftide.store.ids import new_id
from shelftide.store.models import saved_views, view_templates
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A kept question. `tenant_id` is None for a template of the agency."""

    view_id: UUID
    owner_id: UUID
    name: str
    view: dict[str, Any]
    updated_at: datetime
    tenant_id: UUID | None = None
    shared: bool = True


_COLUMNS = ("view_id", "owner_id", "name", "view", "updated_at")
_OWN = [saved_views.c[name] for name in SavedView.__struct_fields__]
_TEMPLATE = [view_templates.c[name] for name in _COLUMNS]


async def list_views(uow: UnitOfWork) -> list[SavedView]:
    """The person's views of the brands in scope and those that others share, by name."""
    statement = select(*_OWN).where(_visible(uow)).order_by(saved_views.c.name, saved_views.c.view_id)
    return [to_struct(row, SavedView) for row in (await uow.connection.execute(statement)).mappings()]


async def list_templates(uow: UnitOfWork) -> list[SavedView]:
    """The agency's templates, by name."""
    c = view_templates.c
    statement = select(*_TEMPLATE).where(c.agency_id == uow.scope.agency_id).order_by(c.name)
    return [to_struct(row, SavedView) for row in (await uow.connection.execute(statement)).mappings()]


async def get_view(uow: UnitOfWork, view_id: UUID) -> SavedView:
    """One view that the person may use. Raises NotFoundError."""
    statement = select(*_OWN).where(_visible(uow), saved_views.c.view_id == view_id)
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    return to_struct(row, SavedView)


async def save_view(uow: UnitOfWork, *, name: str, view: dict[str, Any], shared: bool) -> UUID:
    """Keep a view of the scope's brand; the person's view of that name is replaced."""
    values = {"view": view, "shared": shared, "updated_at": func.now()}
    statement = (
        insert(saved_views)
        .values(tenant_id=uow.scope.tenant_id, view_id=new_id(), owner_id=uow.scope.subject_id, name=name, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "owner_id", "name"], set_=values)
        .returning(saved_views.c.view_id)
    )
    return UUID(str((await uow.connection.execute(statement)).scalar_one()))


async def save_template(uow: UnitOfWork, *, name: str, view: dict[str, Any]) -> UUID:
    """Keep a view for all brands of the agency; the template of that name is replaced."""
    values = {"view": view, "owner_id": uow.scope.subject_id, "updated_at": func.now()}
    statement = (
        insert(view_templates)
        .values(agency_id=uow.scope.agency_id, view_id=new_id(), name=name, **values)
        .on_conflict_do_update(index_elements=["agency_id", "name"], set_=values)
        .returning(view_templates.c.view_id)
    )
    return UUID(str((await uow.connection.execute(statement)).scalar_one()))


async def delete_view(uow: UnitOfWork, view_id: UUID) -> None:
    """Drop one of the person's own views. Raises NotFoundError, also for one that somebody else shares."""
    c = saved_views.c
    mine = and_(c.tenant_id == uow.scope.tenant_id, c.owner_id == uow.scope.subject_id, c.view_id == view_id)
    await _gone(uow, delete(saved_views).where(mine).returning(c.view_id))


async def delete_template(uow: UnitOfWork, view_id: UUID) -> None:
    """Drop a template of the agency. Raises NotFoundError."""
    c = view_templates.c
    mine = and_(c.agency_id == uow.scope.agency_id, c.view_id == view_id)
    await _gone(uow, delete(view_templates).where(mine).returning(c.view_id))


def _visible(uow: UnitOfWork) -> ColumnElement[bool]:
    c = saved_views.c
    return and_(c.tenant_id.in_(uow.scope.tenant_ids), or_(c.owner_id == uow.scope.subject_id, c.shared))


async def _gone(uow: UnitOfWork, statement: Any) -> None:
    if (await uow.connection.execute(statement)).first() is None:
        raise NotFoundError
