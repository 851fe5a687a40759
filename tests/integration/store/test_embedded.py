"""The embedded server on awkward machines: it boots, or says what to do."""

import asyncio
import os
import pwd
import shutil
import stat
import subprocess
import sys
import textwrap
from collections import namedtuple
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.durability.processes import ROOT, Installation, short_folder
from tests.durability.writers import kill_under_writes

from shelftide.core.errors import SetupError
from shelftide.store import embedded
from shelftide.store.embedded import EmbeddedPostgres, checkout_key, place_for

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")


@pytest.fixture
def home() -> Iterator[Path]:
    with short_folder() as found:
        yield found


@pytest.fixture
async def running(home: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(place_for(home, home))
    await server.start()
    yield server
    server.stop()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"])


async def ask(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(server.superuser_dsn())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_it_is_closed_to_the_network_and_keeps_what_it_acknowledged(running: EmbeddedPostgres) -> None:
    assert await ask(running, "show listen_addresses") == ""
    assert await ask(running, "show fsync") == "on"
    assert await ask(running, "show synchronous_commit") == "on"
    assert await ask(running, "show data_checksums") == "on"
    assert mode(running.place.data) == 0o700
    assert mode(running.place.root / "secrets.json") == 0o600


async def test_it_makes_no_account_and_opens_no_folder_but_its_own(home: Path) -> None:
    outer = home / "private"
    outer.mkdir(mode=0o711)
    accounts, modes = pwd.getpwall(), (mode(home), mode(outer))
    server = EmbeddedPostgres(place_for(home, outer / "ours"))
    try:
        await server.start()
    finally:
        server.stop()
    assert pwd.getpwall() == accounts
    assert (mode(home), mode(outer)) == modes


async def test_a_second_start_joins_the_first(running: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(running.place)
    dsns = await second.start()
    assert second.process is None
    connection = await asyncpg.connect(dsns.app)
    assert await connection.fetchval("select current_user") == "app"
    await connection.close()
    second.stop()
    assert await ask(running, "select 1") == 1


async def test_only_the_owner_restarts(running: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(running.place)
    await second.start()
    with pytest.raises(RuntimeError, match="owner"):
        await second.restart()


async def test_a_stale_pid_file_of_a_stranger_harms_nobody(home: Path) -> None:
    server = EmbeddedPostgres(place_for(home, home))
    await server.start()
    server.stop()
    # The number of a process that lives and is not ours: it must be neither believed nor killed.
    stranger = sleeper()
    try:
        (server.place.data / "postmaster.pid").write_text(f"{stranger.pid}\n{server.place.data}\n0\n5432\n\n\n\n\n")
        await server.start()
        assert await ask(server, "select 1") == 1
        assert stranger.poll() is None
    finally:
        server.stop()
        stranger.kill()
        stranger.wait()


async def test_an_initdb_that_was_cut_short_is_begun_again(home: Path) -> None:
    server = EmbeddedPostgres(place_for(home, home))
    server.place.data.mkdir(mode=0o700)
    (server.place.data / "base").mkdir()
    (server.place.data / "half").write_text("written")
    try:
        await server.start()
        assert await ask(server, "select 1") == 1
    finally:
        server.stop()


async def test_a_full_disk_is_named_with_what_to_free(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # the shape of shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 5 * 2**20, 5 * 2**20))
    server = EmbeddedPostgres(place_for(home, home))
    with pytest.raises(SetupError, match="disk is full: 5 MB free") as found:
        await server.start()
    assert "Free at least 300 MB" in found.value.hint
    assert not (server.place.data / "PG_VERSION").exists()


async def test_a_path_of_200_characters_is_refused_with_what_to_set(home: Path) -> None:
    long = home / ("x" * (200 - len(str(home)) - 1))
    server = EmbeddedPostgres(place_for(home, long))
    if len(f"{server.place.sockets}/.s.PGSQL.5432") <= 107:
        await server.start()
        server.stop()
        return
    with pytest.raises(SetupError, match="socket is too long") as found:
        await server.start()
    assert "shorter folder" in found.value.hint


def test_without_a_home_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(SetupError, match="no home folder") as found:
        place_for(home)
    assert "XDG_DATA_HOME" in found.value.hint


def test_somebody_elses_socket_folder_is_refused(home: Path) -> None:
    open_folder = home / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    with pytest.raises(SetupError, match="belongs to somebody else or is open"):
        embedded._refuse_foreign(open_folder)
    link = home / "link"
    link.symlink_to(home)
    with pytest.raises(SetupError, match="belongs to somebody else or is open"):
        embedded._refuse_foreign(link)


@as_root
def test_a_socket_folder_of_another_account_is_refused(home: Path) -> None:
    folder = home / "theirs"
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    with pytest.raises(SetupError, match="belongs to somebody else"):
        embedded._refuse_foreign(folder)


def test_two_checkouts_do_not_share_a_server(home: Path) -> None:
    assert checkout_key(home / "a") != checkout_key(home / "b")


async def test_what_was_acknowledged_survives_five_kills(home: Path) -> None:
    installation = Installation(home)
    try:
        await installation.start()
        assert await kill_under_writes(installation, kills=5) == 0
    finally:
        installation.stop()


BOOT = textwrap.dedent(
    """
    import asyncio, os, sys
    from pathlib import Path
    import asyncpg
    from shelftide.core.errors import SetupError
    from shelftide.store.embedded import EmbeddedPostgres, place_for

    # After the imports: the interpreter itself may lie where only root reads.
    os.setgroups([])
    os.setgid(65534)
    os.setuid(int(sys.argv[2]))

    async def main():
        server = EmbeddedPostgres(place_for(Path(sys.argv[1])))
        try:
            dsns = await server.start()
            connection = await asyncpg.connect(dsns.app)
            print("user", await connection.fetchval("select current_user"), "root", server.place.root)
            await connection.close()
        except SetupError as error:
            print("refused", error.message, "|", error.hint)
        finally:
            server.stop()

    asyncio.run(main())
    """
)


def boot_as(uid: int, home: Path, **environment: str) -> str:
    """Boot in a process of another account, which may read this environment's packages."""
    done = subprocess.run(
        [sys.executable, "-c", BOOT, str(ROOT), str(uid)],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.stdout + done.stderr


def open_to_all(path: Path) -> bool:
    """Whether another account may pass to this file."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


@as_root
def test_an_ordinary_user_boots(home: Path) -> None:
    if not open_to_all(embedded._packaged_binaries() / "pginstall"):
        pytest.skip("the database's programs lie where only root reads")
    home.chmod(0o777)
    (home / "h").mkdir()
    os.chown(home / "h", 65534, 65534)
    assert f"user app root {home / 'h'}" in boot_as(65534, home, HOME=str(home / "h"))


@as_root
def test_a_user_id_without_an_account_boots_or_says_what_to_do(home: Path) -> None:
    if not open_to_all(embedded._packaged_binaries() / "pginstall"):
        pytest.skip("the database's programs lie where only root reads")
    home.chmod(0o777)
    (home / "h").mkdir()
    os.chown(home / "h", 54321, 65534)
    found = boot_as(54321, home, HOME=str(home / "h"))
    assert "user app" in found or "Run as an account that exists" in found
    assert "Traceback" not in found


@as_root
def test_a_home_that_cannot_be_written_is_named(home: Path) -> None:
    if not open_to_all(embedded._packaged_binaries() / "pginstall"):
        pytest.skip("the database's programs lie where only root reads")
    (home / "h").mkdir(mode=0o555)
    found = boot_as(65534, home, HOME=str(home / "h"))
    assert "refused Cannot make the folder for the database" in found
    assert "XDG_DATA_HOME" in found


def test_its_sockets_are_for_nobody_else(home: Path) -> None:
    async def look() -> int:
        server = EmbeddedPostgres(place_for(home, home))
        await server.start()
        try:
            return mode(server.place.sockets / ".s.PGSQL.5432")
        finally:
            server.stop()

    assert asyncio.run(look()) == 0o700
