"""Changed anchors, intermediates and devices: our verdict is that of `cryptography`'s verifier and of OpenSSL, but for named reasons.

`HUBTRUST_MUTATIONS=10000` judges that many of each kind (see `tests/kit/mutated_runs.py`); a reason that never occurs then fails.
"""

import pytest
from hypothesis import given

from tests.kit.judged_kinds import KINDS
from tests.kit.mutated_runs import MUTATIONS, counted, mutated
from tests.kit.verdict_reasons import REASONS, reason_for

ENOUGH = 10_000  # inputs of a kind, of which each reason explains some


@pytest.mark.parametrize("kind", KINDS)
def test_three_judges_agree(kind: str) -> None:
    """Whether a device can connect is judged alike; a difference without a reason fails."""
    reasons = {str(reason): reason for reason in REASONS if kind in reason.kinds}
    with counted(kind, reasons) as found:

        @mutated
        @given(KINDS[kind].changed)
        def judge(made: tuple[bytes, str]) -> None:
            changed, odd = made
            verdicts = KINDS[kind].judges(changed)
            differing = [one for one in verdicts[1:] if one.accepts is not verdicts[0].accepts]
            named = [reason_for(verdicts, one, kind) for one in differing]
            assert all(named), (odd, verdicts, changed.hex())
            found.update(dict.fromkeys(map(str, named), 1) if named else ["agreed"])

        judge()
    never = [reason for reason in reasons if not found[reason]]
    assert MUTATIONS < ENOUGH or not never
