"""The demo's calendar: how far the simulated present is ahead, and where the simulator listens."""

import msgspec
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.models import simulation
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import SystemUnitOfWork


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """The one row."""

    offset_seconds: int
    control_url: str


async def read_simulation(uow: SystemUnitOfWork) -> Simulation | None:
    """The demo's calendar, or None outside the demo."""
    statement = select(simulation.c.offset_seconds, simulation.c.control_url)
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    return None if row is None else to_struct(row, Simulation)


async def save_simulation(uow: SystemUnitOfWork, value: Simulation) -> None:
    """Set the demo's calendar."""
    values = msgspec.to_builtins(value)
    await uow.connection.execute(
        insert(simulation).values(one=True, **values).on_conflict_do_update(index_elements=["one"], set_=values)
    )


async def advance_simulation(uow: SystemUnitOfWork, seconds: int) -> Simulation | None:
    """Move the calendar and hold its row until the transaction ends, so that two who advance add up. None outside the
    demo."""
    statement = (
        update(simulation)
        .values(offset_seconds=simulation.c.offset_seconds + seconds)
        .returning(simulation.c.offset_seconds, simulation.c.control_url)
    )
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    return None if row is None else to_struct(row, Simulation)
