"""Composition root of the web server: `granian --factory shelftide.app:create`."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from shelftide.core.log import configure_logging
from shelftide.core.settings import read_settings
from shelftide.jobs.wiring import open_services
from shelftide.web.site import build_site


def create() -> Litestar:
    """The web application, wired from the environment; its services live as long as its lifespan."""
    settings = read_settings()
    configure_logging(machine=not settings.demo)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        services = await open_services(settings)
        app.state.services = services
        gc.freeze()  # routes and wiring stay: a full collection that walks them stops every request for 0.1 s
        try:
            yield
        finally:
            await services.close()

    return build_site(lifespan=[lifespan], settings=settings)
