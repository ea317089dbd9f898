"""Who may connect to provisioning services: what a CONNECT must have before a device can ask to be registered.

https://learn.microsoft.com/azure/iot-dps/iot-dps-mqtt-support. Whether a certificate or key is trusted is decided with the registration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_azure_iot.host_names import Endpoint
from local_azure_iot.mqtt import user_names
from local_azure_iot.mqtt.conversation import UNAVAILABLE, RefusedError
from local_azure_iot.provisioning import registrants
from local_azure_iot.provisioning.registrants import Registrant

if TYPE_CHECKING:
    from datetime import date

    from local_azure_iot.host_names import Destination
    from local_azure_iot.local_azure import Azure
    from local_azure_iot.mqtt.packets import Connect
    from local_azure_iot.tls_transport import Peer

_IDS = 2  # after the scope: the word `registrations` and the registration id


def admit(azure: Azure, connect: Connect, peer: Peer, destination: Destination) -> Registrant:
    """Decide on a CONNECT at a provisioning service's own host name, or at the one that all of a cloud's devices use.

    An id scope that is not known gets return code 3, as if the service were down: github.com/Azure/azure-iot-sdk-python/issues/670.

    Raises:
        RefusedError: The device may not connect.
    """
    scope, registration_id = _names(connect, azure.clock.now().date())
    name = destination.name if destination.endpoint is Endpoint.PROVISIONING else ""
    found = registrants.find_service(azure, destination.cloud.name, scope, name)
    if found is None:
        where = f"'{peer.server_name}' has" if name else "no provisioning service has"
        raise RefusedError(f"{where} {'another' if name else 'the'} id scope {'than ' if name else ''}'{scope[:100]}'", UNAVAILABLE)
    if connect.client_id.lower() != registration_id.lower():
        reason = f"the client id '{connect.client_id[:200]}' is not the registration id '{registration_id[:200]}' in the user name"
        raise RefusedError(reason, own_words=True)
    if not peer.chain and not connect.password:
        raise RefusedError("neither a certificate nor a password was sent", own_words=True)
    registrant = Registrant(
        service_key=found[0],
        service=found[1],
        registration_id=registration_id,
        chain=peer.chain,
        client=azure.settings.client_address or peer.address,
        signature=connect.password,
    )
    refusal = "" if connect.password else registrants.name_refusal(registrant)
    if refusal:
        raise RefusedError(refusal, own_words=True)
    return registrant


def _names(connect: Connect, today: date) -> tuple[str, str]:
    """The id scope and the registration id out of `{idScope}/registrations/{registrationId}/api-version=…[&ClientVersion=…]`."""
    shown = connect.username[:200]
    scope, ids, _ = user_names.parts(connect.username)
    if not scope or len(ids) != _IDS or ids[0].lower() != "registrations" or not ids[1]:
        reason = f"the user name '{shown}' is not written as idScope/registrations/registrationId/api-version=2019-03-31"
        raise RefusedError(reason, own_words=True)
    version = user_names.parameters(connect.username).get("api-version", "")
    if not version:  # that it is required is a guess: every client sends it
        raise RefusedError(f"the user name '{shown}' has no api-version; end it with /api-version=2019-03-31", own_words=True)
    if not registrants.is_known_version(version, today):
        raise RefusedError(f"the api-version '{version[:100]}' in the user name is not known", own_words=True)
    return scope, ids[1]
