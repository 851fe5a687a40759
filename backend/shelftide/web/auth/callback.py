"""Where platforms send the browser back to."""

from typing import Any

from litestar import Controller, Request, get
from litestar.params import FromPath
from litestar.response import Redirect

from shelftide.core.scope import Right
from shelftide.web.auth.connecting import finish_consent
from shelftide.web.auth.doors import AppServices, requires


class CallbackController(Controller):
    """The end of a consent. A GET by nature; its state makes it safe: bound to the session and used once."""

    path = "/connect"
    guards = (requires(Right.CONNECT),)
    include_in_schema = False

    @get("/{connector:str}/callback")
    async def callback(
        self, request: Request[Any, Any, Any], services: AppServices, connector: FromPath[str]
    ) -> Redirect:
        """Connect, then show the brand, or the accounts that wait for one."""
        connected = await finish_consent(request, services, connector)
        if connected.waiting:
            return Redirect(f"/console/brands/{connected.tenant_id}/connections/")
        return Redirect(f"/console/brands/{connected.tenant_id}")
