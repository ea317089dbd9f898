"""Local Azure: the wire protocol of Azure Resource Manager and IoT Hub, with none of the operations."""
