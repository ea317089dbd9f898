"""Commands and flags of the pulumi CLI that this engine does not support, refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

ELSEWHERE = "use the pulumi CLI: it works on the same state"
_VERBS = """
    about ai api console context convert convert-trace copilot deployment do env gen-completion import install language-info login
    logout logs neo new org package plugin policy project query replay-events schema template up-to-date version view-trace watch whoami
"""
_UNDER = {
    "stack": "change-secrets-provider drift get graph history migrate rename schedule tag unselect webhook",
    "config": "cp env refresh rm-all set-all",
    "state": "edit get move protect rename repair taint untaint upgrade",
}
_FLAGS = """
    --attach-debugger --client --config --config-path --copilot --debug --disable-integrity-checking --exclude --exclude-dependents
    --exclude-protected --exec-agent --exec-kind --import-file --import-pending-creates --logflow --logtostderr --memprofilerate --neo
    --otel-traces --plan --profiling --remote --replace --run-program --save-plan --secrets-provider --show-config --show-full-output
    --show-policy-remediations --show-reads --show-replacement-steps --show-sames --skip-pending-creates --clear-pending-creates
    --suppress-permalink --suppress-progress --suppress-stream-logs --target-dependents --target-replace --tracing --verbose
"""


def refuse_verbs(words: Sequence[str]) -> None:
    """Refuses a verb of the pulumi CLI that this engine does not have; `words` is the command line without its flags.

    Raises:
        UsageError: it is such a verb.
    """
    verb, under = [*words, "", ""][:2]
    if verb in _VERBS.split():
        raise UsageError(f"`{verb}` is not supported by this engine; {ELSEWHERE}")
    if under in _UNDER.get(verb, "").split():
        raise UsageError(f"`{verb} {under}` is not supported by this engine; {ELSEWHERE}")


def unknown(word: str) -> UsageError:
    """The error for an argument that no parser accepted."""
    if word.split("=", maxsplit=1)[0] in _FLAGS.split():
        return UsageError(f"`{word.split('=', maxsplit=1)[0]}` is not supported by this engine; {ELSEWHERE}")
    what = "unknown flag" if word.startswith("-") else "unexpected argument"
    return UsageError(f"{what}: {word}; this engine supports a subset of the pulumi CLI; see `--help`")
