"""The local day of a moment, cut once at ingest so that every engine groups by the same date."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises ValueError for any other text."""
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError) as error:
        raise ValueError(f"unknown time zone {name!r}") from error


def local_days(moments: pa.Array, zones: list[str]) -> pa.Array:
    """Dates of `moments` (microseconds UTC, no null), each in the zone of its row."""
    micros = moments.cast(pa.int64()).to_numpy(zero_copy_only=False)
    if len(set(zones)) == 1:
        return _dates(micros, zones[0])
    names = np.array(zones)
    result = np.empty(len(micros), "datetime64[D]")
    for name in set(zones):
        rows = names == name
        result[rows] = _dates(micros[rows], name).to_numpy(zero_copy_only=False)
    return pa.array(result, pa.date32())


def _dates(micros: npt.NDArray[np.int64], name: str) -> pa.Array:
    zone = zone_of(name)
    days, positions = np.unique(micros // _DAY, return_inverse=True)
    opening = np.array([_offset(zone, int(day) * _DAY) for day in days], np.int64)
    closing = np.array([_offset(zone, (int(day) + 1) * _DAY - 1) for day in days], np.int64)
    offsets = opening[positions]
    for row in np.flatnonzero((opening != closing)[positions]):  # the clocks change on that day: ask for the moment
        offsets[row] = _offset(zone, int(micros[row]))
    return pa.array(((micros + offsets) // _DAY).astype("datetime64[D]"), pa.date32())


def _offset(zone: ZoneInfo, micros: int) -> int:
    moment = _EPOCH + timedelta(microseconds=micros)
    offset = moment.astimezone(zone).utcoffset() or timedelta(0)
    return offset // timedelta(microseconds=1)


def local_day(moment: datetime, zone: str) -> date:
    """The date of one moment in a zone. Raises ValueError for an unknown zone."""
    return moment.astimezone(zone_of(zone)).date()
