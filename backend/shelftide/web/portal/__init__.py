"""Pages for clients, under the agency's own name."""

from shelftide.web.portal.brands import PortalController

PORTAL = (PortalController,)
