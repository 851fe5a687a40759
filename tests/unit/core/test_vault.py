"""The vault: what is sealed opens in its own place and nowhere else."""

import base64
import json
import os
import pickle
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelftide.core.errors import SetupError
from shelftide.core.log import mask_secrets
from shelftide.core.vault import MasterKeys, Secret, Vault, VaultError, read_master_keys

OLD, NEW = os.urandom(32), os.urandom(32)


@pytest.fixture
def vault() -> Vault:
    return Vault(MasterKeys("k1", {"k1": OLD}))


@given(text=st.text(max_size=500), place=st.text(max_size=50))
def test_what_is_sealed_opens(text: str, place: str) -> None:
    vault = Vault(MasterKeys("k1", {"k1": OLD}))
    key = vault.new_key("tenant")
    assert vault.open(key, "tenant", place, vault.seal(key, "tenant", place, text)).reveal() == text


@pytest.mark.parametrize(
    ("holder", "place"), [("other", "c|access|1"), ("tenant", "d|access|1"), ("tenant", "c|refresh|1")]
)
def test_a_secret_moved_elsewhere_does_not_open(vault: Vault, holder: str, place: str) -> None:
    key = vault.new_key("tenant")
    sealed = vault.seal(key, "tenant", "c|access|1", "token")
    with pytest.raises(VaultError):
        vault.open(key, holder, place, sealed)


def test_another_tenants_key_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(vault.new_key("tenant"), "tenant", "p", "token")
    with pytest.raises(VaultError):
        vault.open(vault.new_key("tenant"), "tenant", "p", sealed)


@pytest.mark.parametrize("bit", [0, 8, 100, 300, -1])
def test_one_changed_bit_is_noticed(vault: Vault, bit: int) -> None:
    key = vault.new_key("t")
    sealed = bytearray(vault.seal(key, "t", "p", "token"))
    sealed[bit // 8 if bit >= 0 else -1] ^= 1
    with pytest.raises(VaultError):
        vault.open(key, "t", "p", bytes(sealed))


def test_the_same_text_is_never_sealed_to_the_same_bytes(vault: Vault) -> None:
    key = vault.new_key("t")
    assert vault.seal(key, "t", "p", "token") != vault.seal(key, "t", "p", "token")


def test_a_master_key_is_rotated_while_secrets_are_read(vault: Vault) -> None:
    key = vault.new_key("t")
    sealed = vault.seal(key, "t", "p", "token")
    both = Vault(MasterKeys("k2", {"k1": OLD, "k2": NEW}))
    assert both.open(key, "t", "p", sealed).reveal() == "token"
    rewrapped = both.rewrap(key, "t")
    assert rewrapped.master_id == "k2"
    assert Vault(MasterKeys("k2", {"k2": NEW})).open(rewrapped, "t", "p", sealed).reveal() == "token"


def test_a_missing_master_key_is_named(vault: Vault) -> None:
    key = vault.new_key("t")
    with pytest.raises(VaultError, match="k1"):
        Vault(MasterKeys("k2", {"k2": NEW})).open(key, "t", "p", vault.seal(key, "t", "p", "x"))


def test_pseudonym_keys_differ_by_tenant_and_stay(vault: Vault) -> None:
    one, two = vault.new_key("a"), vault.new_key("b")
    assert vault.pseudonym_key(one, "a") == vault.pseudonym_key(one, "a") != vault.pseudonym_key(two, "b")


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("canary")
    assert "canary" not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        hash(secret)


def test_logs_mask_what_is_named_like_a_secret() -> None:
    event = mask_secrets(None, "info", {"access_token": "canary", "url": "https://x/?refresh_token=canary&a=1", "n": 1})
    assert "canary" not in json.dumps(event)
    assert "a=1" in event["url"]


def test_the_key_file_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.json"
    made = read_master_keys(path)
    assert path.stat().st_mode & 0o077 == 0
    assert read_master_keys(path) == made
    path.chmod(0o644)
    with pytest.raises(SetupError, match="read by others"):
        read_master_keys(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"current": "k1", "keys": {}}',
        json.dumps({"current": "k1", "keys": {"k1": base64.b64encode(b"short").decode()}}),
    ],
)
def test_a_damaged_key_file_is_an_error_and_never_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(SetupError, match="damaged"):
        read_master_keys(path)
    assert path.read_text() == text
