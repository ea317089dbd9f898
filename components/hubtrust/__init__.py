"""hubtrust: Pulumi components that make an Azure IoT hub's X.509 CA trust code."""
