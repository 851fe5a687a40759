"""Pages for clients, under the agency's own name."""

from shelftide.web.portal.brands import PortalController
from shelftide.web.portal.connect import LinkController

PORTAL = (PortalController, LinkController)
