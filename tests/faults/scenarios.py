"""All rows of the matrix: a new resource joins with a module of its own, named here."""

from tests.faults import certificates, devices, keys

SCENARIOS = (*certificates.SCENARIOS, *keys.SCENARIOS, *devices.SCENARIOS)
