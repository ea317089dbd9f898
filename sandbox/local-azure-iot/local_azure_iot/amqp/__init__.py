"""AMQP 1.0: clients of a hub's service side, readers of its events, and devices, over TLS on port 5671 and over WebSockets."""
