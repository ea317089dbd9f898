"""Authorities as people have them: proven, trusted, and a device below them connects, although their makers left something out."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hubtrust.dynamic.connection_check import ConnectionCheckProvider
from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from hubtrust.pki.chain import load_chain
from hubtrust.pki.keys import public_pem
from tests.kit.authorities import ABSENT, Forged, ec_key, pem_of, private_pem, rsa_key
from tests.kit.device_registry import DeviceRegistry
from tests.kit.openssl_keys import openssl
from tests.kit.provider_process import ProviderProcess

NOW, DAY = datetime.now(UTC).replace(microsecond=0), timedelta(days=1)
DATES: dict[str, Any] = {"start": NOW - 9 * DAY, "end": NOW + 900 * DAY}
_EC = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "90", "-subj", "/CN=Plant"]
Made = tuple[str, str]  # the chain and the key, PEM


def by_openssl(folder: Path, *options: str) -> Made:
    openssl(folder, "req", "-x509", *_EC, *options, "-keyout", "ca.key", "-out", "ca.pem")
    return (folder / "ca.pem").read_text(), (folder / "ca.key").read_text()


def without_extensions(folder: Path) -> Made:
    (folder / "plain.cnf").write_text("[req]\ndistinguished_name=name\n[name]\n")
    return by_openssl(folder, "-config", "plain.cnf")


def forged(**changes: Any) -> Made:
    one = Forged(subject="Plant", **DATES | changes)
    above = [one.issuer.certificate] if one.issuer else []
    return pem_of(one.certificate, *above), private_pem(one.key)


def of_sha_1(folder: Path, *options: str) -> Made:
    """An issuing CA below a root of long ago."""
    openssl(folder, "req", "-x509", "-sha1", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=Old", "-keyout", "old.key", "-out", "old.pem")
    openssl(folder, "req", "-new", *_EC[:5], "-subj", "/CN=Plant", "-keyout", "ca.key", "-out", "ca.csr")
    (folder / "ca.cnf").write_text("basicConstraints=critical,CA:TRUE,pathlen:0\n")
    signing = ["-CA", "old.pem", "-CAkey", "old.key", "-set_serial", "7", "-extfile", "ca.cnf", "-days", "20", *options]
    openssl(folder, "x509", "-req", "-in", "ca.csr", *signing, "-out", "ca.pem")
    return (folder / "old.pem").read_text() + (folder / "ca.pem").read_text(), (folder / "ca.key").read_text()


MAKERS: dict[str, Callable[[Path], Made]] = {
    "openssl req -x509": by_openssl,
    "version 1": without_extensions,
    "constraints not critical": lambda _: forged(critical_constraints=False, usage=ABSENT),
    "no key identifiers": lambda _: forged(ski=ABSENT, aki=ABSENT, issuer=Forged(subject="Root", ski=ABSENT, **DATES)),
    "SHA-1 above": of_sha_1,
    "SHA-1 on the trusted certificate itself": lambda folder: of_sha_1(folder, "-sha1"),
    "expired above": lambda _: forged(issuer=Forged(subject="Root", start=NOW - 9 * DAY, end=NOW - DAY)),
    "RSA of 1024 bits above": lambda _: forged(issuer=Forged(subject="Root", key=rsa_key(1024), **DATES)),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_a_device_connects_below_it(named_process: ProviderProcess, registry: DeviceRegistry, tmp_path: Path, maker: str) -> None:
    """Each has a notice; its possession is proven to local Azure, a device's certificate is signed, and a canary connects."""
    given, key = MAKERS[maker](tmp_path)
    chain = load_chain(given, what="the CA", now=datetime.now(UTC))
    assert any("devices connect anyway" in notice for notice in chain.notices)
    signer, anchor = {"custody": "state", "privateKey": key}, pem_of(chain.anchor)
    hub = registry.client.hub
    proven = named_process.of(VerifiedCertificateProvider).create(
        {"serviceId": hub.id, "certificate": anchor, "name": "ca", "signer": signer}
    )
    assert (proven.outs["state"], proven.outs["proof"]) == ("verified", "possession")
    issued = named_process.of(IssuedCertificateProvider)
    news = {"profile": "device", "deviceId": "press-001", "publicKey": public_pem(ec_key().public_key()), "signer": signer}
    news |= {"issuerCertificate": chain.pem, "anchor": anchor}
    assert issued.diff(issued.create(news), news).changes is False
    registry.client.put("press-001")
    check = {
        "hubId": hub.id,
        "hostName": registry.client.host,
        "deviceId": "press-001",
        "chain": chain.pem,
        "anchor": anchor,
        "signer": signer,
    }
    trust = [{"name": proven.outs["certificateName"], "thumbprint": proven.outs["thumbprint"], "verified": True}]
    connected = named_process.of(ConnectionCheckProvider).create(check | {"trust": trust, "deadline": 5})
    assert connected.outs["state"] == "connected"
    assert datetime.fromisoformat(connected.outs["validUntil"]) == chain.issuing.not_valid_after_utc
