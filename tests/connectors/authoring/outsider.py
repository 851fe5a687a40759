"""An outsider's machine: an environment of its own over the installed SDK, where packages can be installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

_PROGRAMS = {"pip": "-m pip", "pytest": "-m pytest", "shelftide": "-m shelftide.cli", "python": ""}


class Outsider:
    """A folder, an environment, and programs that run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True, timeout=60)
        self.site = next((folder / "env" / "lib").glob("python*/site-packages"))
        parent = sysconfig.get_paths()["purelib"]
        (self.site / "parent.pth").write_text(f"import site; site.addsitedir({parent!r})\n")
        self.programs = folder / "programs"
        self.programs.mkdir()
        python = folder / "env" / "bin" / "python"
        for name, arguments in _PROGRAMS.items():
            program = self.programs / name
            program.write_text(f'#!/bin/sh\nexec "{python}" {arguments} "$@"\n')
            program.chmod(0o755)

    def run(self, command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """A shell command line. Packages come from folders alone, nothing is downloaded."""
        environment = {
            **os.environ,
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "COLUMNS": "200",
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads "no isolation" out of a false value
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def git() -> str:
    """The program that applies a tutorial's changes."""
    found = shutil.which("git")
    assert found is not None
    return found
