"""Amazon on a loopback port: Login with Amazon, SP-API, the Ads API, and the storage that both put files into.

Both products open with one login and share its host, so that one emulator stands for both.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from shelftide_amazon.auth import HOSTS
from shelftide_amazon.emulator_ads import AdsNodes
from shelftide_amazon.emulator_door import AmazonDoor, Fault
from shelftide_amazon.emulator_seller import SellerNodes
from shelftide_sdk.testing.emulator import Request, Response, Route
from shelftide_sdk.testing.world.model import Brand, WorldView


class AmazonEmulator(AmazonDoor):
    """All seller accounts and advertising profiles of the world."""

    hosts: ClassVar[tuple[str, ...]] = HOSTS

    def __init__(self, world: WorldView, **options: Any) -> None:
        super().__init__(world, **options)
        self._seller = SellerNodes(self)
        self._ads = AdsNodes(self)

    def settings(self, brand: Brand) -> Mapping[str, Mapping[str, str]]:
        """Region and merchant token, which Amazon's consent does not name; days are counted in the brand's own zone."""
        region = self.market_of(brand).region
        seller = brand.accounts.get("amazon-sp", "")
        return {
            "amazon-sp": {"region": region, "seller_id": seller, "zone": brand.zone},
            "amazon-ads": {"region": region},
        }

    def routes(self) -> Sequence[Route]:
        """Consent, tokens, both APIs and files."""
        return (
            Route("GET", r"/apps/authorize/consent", self.consent),
            Route("GET", r"/apps/authorize/approve", self.approve),
            Route("GET", r"/ap/oa", self.consent),
            Route("GET", r"/ap/approve", self.approve),
            Route("POST", r"/auth/o2/token", self.token),
            *self._seller.routes(),
            *self._ads.routes(),
            Route("GET", r"/(?P<name>[\w.-]+)", self.file),
        )

    def not_found(self, request: Request) -> Response:
        """What an unknown path answers."""
        return self.fail(Fault(404, "NotFound", f"The requested resource doesn't exist: {request.path}"))
