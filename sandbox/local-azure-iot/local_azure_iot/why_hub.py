"""Why a hub refused a device, link by link: from the name it asked for to the CA that the hub trusts.

Each link is judged by the code that let the device in or refused it, with what the device sent last, and with the hub as it is now.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from OpenSSL import crypto

from local_azure_iot import host_names
from local_azure_iot.hub_registry import device_access, identities, modules
from local_azure_iot.judge import certificate as certificates
from local_azure_iot.judge import connection_check, issuers
from local_azure_iot.judge.der import MalformedError
from local_azure_iot.microsoft_devices import lifecycle, network_rules
from local_azure_iot.mqtt.plane import ENDED
from local_azure_iot.why_links import CERTIFICATE, Link, first_broken

if TYPE_CHECKING:
    from local_azure_iot.judge.certificate import Certificate
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.plane import Attempt, Plane
    from local_azure_iot.store import Document
    from local_azure_iot.tls_transport import Peer


def explained(azure: Azure, plane: Plane, device: str, hub: str = "") -> dict[str, Any]:
    """What is known of a device (or of a module, as `device/module`) on a hub, by its name or host name.

    Without ``hub`` it is the one that the device tried last, or else one that has the device. `answer` is one line; `links` are in the
    order in which they are judged; `broken` is the link that must be mended first; `now`: whether the device would be let in, if that
    can be said (a key's signature is judged when it is sent).
    """
    host = _host(azure, plane, device, hub)
    attempts = [each for each in attempts_at_hubs(plane) if each.device == device and each.host.lower() == host]
    last = next((each for each in reversed(attempts) if not each.reason.startswith(ENDED)), None)
    peer = plane.peers.get((host, device))
    links = [_attempted(plane, host, device, last)]
    now: bool | None = None
    found = _find_hub(azure, host)
    if found is None:
        links.append(Link("hub", holds=False, fact=f"there is no active hub '{host}'" if host else "no hub here knows this device"))
    else:
        links.append(Link("hub", holds=True, fact=f"'{host}' is active"))
        links += _on_hub(azure, *found, device, peer)
        if last is not None and last.own_words:  # they are judged after the network and before the registry
            links.insert(_AFTER_NETWORK, Link("its own words", holds=False, fact=last.reason))
        if peer is not None and all(link.holds for link in links[1:]):
            now = True
        elif any(link.holds is False for link in links[1:]):
            now = False
    broken = first_broken(links[1:])
    return {
        "device": device,
        "hub": host,
        "answer": _answer(last, broken, now=now, ended=attempts[-1] if attempts else None),
        "accepted": last.accepted if last else None,
        "reason": last.reason if last else "",
        "now": now,
        "broken": broken.link if broken else "",
        "links": [asdict(link) for link in links],
    }


def attempts_at_hubs(plane: Plane) -> list[Attempt]:
    """The attempts to connect, without those at provisioning services, which are about something else."""
    return [each for each in plane.attempts if not host_names.is_of_provisioning(each.host)]


def _answer(last: Attempt | None, broken: Link | None, *, now: bool | None, ended: Attempt | None) -> str:
    if last is None:
        return (
            f"it never asked to connect; {broken.link}: {broken.fact}" if broken else "it never asked to connect; nothing here refuses it"
        )
    if last.accepted:
        said = f"it was let in at {last.time}"
        return f"{said}, and then {ended.reason}" if ended is not None and ended is not last else said
    return f"it was refused at {last.time}: {last.reason}{'; it would be let in now' if now else ''}"


_AFTER_NETWORK = 3  # links: the attempt, the hub, the network


def _host(azure: Azure, plane: Plane, device: str, hub: str) -> str:
    if hub:
        return hub.lower() if "." in hub else f"{hub.lower()}.{host_names.PUBLIC.hub_suffix}"
    tried = next((each.host for each in reversed(attempts_at_hubs(plane)) if each.device == device), "")
    if tried:
        return tried.lower()
    if assigned := next((each.hub for each in reversed(azure.registrations.entries) if each.hub and each.device == device), ""):
        return assigned.lower()
    hubs = azure.store.list(lifecycle.HUB.document)
    names = [(each["hostName"], lifecycle.find_by_name(azure, each["cloud"], lifecycle.HUB, each["name"])) for each in hubs]
    having = [host for host, found in names if found and identities.find(azure, found[0], device.partition("/")[0])]
    return str([*having, *(host for host, _ in names), ""][0])


def _find_hub(azure: Azure, host: str) -> tuple[str, Document] | None:
    destination = host_names.destination(host)
    if destination is None or destination.endpoint is not host_names.Endpoint.HUB:
        return None
    found = lifecycle.find_by_name(azure, destination.cloud.name, lifecycle.HUB, destination.name)
    return found if found and lifecycle.state(found[1])[0] != "Activating" else None


def _attempted(plane: Plane, host: str, device: str, last: Attempt | None) -> Link:
    if last is not None:
        return Link(
            "attempt", holds=last.accepted, fact=f"at {last.time} it was {'let in' if last.accepted else f'refused: {last.reason}'}"
        )
    others = [each for each in attempts_at_hubs(plane) if not each.accepted and (not host or each.host.lower() in {host, ""})]
    if others:
        name = f"named itself '{others[-1].device}'" if others[-1].device else "ended before a device was named"
        fact = f"'{device}' gave its name in no attempt; the last that failed here {name}: {others[-1].reason}"
        return Link("attempt", holds=False, fact=fact)
    fact = f"no attempt of '{device}' came here: does it use the proxy or this address, and trust local Azure's CA (GET /ca.pem)?"
    return Link("attempt", holds=False, fact=fact)


def _on_hub(azure: Azure, hub_key: str, hub: Document, device: str, peer: Peer | None) -> list[Link]:
    address = azure.settings.client_address or (peer.address if peer else "127.0.0.1")
    refusal = network_rules.refusal(hub["properties"], address)
    links = [Link("network", holds=not refusal, fact=refusal or f"the hub admits {address}")]
    device_id, _, module_id = device.partition("/")
    found = identities.find(azure, hub_key, device_id)
    if found is None:
        return [*links, Link("registry", holds=False, fact=f"no device '{device_id}' is registered on this hub")]
    if found["status"] != "enabled":
        reason = f": {found['reason']}" if found["reason"] else ""
        return [*links, Link("registry", holds=False, fact=f"device '{device_id}' is disabled{reason}")]
    auth = found["auth"]
    if module_id:
        module = modules.find(azure, hub_key, device_id, module_id)
        if module is None:
            return [*links, Link("registry", holds=False, fact=f"no module '{module_id}' is registered on device '{device_id}'")]
        auth = module["auth"]
    links.append(Link("registry", holds=True, fact=f"'{device}' is registered and enabled, and connects by {auth['type']}"))
    return [*links, *_credentials(azure, hub_key, auth, device, peer)]


def _credentials(azure: Azure, hub_key: str, auth: Document, device: str, peer: Peer | None) -> list[Link]:
    if auth["type"] not in {"selfSigned", "certificateAuthority"}:
        return [Link("signature", holds=None, fact="its shared access signature is judged when it is sent")]
    trusted = _trusted(azure, hub_key) if auth["type"] == "certificateAuthority" else []
    if peer is None:
        return [*trusted, Link(CERTIFICATE, holds=None, fact="no certificate of it is known, because it gave its name in no attempt")]
    now = azure.clock.now()
    if auth["type"] == "selfSigned":
        refusal = connection_check.thumbprint_refusal(peer.chain, auth["thumbprints"], now)
        return [Link(CERTIFICATE, holds=refusal is None, fact=str(refusal or "it has one of the device's two thumbprints"))]
    if not peer.chain:
        return [*trusted, Link(CERTIFICATE, holds=False, fact=str(connection_check.Refusal(connection_check.Reason.NO_CERTIFICATE)))]
    return [*trusted, *_chain(azure, hub_key, peer), *_whole(azure, hub_key, device, peer)]


def _trusted(azure: Azure, hub_key: str) -> list[Link]:
    """The CAs on the hub: one that nobody proved is the most frequent cause."""
    found = azure.store.list(lifecycle.CERTIFICATE, f"{hub_key}/")
    verified = [each for each in found if each["verified"]]
    waiting = [f"'{each['subject']}' ({each['name']}) waits for proof of possession" for each in found if not each["verified"]]
    trusted = [f"'{each['subject']}' ({each['name']}) is verified" for each in verified]
    return [Link("trusted CAs", holds=bool(verified), fact="; ".join([*trusted, *waiting]) or "no certificate is registered on this hub")]


def _chain(azure: Azure, hub_key: str, peer: Peer) -> list[Link]:
    """Each certificate from the device's own up to the one that the hub trusts, or to where the path ends; each with its own path."""
    anchors = device_access.anchors(azure, hub_key)
    links: list[Link] = []
    sent = [crypto.dump_certificate(crypto.FILETYPE_ASN1, each) for each in peer.chain]
    position: int | None = 0
    while position is not None and len(links) < len(sent):
        others = [each for index, each in enumerate(peer.chain) if index != position]
        name = f"{CERTIFICATE} {position + 1} of {len(sent)}"
        refusal = connection_check.path_refusal([peer.chain[position], *others], anchors, azure.clock.now(), strict=azure.settings.strict)
        try:
            own = certificates.read_sent(peer.chain[position])
        except certificates.UnreadableError as error:
            return [*links, Link(name, holds=False, fact=f"it can't be read: {error}")]
        links.append(Link(name, holds=refusal is None, fact=f"{_described(own)}{f': {refusal}' if refusal else ''}"))
        position = None if own.encoded in anchors or _issued_by_one_of(own, anchors) else _issuer(own, sent)
    return links


def _whole(azure: Azure, hub_key: str, device: str, peer: Peer) -> list[Link]:
    """What is asked of the device's own certificate beside its path: its name and what its key is for."""
    refusal = connection_check.chain_refusal(
        peer.chain, device_access.anchors(azure, hub_key), device, azure.clock.now(), strict=azure.settings.strict
    )
    of_the_path = connection_check.path_refusal(
        peer.chain, device_access.anchors(azure, hub_key), azure.clock.now(), strict=azure.settings.strict
    )
    if of_the_path:
        return []
    return [Link("the device's own", holds=refusal is None, fact=str(refusal or f"its common name is '{device}', and its key may connect"))]


def _described(own: Certificate) -> str:
    dates = " to ".join(f"{each:%Y-%m-%dT%H:%M:%SZ}" if each else "an unreadable date" for each in (own.not_before, own.not_after))
    return f"'{own.subject}', issued by '{own.issuer}', valid from {dates}"


def _issued_by_one_of(own: Certificate, anchors: tuple[bytes, ...]) -> bool:
    return any(_is_named(own, anchor) for anchor in anchors)


def _issuer(own: Certificate, sent: list[bytes]) -> int | None:
    return next((index for index, each in enumerate(sent) if _is_named(own, each)), None)


def _is_named(below: Certificate, encoded: bytes) -> bool:
    try:
        return issuers.is_named_by(below, certificates.read(encoded))
    except (certificates.UnreadableError, MalformedError):
        return False
