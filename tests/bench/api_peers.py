"""What the API stands beside: the same reply by hand, and by an object-relational mapper in the same framework.

Both check the session and the brand in the tables on every request. Granian serves them; the roles' addresses come from
the environment, as the product's do.
"""

import hashlib
import os
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import asyncpg
import msgspec
from litestar import Litestar, Request, get
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.params import FromPath, FromQuery
from sqlalchemy import ForeignKey, func, select, text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

from shelftide.analytics.series import METRICS, MetricSeries, Value
from shelftide.store.reads import claimed
from shelftide.store.repositories.rollup import POINTS, dailies
from shelftide.web.auth.sessions import COOKIE

POOL = 8
_JSON = msgspec.json.Encoder()
_STATEMENT = claimed(POINTS, 3)


class ByHand:
    """ASGI without a framework, on the driver's pool. The statement is the product's own."""

    def __init__(self) -> None:
        self._pool: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One route; anything else is a lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        status, body = await self._answer(scope)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._pool = await asyncpg.create_pool(
                    os.environ["DATABASE_URL"], min_size=POOL, max_size=POOL, reset=_keep
                )
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                await self._pool.close()
                return

    async def _answer(self, scope: Any) -> tuple[int, bytes]:
        cookie = next((value for name, value in scope["headers"] if name == b"cookie"), b"").decode()
        token = SimpleCookie(cookie).get(COOKIE)
        if token is None:
            return 401, b"{}"
        session_hash = hashlib.sha256(token.value.encode()).digest()
        tenant_id = UUID(scope["path"].split("/")[4])
        asked = parse_qs(scope["query_string"].decode())
        since, until = date.fromisoformat(asked["since"][0]), date.fromisoformat(asked["until"][0])
        rows = await self._pool.fetch(_STATEMENT, asked["metrics"], since, until, session_hash, tenant_id)
        if not rows:
            return 401, b"{}"
        *_, here, _, theirs = rows[0]
        if not theirs:
            return 404, b"{}"
        return 200, _JSON.encode(series(rows) if here else [])


async def _keep(connection: asyncpg.Connection) -> None:
    """Nothing to undo, as in the product's pool."""


def series(rows: Any) -> list[MetricSeries]:
    """The product's reply out of its rows: tenant, metric, platform, currency, days, values, and who asks."""
    return [
        MetricSeries(
            metric=run.metric,
            unit=METRICS[run.metric],
            platform=run.platform,
            currency=run.currency,
            values=[Value(day, value) for day, value in zip(run.days, run.values, strict=True)],
        )
        for run in dailies([row[:6] for row in rows])
    ]


def by_hand() -> ByHand:
    """For granian."""
    return ByHand()


class Base(DeclarativeBase):
    """Mapped tables."""


class Brand(Base):
    """A brand that a person may see."""

    __tablename__ = "membership_tenants"
    agency_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.user_id"), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)


class User(Base):
    """A person."""

    __tablename__ = "users"
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    agency_id: Mapped[UUID]
    name: Mapped[str]
    active: Mapped[bool]
    brands: Mapped[list[Brand]] = relationship(primaryjoin="User.user_id == Brand.user_id", viewonly=True)


class Session(Base):
    """A live session."""

    __tablename__ = "sessions"
    session_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.user_id"))
    expires_at: Mapped[datetime]
    user: Mapped[User] = relationship(lazy="raise")


class Figure(Base):
    """A day's figure."""

    __tablename__ = "metric_daily"
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Decimal]


def _engine(name: str) -> Any:
    address = os.environ[name].replace("postgresql://", "postgresql+asyncpg://", 1)
    return async_sessionmaker(create_async_engine(address, pool_size=POOL), expire_on_commit=False)


@get("/api/v1/tenants/{tenant_id:uuid}/metrics")
async def mapped(
    request: Request[Any, Any, Any],
    *,
    tenant_id: FromPath[UUID],
    metrics: FromQuery[list[str]],
    since: FromQuery[date],
    until: FromQuery[date],
) -> list[MetricSeries]:
    """The usual way: the session with its user and brands, then the figures in a transaction with the brand's scope."""
    token = hashlib.sha256(request.cookies.get(COOKIE, "").encode()).digest()
    async with request.app.state.gate() as gate:
        known = select(Session).where(Session.session_hash == token, Session.expires_at > func.now())
        found = await gate.scalar(known.options(selectinload(Session.user).selectinload(User.brands)))
    if found is None or not found.user.active:
        raise NotAuthorizedException
    if tenant_id not in {brand.tenant_id for brand in found.user.brands}:
        raise NotFoundException
    async with request.app.state.app() as app, app.begin():
        await app.execute(text("select set_config('app.tenants', :tenant, true)"), {"tenant": str(tenant_id)})
        wanted = select(Figure).where(
            Figure.tenant_id == tenant_id, Figure.metric.in_(metrics), Figure.day.between(since, until)
        )
        figures = await app.scalars(wanted.order_by(Figure.metric, Figure.platform, Figure.currency, Figure.day))
        return _grouped(figures)


def _grouped(figures: Iterable[Figure]) -> list[MetricSeries]:
    found: dict[tuple[str, str, str], list[Value]] = {}
    for each in figures:
        found.setdefault((each.metric, each.platform, each.currency), []).append(Value(each.day, each.value))
    return [
        MetricSeries(metric=metric, unit=METRICS[metric], platform=platform, currency=currency, values=values)
        for (metric, platform, currency), values in found.items()
    ]


def by_mapper() -> Litestar:
    """For granian."""
    site = Litestar([mapped], openapi_config=None)
    site.state.gate, site.state.app = _engine("DATABASE_GATE_URL"), _engine("DATABASE_URL")
    return site
