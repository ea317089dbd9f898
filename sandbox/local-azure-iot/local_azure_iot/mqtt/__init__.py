"""The device plane: MQTT 3.1.1 over TLS at each hub's host name."""
