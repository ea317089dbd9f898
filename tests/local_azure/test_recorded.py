"""Comparison with Azure: each recorded request is sent again, with the clock on the recording's day, and must get an equal answer.

Alike means: the status, the envelope, the members and their types, the values that are Azure's doing, and the headers that clients act
on. Where a pair can't hold, ALLOWANCES says why; one that no pair needs any more fails the test, so the list can't
outlive its reasons.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest

from local_azure_iot.judge import anchor_check, proof_check, upload
from local_azure_iot.judge.certificate import Certificate
from local_azure_iot.settings import Settings
from tests.local_azure.in_process import Answer, InProcess, version
from tests.local_azure.recordings import Pair, day_of, differences, header_differences, pairs, present, scenes
from tests.local_azure.replay import Replay

pytestmark = [
    pytest.mark.recorded,
    pytest.mark.skipif(not present(), reason="the recordings of Azure's traffic are not beside the project"),
]

Polls = dict[tuple[str, bool, bool], Answer]


@dataclass(frozen=True)
class Allowance:
    """Differences that are allowed, and why."""

    reason: str
    applies: Callable[[Pair], bool]
    differences: tuple[str, ...]  # regular expressions, each of a whole difference


def _hub(pair: Pair) -> bool:
    return "/iothubs/" in pair.path.lower()


ALLOWANCES = (
    Allowance(
        "until Sep 2020 the certificate's text was in PUT's answer, since then in generateVerificationCode's; the newer form counts",
        lambda pair: pair.scene[0] < "2020-09" and ("/certificates/" in pair.path),
        (r"~properties.certificate (string/null|null/string)",),
    ),
    Allowance(
        "only in Feb 2022 did provisioning services return the text in every answer",
        lambda pair: pair.scene[0] == "2022-02-24" and not _hub(pair),
        (r"~(value\[\]\.)?properties.certificate string/null",),
    ),
    Allowance(
        "in Aug 2018 provisioning services still wrote `CN=` in front of the subject at 2018-01-22; later recordings do not",
        lambda pair: pair.scene[0] == "2018-08-10",
        (r"=properties.subject CN=.*",),
    ),
    Allowance(
        "`created` was the zero date on hubs from Aug 2021 to Feb 2023 and real on provisioning services before: the newest form counts",
        lambda pair: pair.scene[0] < "2023-03" and "/certificates" in pair.path,
        (r"=properties.created .*",),
    ),
    Allowance(
        "hubs wrote httpStatusCode as a name until early 2023, as a number since",
        lambda pair: pair.scene[0] < "2023-04" and _hub(pair),
        (r"~httpStatusCode string/number",),
    ),
    Allowance(
        "until 2018 the error for an unknown job had capitalized members",
        lambda pair: pair.scene[0] < "2018-03" and "/jobs/" in pair.path,
        (r"[-+](code|httpStatusCode|message|Code|HttpStatusCode|Message)",),
    ),
    Allowance(
        "Azure answered 500 to an unknown job for a while in 2019; 404 before and after",
        lambda pair: pair.scene[0] == "2019-10-24" and "/jobs/" in pair.path,
        (r"status 500/404 .*",),
    ),
    Allowance(
        "the error for a missing hub comes from ARM or from the provider (both recorded); local Azure always answers as the provider",
        lambda pair: pair.status == 404 and pair.method == "GET" and _hub(pair),
        (r"-header x-ms-failure-cause", r"[-+](error|code|httpStatusCode|message)"),
    ),
    Allowance("Azure's gateway timed out that day", lambda pair: pair.status == 504, (r"status 504/200 .*",)),
    Allowance(
        "10 of 107 deletions had an empty body, the others `null`",
        lambda pair: pair.method == "DELETE" and pair.status == 202 and pair.text == "",
        (r"\+header content-type", r"body ''/'null'"),
    ),
    Allowance(
        "private endpoints are not offered: local Azure has no networks",
        lambda pair: "privateEndpointConnections" in pair.path,
        (r"status \d+/(404|204) .*",),
    ),
    Allowance(
        "until 2022 the first answer had the state too, and members of the retired operations monitoring",
        lambda pair: pair.scene[0] < "2023" and pair.method == "PUT" and _hub(pair),
        (r"-properties\.(state|operationsMonitoringProperties|eventHubEndpoints\.operationsMonitoringEvents)", r"=properties\.state .*"),
    ),
    Allowance(
        "an update's answer spelled out policies and inner endpoints that the request did not have, keys included",
        lambda pair: pair.scene[0] < "2022" and pair.method == "PUT" and _hub(pair) and "etag" in (pair.request or {}),
        (r"-properties\.authorizationPolicies",),
    ),
    Allowance(
        "until 2021 routing had an endpoint kind that was renamed before it came out",
        lambda pair: pair.scene[0] < "2022" and pair.method == "PUT" and _hub(pair),
        (r"-properties\.routing\.endpoints\.cosmosDBSqlCollections",),
    ),
    Allowance(
        "in Feb 2018 the rights of a provisioning service's owner were listed in another order",
        lambda pair: pair.scene[0] == "2018-02-06" and not _hub(pair),
        (r"=rights ServiceConfig, DeviceConnect, EnrollmentWrite/.*",),
    ),
    Allowance(
        "until 2019 an answer to a PUT without properties showed the defaults",
        lambda pair: pair.scene[0] < "2020" and pair.method == "PUT" and _hub(pair),
        (r"-properties\.(cloudToDevice|enableFileUploadNotifications|generationNumber)",),
    ),
    Allowance(
        "until 2018 consumer groups had another shape",
        lambda pair: pair.scene[0] < "2018-03" and "ConsumerGroups" in pair.path,
        (r"[-+](etag|properties|tags|type)",),
    ),
    Allowance(
        "in early 2023 polls said `Pending` for `Running` now and then: clients keep waiting on both",
        lambda pair: '"Pending"' in pair.text,
        (r"=status Pending/Running",),
    ),
    Allowance(
        "the url of an operation was under its hub and was deleted with it; since 2021 it outlives the hub",
        lambda pair: pair.status == 404 and "perationresults/" in pair.path.lower(),
        (r"status 404/200",),
    ),
)  # fmt: skip


@dataclass
class Verdict:
    """The results of a file's pairs."""

    held: int = 0
    needed: set[str] = field(default_factory=set)
    unexplained: list[str] = field(default_factory=list)

    def take(self, pair: Pair, found: Iterator[str]) -> None:
        """Count a pair as equal, or find the allowance for each of its differences."""
        differing = list(found)
        self.held += not differing
        for difference in differing:
            speaking = [
                each.reason
                for each in ALLOWANCES
                if each.applies(pair) and any(re.fullmatch(pattern, difference, re.DOTALL) for pattern in each.differences)
            ]
            self.needed.update(speaking)
            if not speaking:
                self.unexplained.append(f"{pair}: {difference}")


def test_every_recorded_pair_gets_an_equal_answer(azure: InProcess) -> None:
    """Certificate recordings are replayed from start to end, other pairs one by one, polls against an operation of ours."""
    verdict, sent = Verdict(), 0
    for name in ("hub_certificates", "dps_certificates"):
        for scene in scenes(name):
            _travel(azure, day_of(scene))
            replay = Replay(azure)
            replay.prepare(scene[0])
            for pair in scene:
                verdict.take(pair, replay.send(pair))
                sent += 1
    polls = _polls(azure)
    for name in ("errors", "listkeys", "name_availability", "resource_groups", "lro_put_delete_polls"):
        for pair in pairs(name):
            verdict.take(pair, _polled(pair, polls) if "perationresults" in pair.path.lower() else _alone(azure, pair))
            sent += 1

    assert verdict.unexplained == []
    assert {each.reason for each in ALLOWANCES} - verdict.needed == set()
    assert verdict.held > 0.85 * sent


def test_recorded_proofs_prove_their_own_certificate_and_no_other() -> None:
    """All 38 real proofs are valid with their code and on their day, but not with another code, later, or for another CA."""
    proofs = [_proof(scene) for name in ("hub_certificates", "dps_certificates") for scene in scenes(name)]
    authorities = {authority.encoded: authority for _, authority, _, _ in proofs}

    assert len(proofs) == 38
    for given, authority, code, moment in proofs:
        assert (proof_check.refusal_reason(given, authority, code, moment), anchor_check.unusable(authority)) == (None, "")
        assert proof_check.refusal_reason(given, authority, code[::-1], moment) is proof_check.Reason.CODE
        assert proof_check.refusal_reason(given, authority, code, moment + timedelta(days=30)) is proof_check.Reason.DATES
        others = [each for mark, each in authorities.items() if mark != authority.encoded]
        assert {proof_check.refusal_reason(given, other, code, moment) for other in others} == {proof_check.Reason.SIGNATURE}


def _proof(scene: list[Pair]) -> tuple[Certificate, Certificate, str, datetime]:
    """A recording's proof, the certificate it is for, the code, and when it was sent."""
    code = next(pair.answer["properties"]["verificationCode"] for pair in scene if "generateVerificationCode" in pair.path)
    verify = next(pair for pair in scene if pair.path.endswith("/verify"))
    # The code was requested for the newest text under that name.
    puts = [pair for pair in scene if pair.method == "PUT" and verify.path.startswith(f"{pair.path}/") and pair.index < verify.index]
    body = puts[-1].request.get("properties") or puts[-1].request
    assert verify.updated
    return upload.read(verify.request["certificate"]).certificate, upload.read(body["certificate"]).certificate, code, verify.updated


def _travel(azure: InProcess, moment: datetime) -> None:
    azure.reset()
    azure.azure.clock.set(moment, frozen=True)
    azure.log_in()


def _alone(azure: InProcess, pair: Pair) -> Iterator[str]:
    """The differences of a pair that is sent alone, after its prerequisites are created."""
    _travel(azure, pair.moment)
    replay = Replay(azure)
    makes = pair.method == "PUT" and "etag" not in (pair.request or {}) and pair.path.lower().count("/") == 8
    misses = pair.status == 404 and "/jobs/" not in pair.path
    if pair.method != "PUT" or "/providers/" in pair.path:
        replay.prepare(pair, service=not makes and not misses)
    if "MissingSubscriptionRegistration" in pair.text:
        azure.must("POST", f"/subscriptions/{azure.subscription}/providers/Microsoft.Devices/unregister?api-version=2021-04-01")
    if "AlreadyExists" in pair.text:
        azure.hub(kind="IotHubs", name=pair.request["name"])
    return replay.send(pair)


def _polled(pair: Pair, polls: Polls) -> Iterator[str]:
    """The differences between a recorded poll and a poll of ours, before or after the operation's end."""
    service = "provisioningServices" if "provisioning" in pair.path.lower() else "IotHubs"
    done = "Running" not in pair.text and "Pending" not in pair.text
    ours = polls[service, "asyncinfo" in pair.query, done]
    if ours.status != pair.status:
        yield f"status {pair.status}/{ours.status}"
        return
    yield from header_differences(pair, ours.headers)
    if not pair.readable:
        return  # the recorder kept gzip as text, which broke some bodies: only status and headers of those pairs are compared
    if bool(pair.text) != bool(ours.body):
        yield f"body '{pair.text}'/'{ours.body.decode()}'"
    elif pair.text:
        yield from differences(pair.answer, ours.json())
        if pair.answer["status"] != ours.json()["status"]:
            yield f"=status {pair.answer['status']}/{ours.json()['status']}"


def _polls(azure: InProcess) -> Polls:
    """Our answers to polls, by service, by which of the two urls, and by whether the operation is done."""
    azure.azure.settings = Settings(operation_seconds=60)
    polls = {}
    for service in ("IotHubs", "provisioningServices"):
        path = azure.hub(kind=service)
        azure.azure.clock.advance(61)
        headers = azure.ask("DELETE", f"{path}?api-version={version(path)}").headers
        for done in (False, True):
            azure.azure.clock.advance(61 if done else 0)
            for name in ("azure-asyncoperation", "location"):
                url = urlsplit(headers[name])
                polls[service, name != "location", done] = azure.ask("GET", f"{url.path}?{url.query}")
    return polls
