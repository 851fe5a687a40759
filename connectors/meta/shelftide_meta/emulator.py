"""Meta on a loopback port: Facebook Login, Instagram Login, the Instagram Graph API and the Marketing API.

Both products live on one host and open with one login, so that one emulator stands for both.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from shelftide_meta.auth import HOSTS
from shelftide_meta.emulator_ads import AdsNodes
from shelftide_meta.emulator_door import GraphFault, MetaDoor
from shelftide_meta.emulator_facts import media_id
from shelftide_meta.emulator_fields import Row, parse_fields, project
from shelftide_meta.emulator_instagram import InstagramNodes
from shelftide_sdk.testing.emulator import Request, Response, Route
from shelftide_sdk.testing.world.model import Network, Video, WorldView

_VERSION = r"/(?P<version>v\d+\.\d+)"
_ID = r"(?P<id>(act_)?\d+)"


class MetaEmulator(MetaDoor):
    """All Instagram accounts and ad accounts of the world."""

    networks: ClassVar[tuple[Network, ...]] = (Network.INSTAGRAM,)
    hosts: ClassVar[tuple[str, ...]] = HOSTS

    def __init__(self, world: WorldView, **options: Any) -> None:
        super().__init__(world, **options)
        self._instagram = InstagramNodes(self)
        self._ads = AdsNodes(self)

    def content_id(self, video: Video) -> str:
        """A media id, which is not the shortcode of the post's address."""
        return media_id(video)

    def routes(self) -> Sequence[Route]:
        """Consent, tokens and data."""
        return (
            Route("GET", r"/v\d+\.\d+/dialog/oauth", self.consent),
            Route("GET", r"/v\d+\.\d+/dialog/approve", self.approve),
            Route("GET", r"/oauth/authorize", self.consent),
            Route("GET", r"/oauth/approve", self.approve),
            Route("GET", r"(/v\d+\.\d+)?/oauth/access_token", self.token),
            Route("POST", r"/oauth/access_token", self.token),
            Route("GET", r"/access_token|/refresh_access_token", self.long_token),
            Route("GET", rf"{_VERSION}/debug_token", self.debug_token),
            Route("GET", rf"{_VERSION}/me", self.api(self._me)),
            Route("GET", rf"{_VERSION}/me/accounts", self.api(self._pages)),
            Route("GET", rf"{_VERSION}/me/adaccounts", self.api(self._ad_accounts)),
            Route("GET", rf"{_VERSION}/{_ID}", self.api(self._node)),
            Route("GET", rf"{_VERSION}/{_ID}/(?P<edge>\w+)", self.api(self._edge)),
            Route("POST", rf"{_VERSION}/{_ID}/insights", self.api(self._ads.begin)),
        )

    def not_found(self, request: Request) -> Response:
        """What an unknown path answers."""
        return self.fail(GraphFault(f"Unknown path components: {request.path}", code=2500))

    def _me(self, request: Request, user: str) -> Row:
        if not user.startswith("ig:"):
            return {"id": user.removeprefix("fb:"), "name": "Somebody"}
        (brand,) = self.brands_of(user)
        return project(self._instagram.profile(brand), parse_fields(request.params.get("fields") or "id"))

    def _pages(self, request: Request, user: str) -> Row:
        return self.edge(request, self._instagram.accounts(user))

    def _ad_accounts(self, request: Request, user: str) -> Row:
        return self.edge(request, self._ads.accounts(user))

    def _node(self, request: Request, user: str) -> Row:
        number, fields = request.match["id"], request.params.get("fields", "")
        found = self._ads.node(user, number, fields)
        return self._instagram.node(user, number, fields) if found is None else found

    def _edge(self, request: Request, user: str) -> Row:
        number, name = request.match["id"], request.match["edge"]
        found = self._instagram.edge(request, user, number, name)
        if found is None:
            found = self._ads.edge(request, user, number, name)
        if found is None:
            raise GraphFault(f"Unsupported get request. Object with ID '{number}' does not exist", code=100, subcode=33)
        return found
