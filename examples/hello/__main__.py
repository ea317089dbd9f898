"""A dynamic provider, a key and a resource group."""

import pulumi
import pulumi_tls as tls
from greeting import Greeting
from pulumi_azure_native import resources

group = resources.ResourceGroup("hello")
key = tls.PrivateKey("hello", algorithm="ECDSA", ecdsa_curve="P256")
greeting = Greeting("hello", name=group.name)

pulumi.export("greeting", greeting.text)
pulumi.export("publicKey", key.public_key_pem)
