"""The environment variables that lead unmodified clients of Azure to a local Azure: the proxy, the roots they trust, and a login.

docs/clients.md has what each client needs beside them, and tests/strangers tries every line of it.
"""

from __future__ import annotations

import ctypes.util
import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local_azure_iot.tls_identity import JAVA_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIRECT = "localhost,127.0.0.0/8,127.0.0.1,::1"  # .NET and Java know no networks; they bypass a proxy for loopback on their own


def environment(ready: dict[str, Any], own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables for the clients of the local Azure with this ready file, added to a shell's ``own`` ones (default: this process's).

    The proxy is set in both spellings, because curl reads the lower-case one. Loopback addresses bypass it.
    """
    own = os.environ if own is None else own
    return {**_proxies(ready), **_roots(ready), **_java(ready, own), **_az(ready, own), **_login(ready), **_names(ready)}


FORMATS = ("shell", "docker", "json")


def formatted(variables: Mapping[str, str], form: str) -> str:
    """The variables as lines for a shell, as `docker run --env-file` reads them, or as JSON: one of `FORMATS`."""
    if form == "json":
        return json.dumps(variables, indent=2) + "\n"
    if form == "docker":
        return "".join(f"{name}={value}\n" for name, value in variables.items())
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def preload(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variable with which a client that knows no proxy reads the hosts file of `start --names`, beside a shell's ``own`` preloads.

    Raises:
        FileNotFoundError: libnss_wrapper is not installed; the message says how it is.
    """
    library = ctypes.util.find_library("nss_wrapper")
    if library is None:
        raise FileNotFoundError("libnss_wrapper is not installed, with which a client finds the names; `apt-get install libnss-wrapper`")
    before = (os.environ if own is None else own).get("LD_PRELOAD", "")
    return {"LD_PRELOAD": " ".join([library, *(each for each in before.split() if each != library)])}  # ld.so(8)


def _proxies(ready: dict[str, Any]) -> dict[str, str]:
    proxy = ready["proxy"]
    return {
        "HTTPS_PROXY": proxy,
        "https_proxy": proxy,
        "NO_PROXY": _DIRECT,
        "no_proxy": _DIRECT,
        "NODE_USE_ENV_PROXY": "1",  # Node 22.21 and 24 take HTTPS_PROXY themselves (nodejs.org/api/cli.html#node_use_env_proxy1)
        "GLOBAL_AGENT_HTTPS_PROXY": proxy,  # what the package global-agent reads, for older ones
    }


def _roots(ready: dict[str, Any]) -> dict[str, str]:
    """OpenSSL, and with it Python, Ruby, Rust and .NET on Linux, and Go take SSL_CERT_FILE; requests, curl and Node have their own."""
    bundle = ready["bundle_file"]
    return {
        "SSL_CERT_FILE": bundle,
        "REQUESTS_CA_BUNDLE": bundle,
        "CURL_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": ready["ca_file"],
    }


def _java(ready: dict[str, Any], own: Mapping[str, str]) -> dict[str, str]:
    """Java takes neither proxy nor roots from the environment, except as options in JAVA_TOOL_OPTIONS, of which the shell's own are kept.

    docs.oracle.com/javase/8/docs/technotes/guides/troubleshoot/envvars002.html; networking properties: java.net's package documentation.
    """
    proxy = urlsplit(ready["proxy"])
    properties = {
        "https.proxyHost": proxy.hostname,
        "https.proxyPort": proxy.port,
        "http.nonProxyHosts": "localhost|127.*|[::1]",
        "javax.net.ssl.trustStore": ready["java_file"],
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": JAVA_PASSWORD,
    }
    prefixes = tuple(f"-D{name}=" for name in properties)
    try:
        words = shlex.split(own.get("JAVA_TOOL_OPTIONS", ""))
    except ValueError:  # a quote that is not closed: no Java starts with it
        words = []
    kept = [word for word in words if not word.startswith(prefixes)]
    return {"JAVA_TOOL_OPTIONS": " ".join(map(_quoted, [*kept, *(f"-D{name}={value}" for name, value in properties.items())]))}


def _quoted(option: str) -> str:
    """As Java reads a list of options: spaces are within quotes; a vertical bar is nothing special."""
    if not any(character.isspace() for character in option):
        return option
    return f"'{option}'" if '"' in option else f'"{option}"'


def _az(ready: dict[str, Any], own: Mapping[str, str]) -> dict[str, str]:
    """The az CLI keeps its logins here in a folder of local Azure's, so that `az login` leaves the user's own alone; extensions stay.

    learn.microsoft.com/cli/azure/azure-cli-configuration: AZURE_CONFIG_DIR, and AZURE_EXTENSION_DIR, which is in it by default.
    """
    before = own.get("AZURE_CONFIG_DIR")
    if before in {None, ready["az_folder"]}:
        before = str(Path(own.get("HOME") or Path.home()) / ".azure")
    return {
        "AZURE_CONFIG_DIR": ready["az_folder"],
        "AZURE_EXTENSION_DIR": own.get("AZURE_EXTENSION_DIR") or f"{before}/cliextensions",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
    }


def _login(ready: dict[str, Any]) -> dict[str, str]:
    names = {"TENANT_ID": "tenant_id", "CLIENT_ID": "client_id", "CLIENT_SECRET": "client_secret", "SUBSCRIPTION_ID": "subscription_id"}
    return {f"{prefix}_{name}": ready[member] for name, member in names.items() for prefix in ("AZURE", "ARM")}


def _names(ready: dict[str, Any]) -> dict[str, str]:
    """Where libnss_wrapper finds the names, for clients that know no proxy; LD_PRELOAD is left to the one command that needs it."""
    return {"NSS_WRAPPER_HOSTS": ready["hosts_file"]} if ready.get("hosts_file") else {}
