"""What local Azure asks other servers for, as a client: storage accounts and webhooks of its users. These calls block."""

from __future__ import annotations

import ssl
import urllib.request
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signature or key in a URL is for one server: it is not sent to another one."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:  # a redirect is an error
        """None: urllib raises the redirect as an error."""
        del req, fp, code, msg, headers, newurl


def opener(trusted: Path | None) -> urllib.request.OpenerDirector:
    """What opens URLs without a proxy, which may be local Azure's own. ``trusted`` has certificates beside the machine's own roots."""
    trust = ssl.create_default_context()
    if trusted:
        trust.load_verify_locations(trusted)
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust), _NoRedirect())
