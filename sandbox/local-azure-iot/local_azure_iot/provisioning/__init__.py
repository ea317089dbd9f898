"""Provisioning services (DPS) beyond Resource Manager: their service API, and the API of the devices that enrol themselves."""
