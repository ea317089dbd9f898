"""An error is shown as its line alone, by each engine: without a traceback, and without the name of a class before it."""

import re

import pytest

from tests.kit.program import Program

_NOWHERE = "pkcs11:token=a;object=b?module-path=/nowhere.so"
_OPENING = "import signal\nimport pulumi\nfrom hubtrust import *\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n"  # as __main__.py
# Code of a program, and the line that its user sees.
CASES = {
    "a component": (
        'CertificateAuthority("a", source=Import(chain="x\\n\\u200e"))',
        "the imported chain: it contains no certificate, key or request; give PEM",
    ),
    "a function": ('from_pattern("a", tags={"b.c": 1})', r"tags: the name 'b\.c' has the character '\.'"),
    "a value that is known later": (
        'a = CertificateAuthority("a", source=Import(chain=pulumi.Output.from_input("x\\n")))\nTrustedHub("h", authorities=[a])',
        "the imported chain: it contains no certificate, key or request; give PEM",
    ),
    "the check of a resource": (
        'SigningKey("a", signer=signer_inputs.in_token("pkcs11:", pin="1"), make="ec-p256")',
        r"pulumi-python:dynamic/hubtrust:SigningKey resource 'a' has a problem: signer",
    ),
}


def errors_of(stack: Program) -> list[str]:
    """All errors that are shown, but for those with which an engine says that the run has failed."""
    assert stack.run("up") != 0
    found = re.findall(r"^ +error: (.*)$", stack.printed, re.MULTILINE)
    return [line for line in found if not re.match(r"(update|preview) failed|an unhandled error occurred: ", line)]


@pytest.mark.parametrize("case", CASES)
def test_an_error_is_its_line_alone(stack: Program, case: str) -> None:
    """It is raised by a component, by a function of a program, by a value that is known later, or by a resource before it is created."""
    code, line = CASES[case]
    (stack.folder / "__main__.py").write_text(f"{_OPENING}{code}\n")
    (shown,) = errors_of(stack)
    assert re.match(line, shown), stack.printed
    assert "Traceback" not in stack.printed, stack.printed


def test_a_failing_resource_ends_the_program_without_a_traceback(stack: Program) -> None:
    """The program is still waiting for other resources then, and Pulumi ends it by a signal."""
    stack.configure(caCustody="pkcs11", caKeyReference=_NOWHERE, caRootKeyReference=_NOWHERE, caPinVariable="HOME")
    shown = errors_of(stack)
    assert {line for line in shown if re.match(r"key 'pkcs11:token=a;object=b': the PKCS#11 module '/nowhere\.so' can't be", line)}
    assert not [line for line in shown if re.match(r"\S+Error: ", line)], stack.printed
    assert "Traceback" not in stack.printed, stack.printed
