"""What a person fills in before connecting: the fields that a connector declares, checked."""

import re
from collections.abc import Mapping

from shelftide.core.errors import InvalidInputError
from shelftide_sdk import ApiKey, ClientCredentials, Connector, SettingField

_KEY_LIMIT = 8_000


def check_settings(connector: type[Connector], settings: Mapping[str, str]) -> dict[str, str]:
    """The settings that a connector asks for, checked. Raises InvalidInputError naming the field."""
    checked = {}
    for field in connector.info.settings:
        if field.secret:
            continue
        value = settings.get(field.name, "").strip()
        if not re.fullmatch(field.pattern, value):
            example = f" Example: {field.example}." if field.example else ""
            raise InvalidInputError(f"{field.title} is missing or malformed.{example}")
        checked[field.name] = value
    return checked


def check_keys(connector: type[Connector], typed: Mapping[str, str]) -> dict[str, str]:
    """The secret fields that a connector asks for, checked. Raises InvalidInputError naming field, not value."""
    checked = {}
    for field in key_form(connector):
        value = typed.get(field.name, "").strip()
        if len(value) > _KEY_LIMIT or not re.fullmatch(field.pattern, value):
            raise InvalidInputError(f"{field.title} is missing or malformed.")
        checked[field.name] = value
    return checked


def key_form(connector: type[Connector]) -> list[SettingField]:
    """The secret fields that a person types to connect; none for a connector that asks for consent."""
    auth = connector.auth
    if not isinstance(auth, ApiKey | ClientCredentials):
        return []
    declared = {field.name: field for field in connector.info.settings if field.secret}
    return [
        declared.get(name) or SettingField(name=name, title=name.replace("_", " ").capitalize(), secret=True)
        for name in auth.fields
    ]
