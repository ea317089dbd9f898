"""Individual enrollments of a fleet as a provisioning service has them: by pages of all that there are, or each by its id.

The service can't be asked for some of its enrollments. So pages are read while that is likely to take fewer calls than asking for each.
"""

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

from hubtrust.azure.enrollment_limits import PAGE
from hubtrust.azure.enrollment_service import INDIVIDUALS, Enrollment, EnrollmentService
from hubtrust.devices.reading import PARALLEL

MOST_BY_ID = 20  # enrollments that are read by id at once: as many calls as pages of a service with 2,000


def read_all(service: EnrollmentService, ids: Collection[str]) -> dict[str, Enrollment | None]:
    """Each of these enrollments; None: the service says that it does not exist. Keys are the ids as given.

    Raises:
        AzureError: see ``EnrollmentService``.
    """
    found: dict[str, Enrollment | None] = {}
    left = {one.lower(): one for one in ids}
    if len(left) > MOST_BY_ID:
        for rows, one in enumerate(service.every(INDIVIDUALS), 1):
            if (id_ := left.pop(one.id.lower(), None)) is not None:
                found[id_] = one
            if not left or rows > PAGE * (len(left) + len(found)):  # so many pages are other's: asking for each takes fewer calls
                break
    return found | read_each(service, left.values())


def read_each(service: EnrollmentService, ids: Iterable[str]) -> dict[str, Enrollment | None]:
    """Each of these enrollments by its id; None: the service says that it does not exist.

    Raises:
        AzureError: see ``EnrollmentService``.
    """
    wanted = list(ids)
    with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
        return dict(zip(wanted, pool.map(lambda one: service.get(INDIVIDUALS, one), wanted), strict=True))


def confirm_absent(service: EnrollmentService, ids: Collection[str]) -> dict[str, Enrollment | None]:
    """Enrollments that did not exist a moment ago: all that are absent are asked for again over some seconds.

    Raises:
        AzureError: see ``EnrollmentService``.
    """
    found: dict[str, Enrollment | None] = dict.fromkeys(ids)

    def all_of_them() -> dict[str, Enrollment | None] | None:
        found.update(read_each(service, [one for one, held in found.items() if held is None]))
        return None if None in found.values() else found

    if found:
        service.found_again(all_of_them)
    return found
