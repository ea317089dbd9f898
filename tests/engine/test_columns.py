"""The live tree's columns at every width of a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from sandbox.engine.display.columns import Cells, Widths, fitted, lines

_WORDS = st.text(st.sampled_from("aZ9-:/.é\u6f22\u0301\t\n\x1b "), max_size=60)
_ROWS = st.lists(
    st.builds(
        Cells,
        mark=st.sampled_from(("+ ", "~ ", "+-", "  ")),
        branch=st.sampled_from(("", "├─ ", "│  └─ ", "│  │  │  │  ├─ ")),
        type=_WORDS,
        name=_WORDS,
        status=st.sampled_from(("", "create", "created (0.31s)", "**creating replacement interrupted**")),
        info=_WORDS.map(Text),
    ),
    min_size=1,
    max_size=6,
)


@given(rows=_ROWS, width=st.integers(20, 200))
def test_no_line_is_longer_than_the_terminal_and_sign_and_status_stay(rows: list[Cells], width: int) -> None:
    """Whatever types, names and messages hold. A status that is longer than the terminal is cut at its end."""
    found = lines(rows, width)
    assert len(found) == len(rows) + 1
    for row, line in zip(rows, found[1:], strict=True):
        assert cell_len(line.plain) <= width
        assert line.plain.isprintable()
        assert line.plain[1:3].strip() == row.mark.strip()
        assert row.status[: width - 5] in line.plain


@given(st.builds(Widths, *[st.integers(0, 120)] * 4), st.integers(20, 200))
def test_the_widths_fill_the_terminal_at_most(wanted: Widths, width: int) -> None:
    """No column gets more than it wants; where all of them fit, none is cut."""
    found = fitted(wanted, width)
    columns = [(getattr(wanted, name), getattr(found, name)) for name in ("type", "name", "status", "info")]
    assert found.total <= width
    assert all(0 <= got <= asked for asked, got in columns)
    assert wanted.total > width or all(got == asked for asked, got in columns)


def test_where_it_is_narrow_the_end_of_a_type_and_both_ends_of_a_name_are_kept() -> None:
    """They tell one resource from another; messages go first."""
    rows = [
        Cells("+ ", "├─ ", "pulumi-python:dynamic/hubtrust:VerifiedCertificate", "hub-sandbox-issuing-g1", "creating (2s)", Text("wait")),
        Cells("~ ", "└─ ", "azure-native:iothub:IotHubResource", "hub", "updated (0.31s)", Text("[diff: ~tags]")),
    ]
    shown = {width: [line.plain for line in lines(rows, width)] for width in (120, 80, 60, 40, 24)}
    assert shown == {
        120: [
            "     Type                                                   Name                    Status           Info",
            " +   ├─ pulumi-python:dynamic/hubtrust:VerifiedCertificate  hub-sandbox-issuing-g1  creating (2s)    wait",
            " ~   └─ azure-native:iothub:IotHubResource                  hub                     updated (0.31s)  [diff: ~tags]",
        ],
        80: [
            "    Type                         Name               Status          Info",
            " +  ├─ …:VerifiedCertificate     hub-sandb…suing-g1 creating (2s)   wait",
            " ~  └─ …:iothub:IotHubResource   hub                updated (0.31s) [diff: ~tag…",
        ],
        60: [
            "    Type                     Name            Status",
            " +  ├─ …:VerifiedCertificate hub-san…uing-g1 creating (2s)",
            " ~  └─ …:IotHubResource      hub             updated (0.31s)",
        ],
        40: [
            "    Type         Name    Status",
            " +  ├─ …tificate hub…-g1 creating (2s)",
            " ~  └─ …Resource hub     updated (0.31s)",
        ],
        24: [
            "    Type Status",
            " +  …ate creating (2s)",
            " ~  …rce updated (0.31s)",
        ],
    }
