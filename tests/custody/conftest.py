"""Local Azure with a vault, SoftHSM with a token, and a provider process that finds both through its environment."""

from collections.abc import Iterator

import pytest

from hubtrust.dynamic.issued_certificate import IssuedCertificateProvider
from hubtrust.dynamic.signing_key import SigningKeyProvider
from hubtrust.dynamic.verified_certificate import VerifiedCertificateProvider
from tests.kit import key_stores
from tests.kit.key_stores import Tokens, Vault
from tests.kit.local_azure import Hub, LocalAzure, local_azure
from tests.kit.provider_process import Provider, ProviderProcess


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    """Local Azure; the deployer may create keys and sign with them."""
    with local_azure(tmp_path_factory.mktemp("azure")) as found:
        found.grant(key_stores.OFFICER)
        yield found


@pytest.fixture(scope="session")
def vault(azure: LocalAzure) -> Vault:
    """A vault of the session's own."""
    return key_stores.vault(azure)


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    """SoftHSM with one token, `plant`."""
    found = Tokens(tmp_path_factory.mktemp("softhsm"), key_stores.need_softhsm())
    found.token("plant")
    return found


@pytest.fixture(scope="session")
def process(azure: LocalAzure, request: pytest.FixtureRequest) -> Iterator[ProviderProcess]:
    """`python -m pulumi.dynamic`. Where SoftHSM is not installed, the rest is still tested."""
    tokens = request.getfixturevalue("tokens") if key_stores.softhsm() else None
    with ProviderProcess(key_stores.environment(azure, tokens)) as found:
        yield found


@pytest.fixture
def keys(process: ProviderProcess) -> Provider:
    """The provider of SigningKey."""
    return process.of(SigningKeyProvider)


@pytest.fixture
def issuing(process: ProviderProcess) -> Provider:
    """The provider of IssuedCertificate."""
    return process.of(IssuedCertificateProvider)


@pytest.fixture
def proving(process: ProviderProcess) -> Provider:
    """The provider of VerifiedCertificate."""
    return process.of(VerifiedCertificateProvider)


@pytest.fixture
def hub(azure: LocalAzure) -> Hub:
    """An IoT hub of the test's own."""
    return azure.hub()
