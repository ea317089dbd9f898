"""A hub that trusts a CA that was bought or created elsewhere.

`ca.pem` holds its chain in any order. Its key comes from the file that CA_KEY_FILE names, so that it is in no configuration;
without it the stack waits for the proof: sign a certificate whose common name is `code` in the output `trust`, and set it as `caProof`.
"""

import os
from pathlib import Path

import pulumi

from hubtrust import CertificateAuthority, Import, TrustedHub

key_file = os.environ.get("CA_KEY_FILE")
source = Import(
    chain=(Path(__file__).parent / "ca.pem").read_text(encoding="utf-8"),
    private_key=Path(key_file).read_text(encoding="utf-8") if key_file else None,
    proof=pulumi.Config().get("caProof"),
)
bought = CertificateAuthority("bought", source=source)
hub = TrustedHub("plant", authorities=[bought])

pulumi.export("hubHostName", hub.host_name)
pulumi.export("trust", hub.trust)
