"""What a connector claims of itself in `quality.yaml`: a tier, and rules that cannot apply to its platform."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import msgspec

from shelftide_sdk.connector import Connector
from shelftide_sdk.errors import ConfigurationError

TIERS = ("bronze", "silver", "gold")
FILE = "quality.yaml"


class Quality(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim. `exempt` gives the reason for each rule that cannot apply."""

    tier: str
    exempt: Mapping[str, str] = {}


def parse_quality(data: bytes, where: str) -> Quality:
    """Read a quality.yaml. Raises ConfigurationError naming what is wrong."""
    try:
        found = msgspec.yaml.decode(data, type=Quality)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{where}: {error}.", hint='Expected: tier: gold, exempt: {rule: "why"}') from error
    except ImportError as error:
        raise ConfigurationError(
            "quality.yaml cannot be read without PyYAML.", hint="pip install 'shelftide-sdk[testing]'"
        ) from error
    if found.tier not in TIERS:
        raise ConfigurationError(f"{where}: there is no tier {found.tier!r}.", hint=f"Known: {', '.join(TIERS)}.")
    bare = sorted(rule for rule, reason in found.exempt.items() if not reason.strip())
    if bare:
        raise ConfigurationError(f"{where}: {bare[0]} is exempt without a reason.", hint="Say why it cannot apply.")
    return found


def quality_of(connector: type[Connector]) -> Quality | None:
    """The claim in the connector's package, or None."""
    path = files(connector.__module__.partition(".")[0]).joinpath(FILE)
    return parse_quality(path.read_bytes(), FILE) if path.is_file() else None


def quality_near(path: Path) -> Quality | None:
    """The claim of the package that tests at `path` belong to: beside them, or in a package beside their folder."""
    start = path.resolve() if path.is_dir() else path.resolve().parent
    for folder in (start, start.parent):
        found = [*folder.glob(FILE), *sorted(folder.glob(f"*/{FILE}"))]
        if found:
            return parse_quality(found[0].read_bytes(), str(found[0].relative_to(folder)))
    return None


def above(claimed: str | None, earned: str | None) -> bool:
    """Whether a claim is more than what was earned."""
    return claimed is not None and TIERS.index(claimed) > (-1 if earned is None else TIERS.index(earned))
