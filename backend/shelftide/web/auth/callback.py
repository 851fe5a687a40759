"""Where platforms send the browser back to."""

from typing import Any

from litestar import Controller, Request, get
from litestar.params import FromPath
from litestar.response import Redirect

from shelftide.web.auth.connecting import finish_consent
from shelftide.web.auth.doors import AppServices
from shelftide.web.auth.links import address_at, portal_of_state, staff_or_portal


class CallbackController(Controller):
    """The end of a consent. A GET by nature; its state makes it safe: bound to the session and used once."""

    path = "/connect"
    guards = (staff_or_portal,)
    include_in_schema = False

    @get("/{connector:str}/callback")
    async def callback(
        self, request: Request[Any, Any, Any], services: AppServices, connector: FromPath[str]
    ) -> Redirect:
        """Connect, then show the brand, or the accounts that wait for one. A client's browser goes on to its portal."""
        portal = await portal_of_state(request)
        if portal is not None:
            return Redirect(address_at(request, portal, connector))
        connected = await finish_consent(request, services, connector)
        if connected.waiting:
            return Redirect(f"/console/brands/{connected.tenant_id}/connections/")
        return Redirect(f"/console/brands/{connected.tenant_id}")
