"""The state of one local Azure, given to every operation: storage, clock, settings, tokens, the devices' connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_azure_iot.hub_registry.background import BackgroundWork
from local_azure_iot.hub_registry.presence import Presence
from local_azure_iot.hub_registry.throttle import Throttle
from local_azure_iot.messaging.events import Events
from local_azure_iot.messaging.listeners import Listeners
from local_azure_iot.messaging.methods import MethodSessions
from local_azure_iot.provisioning.registration_log import RegistrationLog
from local_azure_iot.provisioning.registration_throttle import RegistrationThrottle
from local_azure_iot.settings import Settings
from local_azure_iot.turns import Turns

if TYPE_CHECKING:
    from pathlib import Path

    from local_azure_iot.clock import Clock
    from local_azure_iot.login.tokens import TokenIssuer
    from local_azure_iot.store import Store


@dataclass(kw_only=True)
class Azure:
    """The state that every handler gets besides the request. There is one instance in each process."""

    store: Store
    clock: Clock
    tokens: TokenIssuer
    subscription_id: str
    settings: Settings = field(default_factory=Settings)
    trusted_file: Path | None = None  # certificates of the servers that local Azure trusts as a client; None: the machine's
    presence: Presence = field(default_factory=Presence)
    throttle: Throttle = field(default_factory=Throttle)
    registration_throttle: RegistrationThrottle = field(default_factory=RegistrationThrottle)
    registrations: RegistrationLog = field(default_factory=RegistrationLog)  # what became of the devices that enrol
    turns: Turns = field(default_factory=Turns)  # of devices that enrol
    events: Events = field(default_factory=Events)  # what devices sent
    listeners: Listeners = field(default_factory=Listeners)  # sessions that wait for messages, changes of twins, and so on
    methods: MethodSessions = field(default_factory=MethodSessions)
    background: BackgroundWork = field(default_factory=BackgroundWork)  # jobs that run
