"""Pages for an agency's people."""

from shelftide.web.console.apps import AppsController
from shelftide.web.console.brands import BrandsController
from shelftide.web.console.connections import ConnectionsController
from shelftide.web.console.explore import ExploreController
from shelftide.web.console.home import HomeController
from shelftide.web.console.imports import ImportsController
from shelftide.web.console.links import LinksController
from shelftide.web.console.operations import OperationsPages
from shelftide.web.console.plugins import PluginPages
from shelftide.web.console.products import ProductsController
from shelftide.web.console.reconcile import ReconcileController
from shelftide.web.console.simulation import SimulationController

CONSOLE = (
    HomeController,
    BrandsController,
    ExploreController,
    ConnectionsController,
    LinksController,
    AppsController,
    ProductsController,
    ImportsController,
    ReconcileController,
    OperationsPages,
    PluginPages,
    SimulationController,
)
