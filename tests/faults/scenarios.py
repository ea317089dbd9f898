"""All rows of the matrix. A new resource gets a module of its own, which is added here."""

from tests.faults import certificates, devices, enrollment_fleet, enrollments, keys, link_policies, modules

SCENARIOS = (
    *certificates.SCENARIOS,
    *keys.SCENARIOS,
    *devices.SCENARIOS,
    *modules.SCENARIOS,
    *link_policies.SCENARIOS,
    *enrollments.SCENARIOS,
    *enrollment_fleet.SCENARIOS,
)
