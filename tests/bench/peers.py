"""The environment of the peers: made on first use from peers.lock, hashes checked, apart from the product's own."""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path(__file__).with_name("peers.lock")
FOLDER = ROOT / ".tools" / "bench"


def python_of_peers(folder: Path = FOLDER) -> Path:
    """The interpreter that has the peers. Installs them when the lock is not what was installed."""
    python, mark = folder / "bin" / "python", folder / ".lock"
    if mark.exists() and mark.read_bytes() == LOCK.read_bytes():
        return python
    print("installing the peers into .tools/bench (once)", file=sys.stderr, flush=True)
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The peers could not be installed:\n{done.stderr[-2000:]}")
    mark.write_bytes(LOCK.read_bytes())
    return python
