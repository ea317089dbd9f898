"""Types of other providers that an inventory reads: azure-native's and azure's services and their certificates, and those of tls.

azure-native's types may have an API version, as in `azure-native:iothub/v20230630:Certificate`, and its older ones other modules.
"""

import re

_NATIVE = r"azure-native:(?:iothub|deviceprovisioningservices|devices)(?:/\w+)?:"
HUBS = re.compile(_NATIVE + r"IotHubResource|azure:iot/ioTHub:IoTHub|azure:iot/iotHub:IotHub")
PROVISIONING_SERVICES = re.compile(_NATIVE + r"IotDpsResource|azure:iot/iotHubDps:IotHubDps")
CERTIFICATES = re.compile(
    _NATIVE
    + r"(?:Certificate|DpsCertificate)|azure:iot/iotHubCertificate:IotHubCertificate|azure:iot/iotHubDpsCertificate:IotHubDpsCertificate"
)
TLS_CERTIFICATES = re.compile(r"tls:index/\w+:(?:SelfSignedCert|LocallySignedCert)")
TLS_KEYS = re.compile(r"tls:index/privateKey:PrivateKey")
STACK = re.compile(r"pulumi:pulumi:Stack")
