"""The keys that describe the CA."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field
from pydantic.alias_generators import to_camel

from hubtrust import Generate, HubtrustError, Import, KeyAlgorithm, Request, Trust
from hubtrust.authority_arguments import LONGEST_NAME, MOST_INTERMEDIATES, NEWEST_GENERATION, read_certificate_name
from hubtrust.certificates.lifetimes import INTERMEDIATE, LIFETIMES, LONGEST, ROOT, require_window
from hubtrust.certificates.thumbprints import require_thumbprint
from hubtrust.custody.custodies import STATE
from hubtrust.generated_authority import GeneratedAuthority, RequestedAuthority
from hubtrust.pki.authority_files import ChainText, KeyText, read_chain, read_key

from .configuration import Problem, SettingsError, checked_by, names_for, plain
from .custody import CustodyConfig
from .values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pulumi

    from hubtrust import AuthorityVault, InKeyVault, InToken

_Days = Annotated[int, Field(ge=1, le=LONGEST)]
_Window = Annotated[int, Field(ge=0, le=LONGEST)]


def _certificate_name(text: str) -> str:
    try:
        return read_certificate_name(text) if text else text
    except HubtrustError as error:
        raise ValueError(f"{quoted(text)} is not a valid certificate name; {error.remedy}") from None


_Thumbprints = Annotated[tuple[Annotated[str, checked_by(require_thumbprint)], ...], names_for("adopt", "<SHA-1 thumbprint>")]
_CertificateName = Annotated[str, AfterValidator(_certificate_name)]


def replaced_keys(config: pulumi.Config) -> dict[str, str]:
    """Keys of earlier versions, and what takes their place. `caDropPrevious` held for every later rotation too."""
    generation, keeps = config.get("caGeneration") or "1", config.get("caKeepPrevious") == "true"
    dropped = int(generation) - (2 if keeps else 1) if re.fullmatch("[0-9]{1,9}", generation) else 0
    instead = f"set caDropGeneration: {dropped}, which applies to that generation only" if dropped > 0 else "no generation is dropped"
    return {"caDropPrevious": f"remove it; {instead}"}


class AuthorityConfig(CustodyConfig):
    """Where the CA comes from, which generation of it there is, and what the hub trusts of it."""

    ca_name: Annotated[str, Field(min_length=1, max_length=50)] = "hubtrust"
    ca_organization: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    ca_key_algorithm: KeyAlgorithm = KeyAlgorithm(Generate.key)
    ca_intermediates: Annotated[int, Field(ge=0, le=MOST_INTERMEDIATES)] = Generate.intermediates
    ca_generation: Annotated[int, Field(ge=1, le=NEWEST_GENERATION)] = 1
    ca_keep_previous: bool = False
    ca_drop_generation: Annotated[int, Field(ge=0, le=NEWEST_GENERATION)] = 0
    ca_root_days: _Days = int(LIFETIMES[ROOT].days)
    ca_issuing_days: _Days = int(LIFETIMES[INTERMEDIATE].days)
    ca_root_renew_before_days: _Window = 0
    ca_issuing_renew_before_days: _Window = 0
    ca_trust: Trust = Trust.ISSUING
    ca_chain: str = ""
    ca_chain_file: str = ""
    ca_certificate_name: _CertificateName = ""
    ca_previous_chain: str = ""
    ca_previous_chain_file: str = ""
    ca_previous_certificate_name: _CertificateName = ""
    attest: bool = False
    reprove: str = ""
    adopt: _Thumbprints = ()

    def authority_problems(self) -> Iterator[Problem]:
        """Keys of the CA that contradict each other, and its chains and its key that can't be read."""
        if self.ca_source == "import" and not (self.ca_chain or self.ca_chain_file):
            line = "caSource is import, but no chain is set; set caChain or caChainFile"
            yield Problem.of(line, "ca_source", "ca_chain", "ca_chain_file")
        for text, is_used in self._contents():
            file = f"{text}_file"
            if getattr(self, file) and plain(getattr(self, text)):
                yield Problem.of(f"{to_camel(text)} and {to_camel(file)} are both set; set only one of them", text, file)
                continue
            try:
                if is_used:
                    self.key_text() if text == "ca_key" else self.chain_text(text)
            except SettingsError as error:
                yield Problem.of(str(error), text, file, "ca_key_passphrase")
        if self.ca_keep_previous and not self._makes_keys_each_time and not (self.ca_previous_chain or self.ca_previous_chain_file):
            line = "caKeepPrevious is true, but the previous generation's chain is not set; set caPreviousChain or caPreviousChainFile"
            chains = ("ca_previous_chain", "ca_previous_chain_file")
            yield Problem.of(line, "ca_keep_previous", "ca_source", "ca_custody", *chains)
        yield from self._name_problems()
        yield from self._window_problems()
        yield from self.custody_problems(self.ca_intermediates)

    @property
    def _is_made_in_state(self) -> bool:
        return self.ca_source == "generate" and not self.stores_keys

    @property
    def _makes_keys_each_time(self) -> bool:
        """Whether each generation has its own keys by itself, so that the previous one is declared as it was."""
        return self._is_made_in_state or (self.ca_source == "generate" and bool(self.ca_vault))

    def _contents(self) -> Iterator[tuple[str, bool]]:
        """The keys that have certificates or a private key, each with whether it is used: that another one is not is told elsewhere."""
        yield "ca_chain", self.ca_source != "generate"
        yield "ca_key", self.ca_source == "import" and self.kept_in == STATE
        yield "ca_previous_chain", self.ca_keep_previous and not self._is_made_in_state

    def _name_problems(self) -> Iterator[Problem]:
        """Names that no certificate can have; an imported CA has names already."""
        names: dict[str, Any] = {"common_name": self.ca_name, "organization": self.ca_organization or None}
        try:
            if self.ca_source == "generate":
                GeneratedAuthority.read(Generate(**names, intermediates=self.ca_intermediates), "")
            elif self.ca_source == "request":
                RequestedAuthority.read(Request(**names), "")
        except HubtrustError as error:
            yield Problem.of(f"caName: {error}", "ca_name", "ca_organization", "ca_intermediates", "ca_source")

    def _window_problems(self) -> Iterator[Problem]:
        for kind in ("root", "issuing"):
            days, window = f"ca_{kind}_days", f"ca_{kind}_renew_before_days"
            try:
                require_window(getattr(self, days), getattr(self, window), days_name=to_camel(days), window_name=to_camel(window))
            except HubtrustError as error:
                yield Problem.of(str(error), days, window)

    def chain_text(self, key: str = "ca_chain") -> ChainText | None:
        """A chain as PEM, whatever encoding it is in; None if it is not set. If its file is the key's too, it has both.

        Raises:
            SettingsError: it can't be read.
        """
        content, what = self.content_of(key)
        has_key = False
        with contextlib.suppress(SettingsError):  # of the key's file, which is told where that is read
            has_key = bool(content) and content == self.content_of("ca_key")[0]
        try:
            return read_chain(content, what=what, passphrase=self._passphrase, has_key=has_key) if what else None
        except HubtrustError as error:
            raise SettingsError(str(error)) from None

    def key_text(self) -> KeyText | None:
        """The CA's private key as PEM, whatever encoding it is in; None if it is not set.

        Raises:
            SettingsError: it can't be read.
        """
        content, what = self.content_of("ca_key")
        try:
            return read_key(content, what=what, passphrase=self._passphrase) if what else None
        except HubtrustError as error:
            raise SettingsError(str(error)) from None

    @property
    def _passphrase(self) -> str | None:
        return self.ca_key_passphrase.get_secret_value() or None

    @property
    def has_pkcs12(self) -> bool:
        """Whether a chain is in PKCS#12, which has a passphrase."""
        with contextlib.suppress(SettingsError):
            return any(chain.is_pkcs12 for chain in map(self.chain_text, ("ca_chain", "ca_previous_chain")) if chain)
        return False

    def chain_notices(self) -> Iterator[str]:
        """What was left out of the chains, a line each."""
        for key, is_used in self._contents():
            chain = self.chain_text(key) if is_used and key != "ca_key" and not self.has_key else None
            yield from chain.notices if chain else ()

    def source(self, vault: AuthorityVault | None = None) -> Generate | Import | Request:
        """Where the CA comes from; ``vault`` is the one that the stack makes.

        Raises:
            SettingsError: a file can't be read.
        """
        if self.ca_source == "generate":
            return Generate(
                common_name=self.ca_name,
                organization=self.ca_organization or None,
                key=self.ca_key_algorithm,
                intermediates=self.ca_intermediates,
                custody=self.custody(vault),
                root_days=self.ca_root_days,
                issuing_days=self.ca_issuing_days,
                root_renew_before_days=self.ca_root_renew_before_days or None,
                issuing_renew_before_days=self.ca_issuing_renew_before_days or None,
            )
        chain = self.chain_text()
        if self.ca_source == "request":
            return self._request(chain, self.custody(vault))
        key = self.key_text() if self.kept_in == STATE else None
        return Import(
            chain=chain.text if chain else "",
            private_key=key.text if key else None,
            passphrase=key.passphrase if key else self._passphrase,
            custody=self.custody(vault),
            proof=self.ca_proof or None,
            certificate_name=self.ca_certificate_name or None,
        )

    def previous(self) -> Import | Request | None:
        """Where the previous generation came from, if it was not generated here. It is proven already, so its key is not needed.

        Raises:
            SettingsError: a file can't be read.
        """
        chain = self.chain_text("ca_previous_chain")
        if not chain:
            return None
        if self.ca_source == "request":
            return self._request(chain, None)
        return Import(chain=chain.text, certificate_name=self.ca_previous_certificate_name or None)

    def _request(self, answer: ChainText | None, custody: InKeyVault | InToken | None) -> Request:
        return Request(
            common_name=self.ca_name,
            organization=self.ca_organization or None,
            key=self.ca_key_algorithm,
            custody=custody,
            answer=answer.text if answer else None,
        )
