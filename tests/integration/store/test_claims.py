"""A claim is proved by the statement that reads: who knows a live session's hash sees that person's brands, no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from secrets import token_bytes
from uuid import UUID

import asyncpg
import msgspec
import pytest
from sqlalchemy import text

from shelftide.core.errors import AppError, ForbiddenError, NotFoundError, SignInRequiredError
from shelftide.core.scope import Claim, Right, Role
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.ids import new_id
from shelftide.store.reads import Reads, claimed
from shelftide.store.repositories.people import Person, open_session
from shelftide.store.repositories.rollup import read_daily, replace_days
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from tests.conftest import House, MakeHouse, make_connection, make_person

DAY = date(2026, 5, 4)
FORGETFUL = (
    "select tenant_id from metric_daily",
    "select tenant_id from metric_daily where cardinality(scope.tenants) < 9",
    "select m.tenant_id from metric_daily m join tenants t on t.tenant_id = m.tenant_id",
    "select max(tenant_id::text)::uuid from metric_daily group by tenant_id",
)
PLANS = (
    "select 1",
    "set enable_nestloop = off",
    "set enable_material = off; set enable_hashjoin = off; set enable_mergejoin = off",
    "set debug_parallel_query = on; set parallel_setup_cost = 0; set min_parallel_table_scan_size = 0",
    "set plan_cache_mode = force_generic_plan",
    "set plan_cache_mode = force_custom_plan; set join_collapse_limit = 1; set enable_seqscan = off",
)


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with a live session."""

    user_id: UUID
    session_hash: bytes

    def on(self, tenant_id: UUID, right: Right = Right.READ) -> Claim:
        return Claim(session_hash=self.session_hash, tenant_id=tenant_id, right=right)


class Town(msgspec.Struct, frozen=True, kw_only=True):
    """Two agencies of two brands with a figure each; the reader sees the first brand of the first."""

    ours: House
    theirs: House
    reader: Reader

    @property
    def own(self) -> UUID:
        return self.ours.tenant_ids[0]

    @property
    def foreign(self) -> tuple[UUID, ...]:
        """A colleague's brand, another agency's, and none."""
        return self.ours.tenant_ids[1], self.theirs.tenant_ids[0], new_id()


async def sign_in(database: Database, house: House, *tenant_ids: UUID, role: Role = Role.ANALYST) -> Reader:
    email, session_hash = f"{new_id()}@example.com", token_bytes(32)
    user_id = await make_person(database, house, email, role, tenant_ids, "x")
    person = Person(agency_id=house.agency_id, user_id=user_id, email=email, name="x", locale="en", password_hash="x")
    async with SystemUnitOfWork(database, reason="test") as uow:
        await open_session(uow, person, session_hash=session_hash, csrf="x", life=timedelta(hours=1))
        await uow.commit()
    return Reader(user_id=user_id, session_hash=session_hash)


@pytest.fixture
async def town(database: Database, make_house: MakeHouse) -> Town:
    ours, theirs = await make_house(2, name="north"), await make_house(2, name="south")
    for house in (ours, theirs):
        for number in range(2):
            connection_id = await make_connection(database, house.on(number))
            row = {"metric": "units", "day": DAY, "currency": "", "value": Decimal(number + 1), "rows": 1}
            async with UnitOfWork(database, house.on(number)) as uow:
                await replace_days(uow, connection_id, {"OrderLine": [DAY]}, [row], [], platform="test")
                await uow.commit()
    return Town(ours=ours, theirs=theirs, reader=await sign_in(database, ours, ours.tenant_ids[0]))


@pytest.fixture
async def one(installation: Dsns) -> AsyncIterator[Reads]:
    """All reads over one connection."""
    reads = Reads(installation.app, size=1)
    yield reads
    await reads.close()


@pytest.fixture
async def app(installation: Dsns) -> AsyncIterator[asyncpg.Connection]:
    """The role of the application, with whatever it likes to say."""
    connection = await asyncpg.connect(installation.app)
    yield connection
    await connection.close()


async def change(database: Database, statement: str, reader: Reader) -> None:
    async with SystemUnitOfWork(database, reason="test") as uow:
        assert (await uow.connection.execute(text(statement), {"user": reader.user_id})).rowcount == 1
        await uow.commit()


async def seen(reads: Reads, claim: Claim, day: date = DAY) -> dict[UUID, list[Decimal]]:
    return {
        run.tenant_id: run.values for run in await read_daily(reads, claim, metrics=["units"], since=day, until=day)
    }


async def test_a_claim_reads_its_persons_brand_and_no_other(one: Reads, town: Town) -> None:
    assert await seen(one, town.reader.on(town.own)) == {town.own: [1]}
    for brand in town.foreign:
        with pytest.raises(NotFoundError):
            await seen(one, town.reader.on(brand))


async def test_no_figures_are_an_empty_answer_and_no_refusal(one: Reads, town: Town) -> None:
    claim = town.reader.on(town.own)
    assert await seen(one, claim, DAY + timedelta(days=1)) == {}
    assert list(await one.of(claim, "select null::int, 2")) == [(None, 2)]


async def test_a_made_up_hash_is_nobodys(one: Reads, town: Town) -> None:
    own = town.reader.session_hash
    for made_up in (b"", own[:-1], own + b"\0", bytes(32), token_bytes(32), own.hex().encode(), b"' or true --"):
        with pytest.raises(SignInRequiredError):
            await seen(one, Claim(session_hash=made_up, tenant_id=town.own, right=Right.READ))


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("update sessions set expires_at = now() where user_id = :user", SignInRequiredError),
        ("delete from sessions where user_id = :user", SignInRequiredError),
        ("update users set active = false where user_id = :user", SignInRequiredError),
        ("delete from memberships where user_id = :user", SignInRequiredError),
        ("delete from membership_tenants where user_id = :user", NotFoundError),
    ],
)
async def test_what_is_withdrawn_between_two_reads_is_gone_in_the_second(
    one: Reads, town: Town, database: Database, statement: str, error: type[AppError]
) -> None:
    colleague = await sign_in(database, town.ours, *town.ours.tenant_ids)
    assert await seen(one, town.reader.on(town.own))
    await change(database, statement, town.reader)
    with pytest.raises(error):
        await seen(one, town.reader.on(town.own))
    assert await seen(one, colleague.on(town.own)) == {town.own: [1]}


async def test_a_claim_asks_for_a_right_too(one: Reads, town: Town, database: Database) -> None:
    owner = await sign_in(database, town.ours, *town.ours.tenant_ids, role=Role.OWNER)
    assert await seen(one, owner.on(town.own, Right.MANAGE)) == {town.own: [1]}
    for brand in (town.own, *town.foreign):
        with pytest.raises(ForbiddenError):
            await seen(one, town.reader.on(brand, Right.MANAGE))


@pytest.mark.parametrize("plan", PLANS)
async def test_no_plan_looks_before_the_scope_is_set(app: asyncpg.Connection, town: Town, plan: str) -> None:
    await app.execute(plan)
    for _ in range(7):  # the sixth may be a generic plan
        for statement in FORGETFUL:
            asked = claimed(statement, 0)
            own = await app.fetch(asked, town.reader.session_hash, town.own)
            assert {row[0] for row in own} == {town.own}, statement
            for brand in town.foreign:
                ((found, here, _, theirs),) = await app.fetch(asked, town.reader.session_hash, brand)
                assert (found, here, theirs) == (None, None, False)
            assert await app.fetch(asked, token_bytes(32), town.own) == []


async def test_a_nosy_function_is_shown_the_own_brand_alone(app: asyncpg.Connection, town: Town) -> None:
    shown: list[str] = []
    app.add_log_listener(lambda _, message: shown.append(str(message.message)))
    await app.execute(
        "create function pg_temp.nosy(id uuid) returns bool language plpgsql cost 0.0001 as"
        " $$ begin raise notice '%', id; return true; end $$"
    )
    asked = claimed("select tenant_id from metric_daily where pg_temp.nosy(tenant_id)", 0)
    assert await app.fetch(asked, token_bytes(32), town.own) == []
    for brand in town.foreign:
        await app.fetch(asked, town.reader.session_hash, brand)
    assert shown == []
    await app.fetch(asked, town.reader.session_hash, town.own)
    assert shown == [str(town.own)]


async def test_a_scope_left_on_a_connection_opens_nothing(app: asyncpg.Connection, town: Town) -> None:
    left = ",".join(map(str, town.theirs.tenant_ids))
    await app.execute(f"set app.tenants = '{left}'")
    assert len(await app.fetch(FORGETFUL[0])) == 2
    asked = claimed(FORGETFUL[0], 0)
    assert await app.fetch(asked, token_bytes(32), town.theirs.tenant_ids[0]) == []
    for brand, found in ((town.own, town.own), *((brand, None) for brand in town.foreign)):
        assert [row[0] for row in await app.fetch(asked, town.reader.session_hash, brand)] == [found]


async def test_hostile_values_are_values(one: Reads, town: Town) -> None:
    claim = town.reader.on(town.own)
    for text_ in ("units') or true --", "', true); select set_config('app.tenants', '", "{units}", "\\", "%", "$1"):
        assert await read_daily(one, claim, metrics=[text_], since=DAY, until=DAY) == []
    with pytest.raises(asyncpg.DataError):
        await seen(one, msgspec.structs.replace(claim, tenant_id=f"{town.own}' or true --"))


async def test_claims_at_once_never_mix(installation: Dsns, database: Database, town: Town) -> None:
    """Four readers, two connections, four reads in ten cancelled at a random moment."""
    readers = [(town.reader, {town.own}), (await sign_in(database, town.theirs, *town.theirs.tenant_ids),
               set(town.theirs.tenant_ids)), (await sign_in(database, town.ours), set()),
               (Reader(user_id=new_id(), session_hash=token_bytes(32)), set())]  # fmt: skip
    brands = [*town.ours.tenant_ids, *town.theirs.tenant_ids]
    random, reads, served, refused = Random(3), Reads(installation.app, size=2), 0, 0

    async def ask() -> None:
        nonlocal served, refused
        (reader, own), brand = random.choice(readers), random.choice(brands)
        try:
            found = await seen(reads, reader.on(brand))
        except (NotFoundError, SignInRequiredError):
            assert brand not in own
            refused += 1
        else:
            assert set(found) == {brand} <= own
            served += 1

    async def maybe_cancelled() -> None:
        task = asyncio.ensure_future(ask())
        if random.random() < 0.4:
            await asyncio.sleep(random.random() * 0.01)
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    for _ in range(40):
        await asyncio.gather(*(maybe_cancelled() for _ in range(25)))
    await reads.close()
    assert served > 100
    assert refused > 100


async def test_nothing_of_a_claim_stays_on_the_connection(one: Reads, town: Town) -> None:
    assert await seen(one, town.reader.on(town.own))
    pool = await one._opened()
    assert await pool.fetch("select * from metric_daily") == []
    assert not await pool.fetchval("select current_setting('app.tenants', true)")


async def test_the_application_cannot_list_sessions(app: asyncpg.Connection, town: Town) -> None:
    own = town.reader.session_hash
    for statement in ("select * from sessions", "select p.* from sessions s, person_of_session(s.session_hash) p"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.fetch(statement)
    for guess in (None, b"", own[:-1], own + b"\0", bytes(32), b"%", own.hex().encode()):
        assert await app.fetch("select * from person_of_session($1)", guess) == []
    (person,) = await app.fetch("select * from person_of_session($1)", own)
    assert (person["user_id"], person["tenant_ids"]) == (town.reader.user_id, [town.own])
    assert "password_hash" not in person


async def test_a_table_of_the_same_name_does_not_mislead_the_function(app: asyncpg.Connection, town: Town) -> None:
    made_up = token_bytes(32)
    await app.execute("create temp table sessions (session_hash bytea, agency_id uuid, user_id uuid, csrf text,"
                      " expires_at timestamptz)")  # fmt: skip
    await app.execute(
        "insert into pg_temp.sessions values ($1, $2, $3, 'x', now() + interval '1 hour')",
        made_up, town.ours.agency_id, town.reader.user_id,
    )  # fmt: skip
    await app.execute("set search_path = pg_temp, public")
    assert len(await app.fetch("select * from sessions")) == 1
    assert await app.fetch("select * from person_of_session($1)", made_up) == []


async def test_no_other_role_may_call_the_function(installation: Dsns, town: Town) -> None:
    for dsn in (installation.gate, installation.backup):
        connection = await asyncpg.connect(dsn)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from person_of_session($1)", town.reader.session_hash)
        await connection.close()
