"""The source of the ingest benchmark: a tape on uvloop. Usage: source.py TAPE; prints its address."""

import sys
from pathlib import Path

import uvloop

from shelftide_sdk.testing.replay import play

if __name__ == "__main__":
    uvloop.run(play(Path(sys.argv[1])))
