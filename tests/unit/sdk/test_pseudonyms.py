"""One buyer is one key, whatever the spelling; another tenant's key says nothing."""

import pytest

from shelftide_sdk.pseudonyms import pseudonym, pseudonyms
from shelftide_sdk.records import Customer

OF = pseudonym(b"a tenant's key")


def test_spelling_does_not_matter() -> None:
    assert OF(Customer(email=" Ada@Example.COM ")) == OF(Customer(email="ada@example.com"))
    assert OF(Customer(phone="+39 333 123-4567")) == OF(Customer(phone="393331234567"))


def test_the_email_comes_first_then_the_phone_then_the_platform() -> None:
    everything = Customer(email="a@example.com", phone="+393331234567", platform_id="p1")
    assert OF(everything) == OF(Customer(email="a@example.com"))
    assert [
        (OF(c) or ("", ""))[1] for c in (everything, Customer(phone="393331234567"), Customer(platform_id="p1"))
    ] == [
        "email",
        "phone",
        "platform",
    ]


@pytest.mark.parametrize(
    "customer", [Customer(), Customer(email="  "), Customer(phone="12-34"), Customer(platform_id="")]
)
def test_nobody_has_no_key(customer: Customer) -> None:
    assert OF(customer) is None


def test_kinds_and_tenants_are_kept_apart() -> None:
    same = "123456789"
    found = [OF(Customer(phone=same)), OF(Customer(platform_id=same)), pseudonym(b"other")(Customer(phone=same))]
    assert len({pair[0] for pair in found if pair}) == 3


def test_the_key_does_not_show_the_person() -> None:
    found = OF(Customer(email="ada@example.com"))
    assert found is not None
    assert len(found[0]) == 64
    assert "ada" not in found[0]


def test_who_was_erased_has_no_key_by_any_of_the_names() -> None:
    whole = Customer(email="a@example.com", phone="+393331234567", platform_id="p1")
    names = [name for name, _ in pseudonyms(b"k", whole)]
    assert len(set(names)) == 3
    assert [pseudonym(b"k", frozenset({name}))(whole) for name in names] == [None, None, None]
    assert pseudonym(b"k", frozenset({"another"}))(whole) == pseudonym(b"k")(whole) == (names[0], "email")
