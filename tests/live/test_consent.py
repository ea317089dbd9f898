"""Nothing starts on Azure that the user has not agreed to, and what it costs is told before."""

import io
import re

import pytest

from live.consent import COSTS, require_consent, require_subscription, statement
from live.errors import LiveRefusedError
from tests.kit.repository import ROOT

ID = "00000000-1111-2222-3333-444455556666"


class Terminal(io.StringIO):
    """What somebody types at a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def asked(typed: io.StringIO, *, yes: bool = False, **environment: str) -> str:
    """Ask for consent; returns what is printed."""
    printed = io.StringIO()
    require_consent("This costs.", ID, environment, yes=yes, stdin=typed, stdout=printed)
    return printed.getvalue()


def test_consent() -> None:
    """By typing the id at a terminal, or beforehand; not in a pipeline, unless it leads to local Azure."""
    assert asked(Terminal(f"{ID.upper()}\n")).startswith("This costs.\nType the subscription's id")
    assert asked(io.StringIO(), yes=True) == "This costs.\n"
    assert asked(io.StringIO(), yes=True, CI="true", HTTPS_PROXY="http://127.0.0.1:8443")
    for typed, environment, words in (
        (Terminal("yes\n"), {}, "was not typed"),
        (Terminal(""), {}, "was not typed"),
        (io.StringIO(f"{ID}\n"), {}, f"nobody can be asked without a terminal; .* SUBSCRIPTION={ID} YES=1"),
        (Terminal(f"{ID}\n"), {"CI": "true"}, "this is a pipeline"),
        (Terminal(f"{ID}\n"), {"CI": "true", "HTTPS_PROXY": "http://127.0.0.1.example:1"}, "this is a pipeline"),
    ):
        with pytest.raises(LiveRefusedError, match=words):
            asked(typed, **environment)


def test_the_subscription_must_be_named() -> None:
    """By its id, so that no other one of the same login is used."""
    assert require_subscription(ID.upper()) == ID
    for given in (None, "", "my subscription", f"{ID}0", f"{ID}\n"):
        with pytest.raises(LiveRefusedError, match="az account list shows the ids"):
            require_subscription(given)


def test_the_statement_has_the_prices_of_the_readme() -> None:
    """One price list: what README says of a month and of operations, and a thirtieth of the first."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    month = re.search(r"S1 hub costs about (\d+) US dollars", readme)
    assert month
    assert f"{month[1]} US dollars a month" in COSTS
    assert abs(float(month[1]) / 30 - 0.85) < 0.03
    assert "0.85 for a day" in COSTS
    assert "0.10 US dollars per 1,000 operations" in COSTS
    assert "0.10 US dollars per 1,000 operations" in readme
    assert ID in statement(ID, "westeurope")
