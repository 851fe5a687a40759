"""`connector new`: a name becomes a package; a wrong name, a taken folder and a false claim are refused."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import msgspec
import pytest
from click.testing import CliRunner, Result
from tests.connectors.hostile.connector import FragileMapping, Honest

from shelftide_sdk import Connector
from shelftide_sdk.commands import connector
from shelftide_sdk.errors import ConfigurationError
from shelftide_sdk.quality import above, parse_quality, quality_near


def run(*arguments: str, kind: type[Connector] = Honest) -> Result:
    registry = SimpleNamespace(plugins=(), connectors={"hostile": kind})
    return CliRunner().invoke(connector(lambda: registry), list(arguments))


def test_a_name_becomes_a_package_with_its_own_names(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    done = run(
        "new", "corner-shop-2", "--into", str(folder), "--title", "Le Coin", "--host", "api.coin.example", "--json"
    )
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"name": "corner-shop-2", "folder": str(folder)})
    package = folder / "shelftide_corner_shop_2"
    text = (package / "connector.py").read_text()
    assert "class CornerShop2(Connector):" in text
    assert 'title="Le Coin"' in text
    assert 'hosts=("api.coin.example",)' in text
    assert "{{" not in "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    for path in folder.rglob("*.py"):
        compile(path.read_text(), str(path), "exec")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("new", "My Shop"), "no connector's name"),
        (("new", "../../etc"), "no connector's name"),
        (("new", "2shop"), "no connector's name"),
        (("new", "shop", "--host", "not a host"), "no host name"),
        (("new", "shop", "--title", '"quoted"'), "no title"),
        (("new", "shop", "--into", "."), "not empty"),
    ],
)
def test_wrong_answers_are_refused_and_nothing_is_made(
    arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("precious")
    done = run(*arguments, "--json")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert done.exit_code == 2
    assert words in json.loads(done.stderr)["message"]


@pytest.mark.parametrize(
    ("claimed", "earned", "more"),
    [
        ("gold", "gold", False),
        ("gold", "silver", True),
        ("bronze", None, True),
        ("bronze", "gold", False),
        (None, None, False),
    ],
)
def test_a_claim_is_compared_with_what_was_earned(claimed: str | None, earned: str | None, more: bool) -> None:
    assert above(claimed, earned) is more


def test_a_claim_above_what_passed_fails() -> None:
    class Proud(FragileMapping):
        info = msgspec.structs.replace(FragileMapping.info, tier="gold")

    Proud.__qualname__, Proud.__module__ = FragileMapping.__qualname__, FragileMapping.__module__
    done = run("test", "hostile", kind=Proud)
    assert done.exit_code == 3
    assert "hostile claims gold and has earned silver." in done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"tier: platinum", "no tier 'platinum'"),
        (b"exempt: {}", "tier"),
        (b"tier: [", "quality.yaml"),
        (b"tier: gold\nexempt: {every_row_is_read: ' '}", "without a reason"),
        (b"tier: gold\nverified: true", "verified"),
    ],
)
def test_a_claim_that_makes_no_sense_is_named(text: bytes, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_quality(text, "quality.yaml")


def test_tests_by_path_find_the_claim_of_their_package(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "shelftide_x").mkdir()
    (tmp_path / "shelftide_x" / "quality.yaml").write_text("tier: silver\n")
    found = quality_near(tmp_path / "tests")
    assert found is not None
    assert found.tier == "silver"
    assert quality_near(tmp_path / "shelftide_x") == found


def test_an_emulated_run_fills_tables_and_keeps_rejects(tmp_path: Path) -> None:
    path = tmp_path / "out.duckdb"
    for _ in range(2):  # the second run replaces the tables
        done = run("run", "hostile", "--emulated", "--to", str(path), "--json")
        assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    with duckdb.connect(str(path)) as connection:
        rows = connection.sql("select count(*), sum(total_amount), min(total_currency) from orders").fetchone()
        types = dict(
            connection.sql("select column_name, data_type from duckdb_columns() where table_name = 'orders'").fetchall()
        )
    assert rows is not None
    assert told["tables"] == {"orders": rows[0], "quarantine": 0}
    # the platform's orders 0..29 cost 10.50 to 39.50; the hostile platform shows all of twenty days
    assert (rows[0], str(rows[1]), rows[2]) == (30, "750.000000", "EUR")
    assert (types["total_amount"], types["placed_at"]) == ("DECIMAL(20,6)", "TIMESTAMP WITH TIME ZONE")


@pytest.mark.parametrize("broken", ["a folder", "a text"])
def test_a_file_that_is_no_duckdb_file_is_refused(broken: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir() if broken == "a folder" else path.write_text("precious, and no database at all")
    done = run("run", "hostile", "--emulated", "--to", str(path), "--json")
    assert (done.exit_code, json.loads(done.stderr)["error"]) == (2, "configuration")
    assert path.is_dir() or path.read_text() == "precious, and no database at all"
