"""Individual enrollments of a fleet as a provisioning service has them: by pages of all that there are, or each by its id.

The service can't be asked for some of its enrollments. So pages are read while that is likely to take fewer calls than asking for each.
"""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from hubtrust.azure.enrollment_limits import PAGE
from hubtrust.azure.enrollment_service import INDIVIDUALS, Enrollment, EnrollmentService
from hubtrust.azure.errors import UnreachableError
from hubtrust.devices.reading import PARALLEL

MOST_BY_ID = 20  # enrollments that are read by id at once: as many calls as pages of a service with 2,000
_MOST_LISTED = 10_000  # enrollments that are listed to confirm that some are gone: a hundred calls
Found = dict[str, Enrollment | None]  # by the id that was asked for; None: the service says that it does not exist


@dataclass
class FleetReading:
    """Reads enrollments in one operation. Each method may raise the errors of ``EnrollmentService``."""

    service: EnrollmentService
    listed: bool = False  # all enrollments of the service were listed in this operation, so that what was not shown is not there

    def each(self, ids: Collection[str]) -> Iterator[tuple[str, Enrollment | None]]:
        """Each of these enrollments, one after another: thousands of whole records would take hundreds of megabytes."""
        left = {one.lower(): one for one in ids}
        if len(left) > MOST_BY_ID:
            self.listed = True
            for rows, one in enumerate(self.service.every(INDIVIDUALS), 1):
                if (id_ := left.pop(one.id.lower(), None)) is not None:
                    yield id_, one
                if not left or rows > PAGE * len(ids):  # so many pages are others': asking for each takes fewer calls
                    self.listed = False
                    break
        yield from self.read_each(left.values()).items()

    def read_each(self, ids: Iterable[str]) -> Found:
        """Each of these enrollments by its id."""
        wanted = list(ids)
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            return dict(zip(wanted, pool.map(lambda one: self.service.get(INDIVIDUALS, one), wanted), strict=True))

    def confirm_absent(self, ids: Collection[str]) -> Found:
        """Enrollments that did not exist a moment ago: asked for again over some seconds, and looked for in the list of all.

        Raises:
            UnreachableError: the list has one.
        """
        found: Found = dict.fromkeys(ids)

        def all_of_them() -> Found | None:
            found.update(self.read_each([one for one, held in found.items() if held is None]))
            return None if None in found.values() else found

        if found and self.service.found_again(all_of_them) is None and not self.listed:
            absent = {one.lower() for one, held in found.items() if held is None}
            listed = islice(self.service.every(INDIVIDUALS), _MOST_LISTED)
            if (there := next((one.id for one in listed if one.id.lower() in absent), None)) is not None:
                what = f"individual enrollment '{there}' on provisioning service '{self.service.host.partition('.')[0]}'"
                fact, remedy = "Azure answers 404 for it, but lists it", "run again in a few minutes: nothing was changed"
                raise UnreachableError(what, fact, remedy)
        return found
