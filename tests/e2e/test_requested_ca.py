"""The program with `caSource: request`: an outside authority signs the request, and its answer is proven with the key that is here."""

import re
from pathlib import Path

from tests.kit.openssl_keys import openssl
from tests.kit.program import Program

_FEW = {"devices": "", "canary": "", "operators": [], "caSource": "request"}
# What the component declared for keys in the state before it had AuthorityRequest: the same name, and the same key.
_OLDER = """
import pulumi_tls
from hubtrust import authority_resources, signer_inputs


def _declare_request(self, source):
    key = self._key("issuing", source.key)
    names = pulumi_tls.CertRequestSubjectArgs(common_name="Plant")
    made = pulumi_tls.CertRequest(f"{self.prefix}-request", private_key_pem=key.private_key_pem, subject=names, opts=self._options())
    return signer_inputs.in_state(key.private_key_pem), made.cert_request_pem


authority_resources.GenerationResources._declare_request = _declare_request
"""


def _answer(folder: Path, request: str, *more: str) -> str:
    """What an offline authority returns: the signed certificate, and its root."""
    (folder / "ca.csr").write_text(request)
    if not (folder / "root.pem").exists():
        root = "req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -subj /CN=Root -days 99"
        openssl(folder, *root.split(), "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    (folder / "asked").write_text("authorityKeyIdentifier=keyid\n" + "".join(f"{line}\n" for line in more))
    line = "x509 -req -in ca.csr -CA root.pem -CAkey root.key -days 9 -copy_extensions copyall -extfile asked -out ca.pem"
    openssl(folder, *line.split())
    return (folder / "ca.pem").read_text() + (folder / "root.pem").read_text()


def test_what_an_authority_returns_for_the_request_is_proven(stack: Program, tmp_path: Path) -> None:
    """The request is the same in each run; what is asked for is enough for an authority that adds nothing of its own."""
    stack.configure(**_FEW)
    stack.up()
    asked = stack.outputs()["certificateRequest"]
    stack.up()
    assert stack.outputs()["certificateRequest"] == asked
    openssl(tmp_path, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "other.key", "-subj", "/CN=Plant", "-out", "other.csr")
    ca = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign", "subjectKeyIdentifier=hash")
    stack.configure(**_FEW, caChain=_answer(tmp_path, (tmp_path / "other.csr").read_text(), *ca))
    assert stack.run("up") != 0
    assert re.search(r"the given key is \w+… and the certificate's own is \w+…; give .*, or the certificate for this key", stack.printed)
    stack.configure(**_FEW, caChain=_answer(tmp_path, asked))
    stack.up()
    assert (stack.outputs()["trust"][0]["proof"], stack.outputs()["certificateRequest"]) == ("possession", asked)


def test_a_request_that_waited_before_an_upgrade_is_answered_after_it(stack: Program, tmp_path: Path) -> None:
    """The key is the same, so the answer to the request of an older version is proven, and the new request is for that key too."""
    program = stack.folder / "__main__.py"
    newer = program.read_text()
    docstring, rest = newer.split('"""\n', 1)
    program.write_text(f'{docstring}"""\n{_OLDER}\n{rest}')
    stack.configure(**_FEW)
    stack.up()
    before = stack.outputs()["certificateRequest"]
    assert "certRequest:CertRequest" in stack.engine_says("stack", "export")
    answer = _answer(tmp_path, before, "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign", "subjectKeyIdentifier=hash")
    program.write_text(newer)
    stack.up()
    after = stack.outputs()["certificateRequest"]
    (tmp_path / "before.csr").write_text(before)
    (tmp_path / "after.csr").write_text(after)
    keys = [openssl(tmp_path, "req", "-in", f"{when}.csr", "-noout", "-pubkey") for when in ("before", "after")]
    assert (keys[0] == keys[1], before == after) == (True, False)
    assert "certRequest:CertRequest" not in stack.engine_says("stack", "export")
    stack.configure(**_FEW, caChain=answer)
    stack.up()
    assert stack.outputs()["trust"][0]["proof"] == "possession"
