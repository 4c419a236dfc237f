"""What the name of a model on servers says, and what it may not."""

import pytest

from sandbox.engines.openai_address import Served, is_address, served
from sandbox.models import reference
from scenes.problem import InputRefused


@pytest.mark.parametrize(
    ("model", "meant"),
    [
        ("http://host:8000/v1#tiny", Served(("http://host:8000/v1",), "tiny")),
        ("https://api.example.org/v1/#org/model:7b+x#y", Served(("https://api.example.org/v1",), "org/model:7b+x#y")),
        ("http://[::1]:1/v1,http://b/v1#m", Served(("http://[::1]:1/v1", "http://b/v1"), "m")),
    ],
)
def test_a_name_holds_all_addresses_and_what_the_model_is_called_there(model: str, meant: Served) -> None:
    assert is_address(model)
    assert served(model) == meant
    assert reference(model) == model


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        ("http://host/v1", "has no name"),
        ("http://host/v1# ", "has no name"),
        ("http://me:CANARY@host/v1#m", "no user, no key"),
        ("https://host/v1?key=CANARY#m", "no user, no key"),
        ("http://good\\@CANARY/v1#m", "must be http"),
        ("http://a/v1,ftp://CANARY/v1#m", "must be http"),
        ("http://a/v1,#m", "must be http"),
        ("http://ho st/v1#m", "must be http"),
        ("http://a/v1,http://a/v1/#m", "twice"),
    ],
)
def test_a_name_that_could_hold_a_secret_or_lead_elsewhere_is_refused_and_not_quoted(model: str, rule: str) -> None:
    with pytest.raises(InputRefused, match=rule) as refused:
        reference(model)
    assert "CANARY" not in str(refused.value)
