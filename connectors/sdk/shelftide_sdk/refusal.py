"""How a command ends that cannot go on."""

import json
from typing import NoReturn

import click

from shelftide_sdk.errors import ConfigurationError, ConnectorError


def fail(error: ConnectorError, as_json: bool) -> NoReturn:
    """One JSON line for machines, two lines for people; exit 2 for wrong use, 3 when platform or data refuse."""
    if as_json:
        body = {"error": error.kind, "message": error.message, "hint": error.hint}
        click.echo(json.dumps(body, ensure_ascii=False), err=True)
    else:
        click.echo(f"Error: {error.message}", err=True)
        if error.hint:
            click.echo(error.hint, err=True)
    raise SystemExit(2 if isinstance(error, ConfigurationError) else 3)
