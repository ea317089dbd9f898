"""The keys that describe the CA."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field
from pydantic.alias_generators import to_camel

from hubtrust import Generate, HubtrustError, Import, KeyAlgorithm, Request, Trust
from hubtrust.azure.certificates import CERTIFICATE_NAME
from hubtrust.certificates.lifetimes import LONGEST, require_window
from hubtrust.certificates.thumbprints import require_thumbprint

from .configuration import Problem, SettingsError, checked_by, names_for, plain
from .custody import CustodyConfig
from .values import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pulumi

    from hubtrust import InKeyVault, InToken

_Days = Annotated[int, Field(ge=1, le=LONGEST)]
_Window = Annotated[int, Field(ge=0, le=LONGEST)]


def _certificate_name(text: str) -> str:
    if text and not CERTIFICATE_NAME.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a valid certificate name; use at most 64 of: letters, digits, - . _")
    return text


_Thumbprints = Annotated[tuple[Annotated[str, checked_by(require_thumbprint)], ...], names_for("adopt", "<SHA-1 thumbprint>")]
_CertificateName = Annotated[str, AfterValidator(_certificate_name)]


def replaced_keys(config: pulumi.Config) -> dict[str, str]:
    """Keys of earlier versions, and what takes their place. `caDropPrevious` held for every later rotation too."""
    generation, keeps = config.get("caGeneration") or "1", config.get("caKeepPrevious") == "true"
    dropped = int(generation) - (2 if keeps else 1) if re.fullmatch("[0-9]{1,9}", generation) else 0
    instead = f"set caDropGeneration: {dropped}, which holds for that generation alone" if dropped > 0 else "no generation is dropped"
    return {"caDropPrevious": f"remove it; {instead}"}


class AuthorityConfig(CustodyConfig):
    """Where the CA comes from, which generation of it there is, and what the hub trusts of it."""

    ca_name: Annotated[str, Field(min_length=1, max_length=50)] = "hubtrust"
    ca_organization: Annotated[str, Field(max_length=64)] = ""
    ca_key_algorithm: KeyAlgorithm = Generate.key
    ca_intermediates: Annotated[int, Field(ge=0, le=5)] = Generate.intermediates
    ca_generation: Annotated[int, Field(ge=1, le=9999)] = 1
    ca_keep_previous: bool = False
    ca_drop_generation: Annotated[int, Field(ge=0, le=9999)] = 0
    ca_root_days: _Days = Generate.root_days
    ca_issuing_days: _Days = Generate.issuing_days
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
        """Keys of the CA that contradict each other, and its files that can't be read."""
        if self.ca_source == "import" and not (self.ca_chain or self.ca_chain_file):
            line = "caSource is import, but no chain is set; set caChain or caChainFile"
            yield Problem.of(line, "ca_source", "ca_chain", "ca_chain_file")
        for text in ("ca_chain", "ca_key", "ca_previous_chain"):
            file = f"{text}_file"
            if getattr(self, file) and plain(getattr(self, text)):
                yield Problem.of(f"{to_camel(text)} and {to_camel(file)} are both set; set only one of them", text, file)
                continue
            try:
                self.text_of(text)
            except SettingsError as error:
                yield Problem.of(str(error), file)
        in_state = self.ca_source == "generate" and self.custody is None
        if self.ca_keep_previous and not in_state and not (self.ca_previous_chain or self.ca_previous_chain_file):
            line = "caKeepPrevious is true, but the previous generation's chain is not set; set caPreviousChain or caPreviousChainFile"
            chains = ("ca_previous_chain", "ca_previous_chain_file")
            yield Problem.of(line, "ca_keep_previous", "ca_source", "ca_custody", *chains)
        yield from self._window_problems()
        yield from self.custody_problems(self.ca_intermediates)

    def _window_problems(self) -> Iterator[Problem]:
        for kind in ("root", "issuing"):
            days, window = f"ca_{kind}_days", f"ca_{kind}_renew_before_days"
            try:
                require_window(getattr(self, days), getattr(self, window), days_name=to_camel(days), window_name=to_camel(window))
            except HubtrustError as error:
                yield Problem.of(str(error), days, window)

    def source(self) -> Generate | Import | Request:
        """Where the CA comes from.

        Raises:
            SettingsError: a file can't be read.
        """
        if self.ca_source == "generate":
            return Generate(
                common_name=self.ca_name,
                organization=self.ca_organization or None,
                key=self.ca_key_algorithm,
                intermediates=self.ca_intermediates,
                custody=self.custody,
                root_days=self.ca_root_days,
                issuing_days=self.ca_issuing_days,
                root_renew_before_days=self.ca_root_renew_before_days or None,
                issuing_renew_before_days=self.ca_issuing_renew_before_days or None,
            )
        chain = self.text_of("ca_chain")
        if self.ca_source == "request":
            return self._request(chain, self.custody)
        return Import(
            chain=chain,
            private_key=self.text_of("ca_key") or None,
            passphrase=self.ca_key_passphrase.get_secret_value() or None,
            custody=self.custody,
            proof=self.ca_proof or None,
            certificate_name=self.ca_certificate_name or None,
        )

    def previous(self) -> Import | Request | None:
        """Where the previous generation came from, if it was not generated here. It is proven already, so its key is not needed.

        Raises:
            SettingsError: a file can't be read.
        """
        chain = self.text_of("ca_previous_chain")
        if not chain:
            return None
        if self.ca_source == "request":
            return self._request(chain, None)
        return Import(chain=chain, certificate_name=self.ca_previous_certificate_name or None)

    def _request(self, answer: str, custody: InKeyVault | InToken | None) -> Request:
        return Request(
            common_name=self.ca_name,
            organization=self.ca_organization or None,
            key=self.ca_key_algorithm,
            custody=custody,
            answer=answer or None,
        )
