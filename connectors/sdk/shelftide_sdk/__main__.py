"""`python -m shelftide_sdk`: the connector commands, with the SDK alone."""

from shelftide_sdk.commands import connector
from shelftide_sdk.installed import Installed

if __name__ == "__main__":
    connector(Installed)(prog_name="python -m shelftide_sdk")
