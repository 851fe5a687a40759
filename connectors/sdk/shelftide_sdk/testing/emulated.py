"""A connector over its own emulator, in one process: what `connector run --emulated` reads."""

from collections.abc import AsyncIterator
from datetime import timedelta

from shelftide_sdk.connector import Connector, Stream
from shelftide_sdk.errors import ConfigurationError, ConnectorError, ContractError
from shelftide_sdk.testing.conformance.bench import Bench, Reading
from shelftide_sdk.testing.conformance.foundation import Foundation

_SINCE = timedelta(days=30)


async def readings(connector: type[Connector], seed: int) -> AsyncIterator[tuple[Stream, Reading]]:
    """A full read of each stream in the small world of `seed`. No sockets, and a clock that waits for nobody.

    Raises:
        ConfigurationError: the connector names no emulator.
        ConnectorError: a read did not end well; any other error arrives as ContractError.
    """
    if not connector.info.emulator:
        raise ConfigurationError(f"{connector.info.name} ships no emulator.", hint="Name it in ConnectorInfo.emulator.")
    wiring = Foundation.wired(connector, seed=seed, since=_SINCE)
    async with Bench(wiring) as bench:
        for stream in await bench.call(lambda made, ctx: made.discover(ctx)):
            reading = await bench.read(stream)
            if isinstance(reading.error, ConnectorError):
                raise reading.error
            if reading.error is not None:
                raise ContractError(f"{stream.name}: {type(reading.error).__name__}: {reading.error}")
            yield stream, reading
