"""Local Azure: the wire protocol of Azure Resource Manager and IoT Hub, without the operations behind it."""
