"""The web application: routes, sessions, errors, headers. Wiring comes from outside."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from litestar import Litestar, MediaType, get
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from litestar.types import ControllerRouterHandler, Message, Scope

from shelftide.core.settings import Settings
from shelftide.jobs.services import Services
from shelftide.web.api import API
from shelftide.web.auth.callback import CallbackController
from shelftide.web.auth.doors import SessionMiddleware, anonymous
from shelftide.web.console import CONSOLE
from shelftide.web.entrance import ENTRANCE
from shelftide.web.hooks import HOOKS
from shelftide.web.portal import PORTAL
from shelftide.web.problems import answer
from shelftide.web.templating import environment

HERE = Path(__file__).parent
# Addresses of our own files change with their content (`?v=`); the fetched ones change with a release.
_WEEK = 7 * 86400
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]

# ECharts sets style attributes; everything else comes from files of our own.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


@get("/health", guards=[anonymous], media_type=MediaType.JSON, include_in_schema=False)
async def health() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


async def provide_services(state: State) -> Services:
    """The wiring, for handlers."""
    services: Services = state.services
    return services


async def set_headers(message: Message, scope: Scope) -> None:
    """Headers that every reply carries, errors and files too."""
    if message["type"] == "http.response.start":
        headers = list(message["headers"])
        named = {name.lower() for name, _ in headers}
        message["headers"] = headers + [header for header in _HEADERS if header[0] not in named]


def build_site(
    *, settings: Settings, lifespan: Sequence[Lifespan] = (), pages: Sequence[ControllerRouterHandler] = ()
) -> Litestar:
    """The application. `pages` are further controllers, given by the composition root."""
    return Litestar(
        route_handlers=[
            health,
            CallbackController,
            *API,
            *ENTRANCE,
            *CONSOLE,
            *PORTAL,
            *HOOKS,
            *pages,
            create_static_files_router(
                path="/static",
                directories=[HERE / "static"],
                guards=[anonymous],
                cache_control=CacheControlHeader(public=True, max_age=_WEEK),
            ),
        ],
        lifespan=list(lifespan),
        middleware=[SessionMiddleware()],
        dependencies={"services": Provide(provide_services)},
        exception_handlers={Exception: answer},
        before_send=[set_headers],
        compression_config=CompressionConfig(backend="gzip", minimum_size=1000),
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment())),
        openapi_config=OpenAPIConfig(
            title="Shelftide",
            version="1",
            path="/api/docs",
            render_plugins=[
                SwaggerRenderPlugin(
                    js_url="/static/vendor/swagger-ui/swagger-ui-bundle.js",
                    css_url="/static/vendor/swagger-ui/swagger-ui.css",
                    standalone_preset_js_url="/static/vendor/swagger-ui/swagger-ui-standalone-preset.js",
                    favicon="",
                )
            ],
        ),
        request_max_body_size=32 * 2**20,
        debug=False,
    )
