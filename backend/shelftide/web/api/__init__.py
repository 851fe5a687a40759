"""The API for programs and for the pages' own calls."""

from shelftide.web.api.alerts import AlertController
from shelftide.web.api.apps import AppController
from shelftide.web.api.grants import GrantController
from shelftide.web.api.imports import ImportController
from shelftide.web.api.links import LinkController
from shelftide.web.api.plugins import PluginController
from shelftide.web.api.products import ProductController
from shelftide.web.api.query import MetricController, QueryController
from shelftide.web.api.reconciliations import ReconciliationController
from shelftide.web.api.series import SeriesController
from shelftide.web.api.session import SessionController
from shelftide.web.api.tenants import OperationsController, TenantController
from shelftide.web.api.views import ViewController

API = (
    SessionController,
    TenantController,
    SeriesController,
    OperationsController,
    AlertController,
    AppController,
    GrantController,
    LinkController,
    PluginController,
    ProductController,
    MetricController,
    QueryController,
    ViewController,
    ImportController,
    ReconciliationController,
)
