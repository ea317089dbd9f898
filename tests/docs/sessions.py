"""How each page with commands is run: `page_session.py` says what a row is.

Every block of `sh`, `bash` or `console` is in one session, which tests/docs/test_fences.py holds.
"""

import re
import shlex
from pathlib import Path

from local_azure_iot.start_command import FREE_PORTS
from tests.docs.page_session import Session
from tests.kit.authorities import hierarchy, pem_of
from tests.kit.evidence_logs import short_log
from tests.kit.key_stores import OFFICER, vault
from tests.kit.local_azure import Hub, LocalAzure
from tests.kit.root_authority import RootAuthority

_LOGIN = 'az login --service-principal --username "$AZURE_CLIENT_ID" --password "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"'
_START = shlex.join(["local-azure-iot", "start", "--detach", *FREE_PORTS])  # another test may have the usual ports
_METADATA = "https://management.azure.com/metadata/endpoints?api-version=2022-09-01"
_DEVICE = f"""cat > device.js << 'END'
require("https").get("{_METADATA}", {{agent: new (require("https").Agent)()}}, answer => {{
    console.log("connected to Azure's own name:", answer.statusCode);
    answer.resume();
}});
END
"""
_A_CA = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Plant"
    " -addext keyUsage=critical,keyCertSign,cRLSign\n"
)
_A_STACK = "pulumi stack init dev\npulumi config set azure-native:location westeurope\npulumi config set protect false\n"
_PRINTED = "pulumi up --stack trial --policy-pack policies --policy-pack-config policies/trial.json"
_PROD = "pulumi stack init prod\npulumi config rm caVault\npulumi config set caCustody state\npulumi up\npulumi stack export > state.json\n"
_A_FLEET_THAT_ENROLS = """pulumi config set --path 'operators[0]' deployer
pulumi config set provisioning true
pulumi config set --path 'enrollmentGroups[0]' presses
pulumi config set --path 'dpsOperators[0]' deployer
pulumi config set caCustody key-vault
pulumi config set caVault make
printf '%s\\n' id,status,reason press-006,, press-007,, press-008,, > fleet.csv
pulumi config set devicesFile fleet.csv
pulumi up
sed -i 's/^press-007,,$/press-007,disabled,key leaked/' fleet.csv
"""


def _vault_of_somebody_else(azure: LocalAzure, _folder: Path) -> None:
    vault(azure, "plant")
    azure.grant(OFFICER)


def _portal_hub(azure: LocalAzure, folder: Path) -> None:
    """A hub that somebody made in the portal, whose CA is marked as verified, and the CA's files."""
    authority = RootAuthority()
    (folder / "ca.pem").write_text(authority.pem)
    (folder / "ca.key").write_text(authority.private_pem)
    group = f"/subscriptions/{azure.ready['subscription_id']}/resourcegroups/portal"
    azure.ask("PUT", group, json={"location": "westeurope"})
    hub = Hub(azure, f"{group.replace('resourcegroups', 'resourceGroups')}/providers/Microsoft.Devices/IotHubs/contoso-hub")
    azure.ask("PUT", hub.id, json={"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {}})
    azure.until(lambda: azure.ask("GET", hub.id).json()["properties"].get("state") == "Active")
    hub.put("portal-ca", authority.pem, isVerified=True)


def _log(_azure: LocalAzure, folder: Path) -> None:
    """The log of a stack, and the certificate of its CA."""
    authority = hierarchy(depth=0).issuing
    (folder / "evidence.jsonl").write_text(short_log(authority).text + "\n")
    (folder / "ca.pem").write_text(pem_of(authority.certificate))


_TOKEN = """export SOFTHSM2_CONF=$HOME/softhsm2.conf
echo 87654321 > pin.txt
mkdir -p "$HOME/tokens" && echo "directories.tokendir = $HOME/tokens" > "$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label plant --so-pin 12345678 --pin 87654321 > /dev/null
for key in root issuing; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$HOME/$key.p8"
    softhsm2-util --import "$HOME/$key.p8" --token plant --label $key --id "$(printf %s $key | od -An -tx1 | tr -d ' \\n')" --pin 87654321
done
"""

SESSIONS = [
    Session(
        "README.md",
        ("Try it on your machine",),
        on_azure=False,
        instead={"make test": "make --dry-run test"},  # what runs this test
        shows=("verified by possession", "device press-101 had no entry, enrolled and connected now", "report.html"),
    ),
    Session(
        "README.md",
        ("On real Azure",),
        has_environment=False,
        instead={"pulumi login": ":"},  # it needs Pulumi's CLI; here a variable says where the state is
        shows=('"proof": "possession"',),
    ),
    Session(
        "sandbox/local-azure-iot/README.md",
        ("A test of a device",),
        on_azure=False,
        has_environment=False,
        before="python3 -m venv .venv && . .venv/bin/activate",
        shows=("Successfully installed local-azure-iot",),
    ),
    Session(
        "sandbox/local-azure-iot/README.md",
        ("Any program",),
        on_azure=False,
        before="export LOCAL_AZURE_HOME=$HOME/azure",
        instead={
            # tests/local_azure/test_terraform.py runs Terraform, with its provider
            "local-azure-iot run -- terraform apply": f"local-azure-iot run -- curl -sS '{_METADATA}'",
            "local-azure-iot start --detach": _START,
        },
        refused=("local-azure-iot why press-001",),
        shows=("authentication", "press-001 on no hub"),
    ),
    Session(
        "docs/clients.md",
        ("Device clients that know no proxy",),
        on_azure=False,
        before=f"export LOCAL_AZURE_HOME=$HOME/azure\n{_DEVICE}",
        instead={"local-azure-iot start --names --detach": f"{_START} --names --port 443 --mqtt-port 8883"},
        needs=("node",),
        shows=("connected to Azure's own name", "connected to Azure's own name"),
    ),
    Session(
        "docs/local-azure.md",
        ("Why was a device refused?",),
        on_azure=False,
        before=f"export LOCAL_AZURE_HOME=$HOME/azure\n{_START}\n",
        refused=("local-azure-iot why press-001",),
        shows=("press-001 on no hub", "BROKEN  attempt"),
    ),
    Session(
        "docs/control-port.md",
        on_azure=False,
        before=f"export LOCAL_AZURE_HOME=$HOME/azure\n{_START}\n",
        shows=(
            '"status": "ready"',
            '"operation_seconds":0.0',
            "contoso-hub",
            '{"added":2}',
            "client_secret",
            "no hub here knows this device",
        ),
    ),
    Session(
        "docs/adopting.md",
        prepare=_portal_hub,
        before=_LOGIN,
        needs=("az",),
        shows=("portal-ca", '"proof":"key-held"'),
    ),
    Session("docs/compositions.md", has_environment=False, shows=("created",)),
    Session(
        "docs/custody.md",
        ("A vault of the stack's own",),
        on_azure=False,
        shows=('"proof":"possession"', "\n0\n", "= 2 imported", r"vault '[\w-]+' is not deleted, with its keys and its resource group"),
    ),
    Session(
        "docs/custody.md",
        ("offline",),
        before=_A_STACK + _A_CA,
        shows=("waiting for proof", r'proof +: <null> => "possession"'),
    ),
    Session(
        "docs/custody.md",
        ("key-vault, with keys or a vault of somebody else",),
        prepare=_vault_of_somebody_else,
        before=_A_STACK,
    ),
    Session("docs/custody.md", ("pkcs11",), before=_A_STACK + _TOKEN, needs=("softhsm2-util",), shows=("possession",)),
    Session("docs/engine.md", on_azure=False, shows=("Hello, hello",)),
    Session(
        "docs/environments.md",
        before="pulumi stack init prod\npulumi up --stack prod\n",
        after=_PRINTED,
        shows=(re.escape(_PRINTED), r"\+ \d+ created"),
    ),
    Session(
        "docs/from-terraform.md",
        prepare=_portal_hub,
        before=_LOGIN,
        needs=("az",),
        shows=("portal-ca", '"proof":"key-held"', 'proof +: "key-held" => "possession"', "1 imported"),
    ),
    Session(
        "docs/first-hub.md",
        instead={
            "az login": _LOGIN,
            "python3 -m venv .venv": "ln -s ../.venv .venv",
            ".venv/bin/pip install git+https://github.com/hubtrust/hubtrust": ":",
        },
        needs=("az",),
        shows=(r"18 to create", r"18 created", '"proof":"possession"', "\n204\n", "18 deleted"),
    ),
    Session(
        "docs/first-proof.md",
        on_azure=False,
        needs=("az",),
        shows=("\ntrue\n", "it has no key usage extension", '"proof":"key-held"'),
    ),
    Session(
        "docs/key-leaked.md",
        before=_A_STACK + _A_FLEET_THAT_ENROLS + _LOGIN,
        needs=("az",),
        shows=("- 6 deleted", "hubtrust-g2-issuing", "press-007 .* disabled"),
    ),
    Session(
        "docs/policies.md",
        before="pulumi stack init prod\n",
        refused=(".venv/bin/python -m sandbox preview -- --policy-pack policies --policy-pack-config policies/staging.json",),
        shows=(r"\[mandatory\]  shared-keys-off", "preview failed"),
    ),
    Session("docs/report.md", before="pulumi stack init prod\n", shows=("report.html", "report.json", "report.html")),
    Session("docs/evidence.md", ("Check it with one command",), prepare=_log, shows=("Confirmed: the log",)),
    Session("docs/status.md", before=_PROD, shows=("possession",)),
    Session("docs/provisioning.md", before=_A_STACK, shows=("idScope",)),
    Session(
        "docs/rotation.md",
        before=f"{_A_STACK}pulumi config set --path 'operators[0]' deployer\npulumi config set devices 'press-{{001..003}}'\npulumi up\n",
        shows=("possession", "possession", r"- \[1\]", "unchanged"),
    ),
]
