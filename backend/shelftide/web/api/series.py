"""`/api/v1/tenants/{id}/metrics`: the read that programs repeat. Session, brand and figures are one statement."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, Request, get
from litestar.params import FromPath, FromQuery

from shelftide.analytics.series import MetricSeries, read_series
from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Right
from shelftide.web.auth.doors import CLAIMS, claim_of, claims

_LONGEST = timedelta(days=1100)


class SeriesController(Controller):
    """What staff and clients' people read."""

    path = "/api/v1/tenants/{tenant_id:uuid}/metrics"
    guards = (claims,)
    opt = {CLAIMS: True}  # noqa: RUF012  # Litestar's own attribute
    tags = ("tenants",)

    @get("/", summary="Daily figures")
    async def metrics(
        self,
        request: Request[Any, Any, Any],
        *,
        tenant_id: FromPath[UUID],
        metrics: FromQuery[list[str]],
        since: FromQuery[date],
        until: FromQuery[date],
    ) -> list[MetricSeries]:
        """Daily values of the named metrics, both days included; a day without data is absent, not 0."""
        if since > until or until - since > _LONGEST:
            raise InvalidInputError("since must not be after until, and at most 1,100 days before it.")
        claim = claim_of(request, tenant_id, Right.READ)
        return await read_series(
            request.app.state.services.database.reads, claim, metrics=metrics, since=since, until=until
        )
