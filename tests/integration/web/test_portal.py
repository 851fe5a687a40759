"""A portal belongs to an agency's clients: a brand that has left the client is gone, and staff finds nothing there."""

from litestar import Litestar
from sqlalchemy import text
from tests.integration.web.conftest import HASH, Agency, Caller, portal_of

from shelftide.core.scope import Role
from shelftide.store.database import Database
from shelftide.store.repositories.agencies import add_client
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.sessions import COOKIE
from tests.conftest import make_person


async def move_brand(database: Database, agency: Agency) -> None:
    """The first brand goes to another client of the agency; nobody has mended the list of who sees it."""
    async with UnitOfWork(database, agency.house.on()) as uow:
        client_id = await add_client(uow, "Another client")
        values = {"client": client_id, "tenant": agency.house.tenant_ids[0]}
        await uow.connection.execute(text("update tenants set client_id = :client where tenant_id = :tenant"), values)
        await uow.commit()


async def test_a_brand_that_went_to_another_client_is_gone_from_the_portal(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    ours = agencies[0]
    client = Caller(app, f"http://{await portal_of(database, ours.house)}")
    assert (await client.sign_in(ours.people[Role.CLIENT])).status_code == 201
    path = f"/portal/brands/{ours.house.tenant_ids[0]}"
    assert (await client.request("GET", path)).status_code == 200
    assert "north-brand-0" in (await client.request("GET", "/portal")).text
    await move_brand(database, ours)
    assert (await client.request("GET", path)).status_code == 404
    home = await client.request("GET", "/portal")
    assert home.status_code == 200
    assert "north-brand-0" not in home.text


async def test_staff_finds_no_portal_even_without_a_single_brand(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    house = agencies[0].house
    email = f"new-{house.agency_id}@example.com"
    await make_person(database, house, email, Role.ANALYST, (), HASH)
    staff = Caller(app)
    assert (await staff.sign_in(email)).status_code == 201
    carried = Caller(app, f"http://{await portal_of(database, agencies[0].house)}")
    carried.http.cookies.set(COOKIE, staff.http.cookies[COOKIE])
    assert (await carried.request("GET", "/portal")).status_code == 404
