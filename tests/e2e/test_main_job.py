"""The main job, end to end: from an empty subscription to a hub that trusts a CA because its proof was verified."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.e2e.leaks import keys_in, leaks
from tests.kit.authorities import parsed
from tests.kit.program import Program, pem_of
from tests.kit.repository import ROOT
from tests.kit.root_authority import RootAuthority


def test_up_twice_then_destroy(committed: Program) -> None:
    """The first up ends verified by possession, and with a device that enrolled; a second changes nothing; destroy leaves nothing.

    Keys are in the state as ciphertext only: not in other files, in output, or in any process's arguments.
    """
    stack = committed
    arguments = set[bytes]()
    with _watched(str(stack.folder), arguments):
        stack.up()
    assert stack.printed.count("verified by possession") == 2, "on the hub, and at the provisioning service"
    assert "device press-101 had no entry, enrolled and connected now, chain: press-101 < hubtrust sandbox issuing CA" in stack.printed
    assert "Azure was not changed" not in stack.printed
    outputs = stack.outputs()
    trusted = outputs["trust"][0]
    assert (trusted["verified"], trusted["state"], trusted["proof"]) == (True, "verified", "possession")
    _no_private_key_leaves_its_secret(stack, arguments)
    with stack.azure() as azure:
        hub = stack.hub(azure)
        asked = azure.ask("GET", hub.id).json()["properties"]
        assert (asked["hostName"], asked["minTlsVersion"], asked["disableLocalAuth"]) == (outputs["hubHostName"], "1.2", False)
        assert (asked["disableDeviceSAS"], asked["disableModuleSAS"]) == (True, True), "the provisioning service alone has a key"
        found = hub.certificates()[trusted["name"]]
        assert (found["properties"]["isVerified"], found["properties"]["thumbprint"]) == (True, trusted["thumbprint"])
        certificate = x509.load_pem_x509_certificate(pem_of(found).encode())
        assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0

        stack.control("DELETE", "/requests")
        stack.up()
        assert stack.control("GET", "/requests?mutating=1") == []
        assert "Azure was not changed: everything is as declared" in stack.printed
        assert stack.outputs() == outputs

        assert stack.run("destroy") == 0, stack.printed
        groups = f"/subscriptions/{stack.ready['subscription_id']}/resourceGroups"
        assert azure.ask("GET", groups).json()["value"] == []
    settings = "stacks/Pulumi.sandbox.yaml"
    assert (stack.folder / settings).read_bytes() == (ROOT / settings).read_bytes(), "a run changes no file under version control"


def test_an_imported_ca_is_proven_with_its_key(stack: Program) -> None:
    """A chain and an encrypted key from openssl, given as files, are checked, registered and proven; the key leaks nowhere.

    Then as Windows and Key Vault export a CA, in one PKCS #12 file that both settings name; a second run changes nothing.
    """
    folder = stack.folder
    _openssl(folder, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.key")
    constraints = ("-addext", "basicConstraints=critical,CA:TRUE,pathlen:0", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(folder, "req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=Bought CA", "-days", "365", "-out", "ca.pem", *constraints)
    _openssl(folder, "pkcs8", "-topk8", "-in", "ca.key", "-out", "locked.key", "-passout", "pass:correct horse")
    keys = keys_in((folder / "ca.key").read_text()) | keys_in((folder / "locked.key").read_text())
    (folder / "ca.key").unlink()
    assert stack.run("preview") == 0, "the stack was not created"
    stack.configure(caSource="import", caChainFile="ca.pem", caKeyFile="locked.key")
    stack.configure_secret("caKeyPassphrase", "correct horse")
    stack.up()
    trusted = stack.outputs()["trust"][0]
    assert (trusted["subject"], trusted["proof"]) == ("CN=Bought CA", "possession")
    assert leaks(stack, keys, printed=stack.printed + stack.engine_says("stack", "export"), given=[folder / "locked.key"]) == []

    assert stack.run("destroy") == 0, stack.printed
    ca, secret = RootAuthority(), serialization.BestAvailableEncryption(b"correct horse")
    file = pkcs12.serialize_key_and_certificates(b"ca", ca.key, parsed(ca.certificate), None, secret)
    (folder / "ca.pfx").write_bytes(file)
    stack.configure(caSource="import", caChainFile="ca.pfx", caKeyFile="ca.pfx")
    stack.configure_secret("caKeyPassphrase", "correct horse")
    stack.up()
    trusted = stack.outputs()["trust"][0]
    assert (trusted["subject"], trusted["proof"]) == ("CN=Plant A", "possession")
    assert leaks(stack, keys_in(ca.private_pem), printed=stack.printed + stack.engine_says("stack", "export"), given=[]) == []
    stack.up("--", "--expect-no-changes")


def test_bad_input_is_one_line_and_the_next_up_finishes(stack: Program) -> None:
    """Three wrong settings in one run; no certificate, a wrong key, a missing file, a taken hub name: each is reported without a traceback.

    A corrected `up` succeeds.
    """
    stack.configure(sku="S9", units=900, hubName="-")
    assert stack.run("up") != 0
    for key in ("hubtrust:sku", "hubtrust:units", "hubtrust:hubName"):
        assert key in stack.printed
    assert "Traceback" not in stack.printed
    folder, ca = stack.folder, RootAuthority()
    (folder / "ca.pem").write_text(ca.pem)
    (folder / "other.key").write_text(RootAuthority().private_pem)
    (folder / "ca.key").write_text(ca.private_pem)
    for wrong, message in (
        ({"caChainFile": "Pulumi.yaml"}, r"caChainFile 'Pulumi.yaml': it contains no certificate, key or request; give PEM"),
        (
            {"caChainFile": "ca.pem", "caKeyFile": "other.key"},
            r"it belongs to none of 'CN=Plant A' \([0-9A-F]{8}\); give the key of one of them",
        ),
        ({"caChainFile": "ca.pem", "caKeyFile": "absent.key"}, r"caKeyFile 'absent.key': it can't be read: No such file"),
    ):
        stack.configure(caSource="import", **wrong)
        assert stack.run("up") != 0
        assert re.search(message, stack.printed), stack.printed
        assert "Traceback" not in stack.printed
        assert "__main__.py" not in stack.printed, "the error shows the program's source"
    with stack.azure() as azure:
        other = azure.hub()
        name = other.id.rpartition("/")[2]
        stack.configure(caSource="import", caChainFile="ca.pem", caKeyFile="ca.key", hubName=name)
        assert stack.run("up") != 0
        assert f"IotHub name '{name}' is not available" in stack.printed
        assert other.certificates() == {}
        stack.configure(caSource="import", caChainFile="ca.pem", caKeyFile="ca.key")
        stack.up()
        assert list(stack.hub(azure).verified().values()) == [True]


def test_another_cloud_whose_faults_pass(stack: Program) -> None:
    """One setting of azure-native selects the cloud of the hub and of its certificates.

    The service is busy twice, then a connection is dropped after the effect: one up still ends verified.
    """
    stack.configure(**{"azure-native:environment": "usgovernment"})
    assert stack.sandbox("preview", "--engine", stack.engine) == 0, stack.printed
    _fault(stack, "503:path=*/generateVerificationCode:times=2")
    _fault(stack, "drop:path=*/verify:nth=1:when=after")
    stack.up()
    found = stack.outputs()
    assert found["hubHostName"].endswith(".azure-devices.us")
    assert found["trust"][0]["proof"] == "possession"
    certificate_calls = [call for call in stack.control("GET", "/requests") if "/certificates/" in call["path"]]
    assert {call["host"] for call in certificate_calls} == {"management.usgovcloudapi.net"}
    assert [call["status"] for call in certificate_calls if call["path"].endswith("/generateVerificationCode")] == [503, 503, 200]


def _no_private_key_leaves_its_secret(stack: Program, arguments: set[bytes]) -> None:
    printed = stack.printed + stack.engine_says("stack", "export") + stack.engine_says("stack", "output", "--json")
    keys = keys_in(stack.engine_says("stack", "export", "--show-secrets"))
    assert len(keys) >= 10, "the state must have the root's and the issuing key, each in several forms"
    assert len(arguments) >= 2, "the processes of the run were not seen"
    assert leaks(stack, keys, printed=printed, arguments=arguments) == []


def _fault(stack: Program, spec: str) -> None:
    stack.control("POST", "/faults", {"spec": spec})


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@contextmanager
def _watched(mark: str, seen: set[bytes]) -> Iterator[None]:
    """Collect the command lines of all processes with ``mark`` in their environment, until the block ends."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if mark.encode() in (process / "environ").read_bytes():
                        seen.add((process / "cmdline").read_bytes())
                except OSError:  # it ended meanwhile, or is another user's
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
