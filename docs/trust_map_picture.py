"""Write docs/pictures/trust-map.svg, the trust map of an example stack: `python -m docs.trust_map_picture --date 2026-11-30`.

The drawing is the one of `hubtrust report`, with its styles inside. Its dates count from the given day, so that the same day gives the
same file.
"""

import argparse
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hubtrust.report.drawing_file import drawing_file

PICTURE = Path(__file__).parent / "pictures" / "trust-map.svg"
_GROUP = "/subscriptions/…/resourceGroups/press/providers/Microsoft.Devices"


def _identity(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest().upper()


def _authority(name: str, kind: str, issuer: str | None, today: datetime, days: tuple[int, int], **more: Any) -> dict[str, Any]:
    start, end = today - timedelta(days=days[0]), today + timedelta(days=days[1])
    return {
        "id": _identity(name),
        "subject": f"CN={name},O=Contoso",
        "issuer": _identity(issuer) if issuer else None,
        "kind": kind,
        "generation": 1,
        "authority": "press",
        "notBefore": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "notAfter": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "daysLeft": days[1],
        "renewAt": f"{end - timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}" if kind != "root" else None,
        "keyCustody": "key-vault",
        "keyAlgorithm": "EC P-256",
        "sha256": _identity(name),
        "thumbprint": _identity(name)[:40],
        **more,
    }


def _trust(name: str, proof: str | None, when: datetime, record: int | None = None, state: str = "verified") -> dict[str, Any]:
    proven = f"{when:%Y-%m-%dT%H:%M:%SZ}" if proof == "possession" else None
    short = name.lower().replace(" ", "-")
    return {
        "certificate": _identity(name), "certificateName": f"{short}-{_identity(name)[:8]}", "state": state, "proof": proof,
        "provenAt": proven, "etag": "AAAAAAFKk2Q=", "record": record,
    }  # fmt: skip


def _service(name: str, kind: str, trusts: list[dict[str, Any]], devices: dict[str, Any], enrollments: list[Any]) -> dict[str, Any]:
    host = f"{name}.azure-devices.net" if kind == "hub" else f"{name}.azure-devices-provisioning.net"
    where = f"{_GROUP}/{'IotHubs' if kind == 'hub' else 'provisioningServices'}/{name}"
    return {"id": where, "name": name, "kind": kind, "host": host, "trusts": trusts, "devices": devices, "enrollments": enrollments}


def example(today: datetime) -> dict[str, Any]:
    """The document of an example stack, as an inventory writes it: two plants, a rotation under way, and a hub with one old CA."""
    old, new = today - timedelta(days=640), today - timedelta(days=21)
    first, second, bought = "Press Issuing CA", "Press Issuing CA 2", "Plant 7 CA"
    services = [
        _service(
            "press-emea", "hub", [_trust(first, "possession", old, 0), _trust(second, "possession", new, 3)],
            {"count": 12400, "enabled": 12188, "disabled": 212, "byCertificate": {"certificateAuthority": 12397, "selfSigned": 3}}, [],
        ),
        _service(
            "press-apac", "hub", [_trust(first, "possession", old, 1), _trust(second, "possession", new, 4), _trust(bought, "found", old)],
            {"count": 3100, "enabled": 3100, "disabled": 0, "byCertificate": {"certificateAuthority": 3100}}, [],
        ),
        _service(
            "press-enroll", "dps", [_trust(second, "possession", new, 5)], {"count": 0, "enabled": 0, "disabled": 0, "byCertificate": {}},
            [
                {"id": "presses", "kind": "group", "status": "enabled", "authorities": [_identity(second)], "count": 1},
                {"id": "trial-press", "kind": "individual", "status": "disabled", "authorities": [_identity(second)], "count": 1},
            ],
        ),
    ]  # fmt: skip
    soon = today + timedelta(days=58)
    return {
        "version": 1,
        "stack": "contoso/press/prod",
        "at": f"{today:%Y-%m-%dT%H:%M:%SZ}",
        "unseen": [],
        "authorities": [
            _authority("Press Root CA", "root", None, today, (655, 2995)),
            _authority(first, "issuing", "Press Root CA", today, (640, 148), generation=1),
            _authority(second, "issuing", "Press Root CA", today, (21, 1804), generation=2),
            _authority(bought, "issuing", None, today, (1100, 725), keyCustody="offline", keyAlgorithm="RSA 3072", renewAt=None),
        ],
        "services": services,
        "deviceCertificates": {
            "count": 15500,
            "earliestEnd": f"{today + timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}",
            "endsBy": [{"date": f"{today + timedelta(days=30 * n + 9):%Y-%m-%d}", "count": 900 + 170 * (n * 5 % 7)} for n in range(12)],
            "named": [
                {
                    "deviceId": f"press-{n:05}",
                    "notAfter": f"{today + timedelta(days=9 + n // 3):%Y-%m-%dT%H:%M:%SZ}",
                    "daysLeft": 9 + n // 3,
                    "renewAt": None,
                    "issuer": _identity(first),
                }
                for n in range(24)
            ],
        },
        "evidence": {"size": 6, "rootHash": hashlib.sha256(b"example").hexdigest(), "verdict": "confirmed"},
        "due": [
            {
                "date": f"{soon:%Y-%m-%d}",
                "daysLeft": 58,
                "what": f"{first}: renewal window begins",
                "action": "run `pulumi up` after this day",
            },
            {
                "date": f"{today + timedelta(days=9):%Y-%m-%d}",
                "daysLeft": 9,
                "what": "1,070 device certificates end within 30 days",
                "action": "issue them under generation 2",
            },
        ],
        "findings": [
            {
                "policy": "certificate-expiry",
                "level": "advisory",
                "message": "24 device certificates end within 14 days and have no renewal window",
                "resource": "urn:pulumi:prod::press::hubtrust:index:IssuedBatch::presses",
            },
            {
                "policy": "proof-required",
                "level": "mandatory",
                "message": f"'{bought}' is trusted by press-apac without a proof of possession: set reprove to its etag",
                "resource": "urn:pulumi:prod::press::hubtrust:index:VerifiedCertificate::plant-7",
            },
        ],
    }


def picture(today: datetime) -> str:
    """The text of the file."""
    return drawing_file(example(today))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--date", required=True, type=lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC), help="today in the picture"
    )
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(parser.parse_args().date), encoding="utf-8")
    print(f"{PICTURE.name} written")
