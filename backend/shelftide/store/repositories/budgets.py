"""What each platform limit has seen of late, as `shelftide_sdk.limits.Spent` in JSON."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.models import provider_budgets as table
from shelftide.store.unit_of_work import UnitOfWork


async def lock_budget(uow: UnitOfWork, name: str) -> tuple[Mapping[str, Any], float]:
    """The budget's state, locked until commit, and the database's time [s since 1970] when the lock was ours."""
    found = insert(table).values(agency_id=uow.scope.agency_id, name=name)
    # An update that changes nothing is the shortest way to "make or lock, and read".
    found = found.on_conflict_do_update(index_elements=[table.c.agency_id, table.c.name], set_={"name": name})
    state = (await uow.connection.execute(found.returning(table.c.state))).scalar_one()
    now = (await uow.connection.execute(select(func.extract("epoch", func.clock_timestamp())))).scalar_one()
    return state, float(now)


async def save_budget(uow: UnitOfWork, name: str, state: Mapping[str, Any]) -> None:
    """Store the state of a locked budget."""
    mine = (table.c.agency_id == uow.scope.agency_id) & (table.c.name == name)
    await uow.connection.execute(update(table).where(mine).values(state=state))
