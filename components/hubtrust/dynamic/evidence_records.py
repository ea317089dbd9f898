"""EvidenceRecords: the log of a stack's evidence: what was proven, rotated, dropped, revoked and taken over, and by whom.

Its inputs are the fields of ``EvidenceRecordsInputs`` here and of ``CloudInputs`` in ``hubtrust/azure_inputs.py``. To add one, add a field
there and a parameter of the same name to the constructor here.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from hubtrust.azure import clouds
from hubtrust.azure.login import login
from hubtrust.azure.request_trace import Deployer
from hubtrust.azure_inputs import CloudInputs, cloud_name
from hubtrust.commit import program_commit
from hubtrust.custody.custodies import DeclaredSigner, read_signer
from hubtrust.dynamic import evidence_file
from hubtrust.dynamic.lifecycle import Change, Reconciled, Reconciler
from hubtrust.errors import HubtrustError
from hubtrust.evidence import recording
from hubtrust.evidence.changes import Event, Facts, events, is_fact, same
from hubtrust.evidence.errors import EvidenceError
from hubtrust.evidence.log import Log
from hubtrust.evidence.statement import Kind, Subject
from hubtrust.inputs import Properties, input_field, text, texts
from hubtrust.pki.certificate import Certificate, load_certificate, rfc3339
from hubtrust.pki.keys import PublicKey, key_thumbprint, require_strong_key
from hubtrust.pki.signers import Signer
from hubtrust.process import now, show_message
from hubtrust.reconcile_errors import DeclarationError

_OF_ALL = Subject("the log", "")  # what its head is about


@dataclass(frozen=True, slots=True)
class CertificateSigner:
    """A CA's certificate, and where its key is."""

    certificate: Certificate
    declared: DeclaredSigner

    @property
    def public_key(self) -> PublicKey:
        """The certificate's key."""
        return require_strong_key(self.certificate.public_key(), what="certificate")

    @property
    def signer(self) -> Signer | None:
        """What signs with it; None if it can't sign here, or is another key: then its record would not be the CA's."""
        found = self.declared.signer(self.public_key)
        return found if found and key_thumbprint(found.public_key) == key_thumbprint(self.public_key) else None


def _read_facts(value: object) -> Facts:
    found = []
    for one in texts(value, remedy="give each fact as JSON text"):
        try:
            fact = json.loads(one)
        except ValueError:
            fact = None
        if not is_fact(fact):
            raise DeclarationError(
                "facts", "one of them is not an object of a known kind, as JSON text", "use EvidenceLog, which makes them"
            )
        found.append(fact)
    return found


def _read_signers(value: object) -> list[CertificateSigner]:
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise DeclarationError("signers", "it is not a list of objects", "give each as an object with certificate and signer")
    return [
        CertificateSigner(load_certificate(str(one.get("certificate")), what="signers: certificate"), read_signer(one.get("signer")))
        for one in value
        if one.get("certificate") and one.get("signer")
    ]


@dataclass(frozen=True, kw_only=True)
class EvidenceRecordsInputs(CloudInputs):
    """The inputs of an EvidenceRecords."""

    stack: str = input_field(text, "the stack whose log it is, `organization/project/stack`.", required=True, kept=True)
    facts: Facts = input_field(
        _read_facts, "what is known of each certificate, hub, enrollment and fleet, each as JSON text.", required=True, kept=True
    )
    signers: Sequence[CertificateSigner] = input_field(
        _read_signers,
        "what signs records: each an object with `certificate`, PEM, and `signer`, as VerifiedCertificate takes it; the current CA first. "
        "It becomes a secret. Without one, records are not signed.",
        secret=True,
        default=(),
    )
    cloud: str = cloud_name(kept=False)
    file: str | None = input_field(text, "a file that has the log too, relative to the program's folder.", kept=True)

    def signing(self, log: Log, subject: Certificate | Subject) -> Signer | None:
        """The signer of a record: the subject's own key, otherwise that of a CA whose proof is in ``log``."""
        proven = [one.statement.subject.sha256 for one in log.records if one.statement.kind is Kind.PROOF]
        own = key_thumbprint(require_strong_key(subject.public_key(), what="certificate")) if isinstance(subject, Certificate) else None
        usable = [one for one in self.signers if key_thumbprint(one.public_key) == own]
        usable += [one for one in self.signers if Subject.of(one.certificate).sha256 in proven]
        return next((found for one in usable if (found := one.signer) is not None), None)


class EvidenceRecordsOutputs:
    """The outputs of an EvidenceRecords."""

    stack: pulumi.Output[str]
    """The stack, as declared."""
    file: pulumi.Output[str | None]
    """The file that has the log too, as declared."""
    facts: pulumi.Output[list[str]]
    """What was known in the last run that had something to record: the next one is compared with it."""
    log: pulumi.Output[str]
    """The log: one record a line, then its head."""
    size: pulumi.Output[float]
    """How many records it has."""
    root_hash: pulumi.Output[str]
    """The root hash of the Merkle tree over its records, 64 hex digits (RFC 9162)."""


class EvidenceRecordsProvider(Reconciler[EvidenceRecordsInputs]):
    """Appends a record of each thing that happened since the last run. It changes nothing in Azure.

    A run in which nothing happened signs nothing and asks nobody. Azure's login is asked who deploys, unless a record says so itself.

    A key that refuses to sign ends the run with an error after everything else is done: what was proven stays proven, the state keeps the
    log and the facts of the run before, and the next run writes what is missing. No record is left unsigned because its key was not
    reachable for a moment.
    """

    inputs, results = EvidenceRecordsInputs, EvidenceRecordsOutputs

    def on_diff(self, olds: Properties, news: EvidenceRecordsInputs) -> Change:
        """Other facts, or another file. What signs makes no difference: nothing that is recorded is signed again.

        A state without its log is an update too, which then says what is missing: policies take an absent log for a preview's.
        """
        if {"stack", "facts", "file"} & news.unknown or olds.get("log") is None:
            return Change(updates=True)
        return Change(updates=news.file != olds.get("file") or not same(_read_facts(olds["facts"]), news.facts))

    def on_create(self, news: EvidenceRecordsInputs) -> tuple[str, dict[str, Any]]:
        """Begin a log, or continue the one in the file."""
        return news.stack, self._record(news, {})

    def on_update(self, _id: str, olds: Properties, news: EvidenceRecordsInputs) -> dict[str, Any]:
        """Append what happened since the last run."""
        return self._record(news, olds)

    @staticmethod
    def _record(news: EvidenceRecordsInputs, olds: Properties) -> dict[str, Any]:
        in_state = str(olds["log"]) if olds else None
        log = recording.continued(news.stack, in_state, evidence_file.content(news.file), news.file or "")
        known = Log.read(in_state).size if in_state is not None else 0
        happened = events(_read_facts(olds["facts"]) if olds else (), news.facts)
        found = _appended(log, known, happened, news)
        added = found.size - known
        if added or not olds:
            show_message(f"the evidence log has {found.size:,} records, {max(added, 0):,} of them new; its root hash is {found.root_hash}")
        if news.file:
            evidence_file.write(news.file, found.text)
        return news.kept_values() | {"log": found.text, "size": found.size, "rootHash": found.root_hash}

    def on_read(self, _id: str, olds: Properties) -> dict[str, Any] | None:
        """There is nothing to read: what a refresh finds, the next run records."""
        return dict(olds)

    def on_delete(self, _id: str, olds: Properties) -> None:
        """The file stays, and the next `up` continues its log."""
        size, root = int(olds.get("size") or 0), olds.get("rootHash")
        if file := olds.get("file"):
            show_message(f"the evidence log of {size:,} records stays in '{file}' (root hash {root}); the next `up` continues it")
        elif size:
            fact = f"the evidence log of {size:,} records (root hash {root}) leaves with the state"
            show_message(f"{fact}; a stack's setting evidenceFile keeps it in a file, also after a destroy")


def _appended(log: Log, known: int, happened: Sequence[Event], news: EvidenceRecordsInputs) -> Log:
    """``log`` with the records of what ``happened``, signed where the key can sign.

    Raises:
        EvidenceError: a key refuses.
    """
    try:
        found = recording.recorded(log, known, happened, _about_run(happened, news.cloud), news.signing)
        return log if found.size == log.size else found.signed(news.signing(found, _OF_ALL))
    except EvidenceError:
        raise
    except HubtrustError as error:
        fact = f"the records of this run can't be signed: {error.what}: {error.fact}"
        raise EvidenceError("the evidence log", fact, f"{error.remedy}; {evidence_file.STANDS}") from None


def _about_run(happened: Sequence[Event], cloud: str) -> dict[str, Any]:
    """What each record says of the run that wrote it: `recordedAt` by this machine's clock, who deployed, and the program's commit.

    A proof says itself who sent it.
    """
    sender = _deployer(cloud) if any(one.kind is not Kind.PROOF for one in happened) else None
    deployed = {"objectId": sender.object_id, "tenantId": sender.tenant_id} if sender else None
    return {"recordedAt": rfc3339(now()), "deployedBy": deployed, "commit": program_commit() if happened else None}


def _deployer(name: str) -> Deployer | None:
    """Who is logged in; None where nobody is, or the login can't be asked: what happened is recorded all the same."""
    try:
        cloud = clouds.cloud_named(name)
        return Deployer.of(f"Bearer {login(cloud, os.environ).token(cloud.arm_scope)}")
    except HubtrustError:
        return None


class EvidenceRecords(EvidenceRecordsOutputs, Reconciled, module="hubtrust", name="EvidenceRecords"):
    """The log of a stack's evidence, which anybody can check without Azure and without this stack."""

    provider = EvidenceRecordsProvider

    def __init__(
        self,
        resource_name: str,
        *,
        stack: pulumi.Input[str],
        facts: pulumi.Input[Sequence[pulumi.Input[str]]],
        signers: pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]] | None = None,
        file: pulumi.Input[str] | None = None,
        cloud: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """The log of a stack's evidence, which anybody can check without Azure and without this stack.

        Args:
            resource_name: its name in Pulumi.
            stack: the stack whose log it is, `organization/project/stack`.
            facts: what is known of each certificate, hub, enrollment and fleet, each as JSON text.
            signers: what signs records: each an object with `certificate`, PEM, and `signer`, as VerifiedCertificate takes it; the current
                CA first. It becomes a secret. Without one, records are not signed.
            file: a file that has the log too, relative to the program's folder.
            cloud: `public` (default), `usgovernment`, `china` or the https URL of a metadata host.
            opts: Pulumi's resource options.
        """
        super().__init__(resource_name, locals(), opts)
