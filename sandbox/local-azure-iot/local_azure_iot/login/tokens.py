"""Access tokens: signed JWTs with the claims that Azure's clients and services read."""

from __future__ import annotations

import base64
import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from local_azure_iot.clock import Clock
    from local_azure_iot.login.principals import Principal
    from local_azure_iot.store import Store

LIFETIME = 3599  # seconds, as Entra says for client credentials
_KIND = "signing-key"
_CACHE_SIZE = 512


class TokenError(Exception):
    """An invalid token, with the reason as Azure's services word it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Caller:
    """The application that a valid token identifies."""

    object_id: str
    client_id: str
    tenant_id: str


class TokenIssuer:
    """Signs tokens, and checks the tokens that it signed. Their times follow the clock of local Azure."""

    def __init__(self, store: Store, clock: Clock, tenant_id: str) -> None:
        self._clock = clock
        self.tenant_id = tenant_id
        self.issuer = f"https://sts.windows.net/{tenant_id}/"
        self._key = _signing_key(store)
        self._public = self._key.public_key()
        public_der = self._public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.key_id = base64.urlsafe_b64encode(hashlib.sha256(public_der).digest()[:20]).rstrip(b"=").decode()
        self._known: dict[str, dict[str, Any]] = {}

    def jwks(self) -> dict[str, Any]:
        """The signing keys as a JWKS document (RFC 7517)."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._public, as_dict=True)
        return {"keys": [{**key, "use": "sig", "kid": self.key_id, "x5t": self.key_id, "issuer": self.issuer}]}

    def issue(self, principal: Principal, audience: str, *, appidacr: str = "1") -> str:
        """A token for `audience`; `appidacr` is the claim of that name: 1 for a login by secret, 2 for an assertion."""
        now = int(self._clock.timestamp())
        claims = {
            "aud": audience, "iss": self.issuer, "iat": now, "nbf": now, "exp": now + LIFETIME, "aio": "", "appid": principal.client_id,
            "appidacr": appidacr, "idp": self.issuer, "idtyp": "app", "oid": principal.object_id, "rh": "", "sub": principal.object_id,
            "tid": self.tenant_id, "uti": uuid.uuid4().hex[:22], "ver": "1.0", "xms_tcdt": 1500000000,
        }  # fmt: skip
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.key_id, "x5t": self.key_id})

    def caller(self, authorization: str | None, audiences: tuple[str, ...]) -> Caller:
        """The application that sends this `Authorization` header.

        Raises:
            TokenError: The token is missing, expired, not signed by this issuer, or for another audience.
        """
        if not authorization:
            raise TokenError("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenError(
                "AuthenticationFailedInvalidHeader", "Authentication failed. The 'Authorization' header is provided in an invalid format."
            )
        claims = self._claims(token.strip())
        now = self._clock.timestamp()
        if claims["exp"] <= now:
            when = _azure_time(claims["exp"])
            raise TokenError(
                "ExpiredAuthenticationToken",
                f"The access token expiry UTC time '{when}' is earlier than current UTC time '{_azure_time(now)}'.",
            )
        if claims["aud"] not in audiences:
            allowed = ",".join(f"'{audience}'" for audience in audiences)
            raise TokenError(
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. "
                f"It should exactly match with one of the allowed audiences {allowed}.",
            )
        return Caller(claims["oid"], claims["appid"], claims["tid"])

    def _claims(self, token: str) -> dict[str, Any]:
        if token in self._known:
            return self._known[token]
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                issuer=self.issuer,
                # Dates are checked below by local Azure's clock, the audience by each service.
                options={
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": False,
                    "require": ["exp", "aud", "oid", "appid", "tid"],
                },
            )
        except jwt.PyJWTError as error:
            raise TokenError("InvalidAuthenticationToken", "The access token is invalid.") from error
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[token] = claims
        return claims


def _signing_key(store: Store) -> rsa.RSAPrivateKey:
    found = store.get(_KIND, _KIND)
    if found:
        key = serialization.load_pem_private_key(found["pem"].encode(), password=None)
        if isinstance(key, rsa.RSAPrivateKey):
            return key
    created = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = created.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    store.put(_KIND, _KIND, {"pem": pem.decode()})
    return created


def _azure_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.month}/{moment.day}/{moment.year} {moment:%I:%M:%S %p}".replace(" 0", " ")


KEPT_ON_RESET = (_KIND,)
