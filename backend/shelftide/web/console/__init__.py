"""Pages for an agency's people."""

from shelftide.web.console.brands import BrandsController
from shelftide.web.console.connections import ConnectionsController
from shelftide.web.console.home import HomeController
from shelftide.web.console.imports import ImportsController
from shelftide.web.console.operations import OperationsPages
from shelftide.web.console.products import ProductsController
from shelftide.web.console.simulation import SimulationController

CONSOLE = (
    HomeController,
    BrandsController,
    ConnectionsController,
    ProductsController,
    ImportsController,
    OperationsPages,
    SimulationController,
)
