"""The device plane: MQTT 3.1.1 over TLS under each hub's name, every CONNECT is accepted or refused."""
