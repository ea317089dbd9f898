"""Microsoft.Devices: IoT hubs and provisioning services at ARM, and the certificates that they trust."""
