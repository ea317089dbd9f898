"""Reads an evidence log with securesystemslib (DSSE) and in-toto's own attestation library; prints what each says of every record."""

import json
import sys

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

found = []
for line in sys.stdin.read().splitlines()[:-1]:
    key_id = json.loads(line)["signatures"][0]["keyid"]
    envelope = Envelope.from_dict(json.loads(line))
    payload = json.loads(envelope.payload)
    key = x509.load_pem_x509_certificate(payload["predicate"]["certificate"].encode()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    verified = envelope.verify([SSlibKey(key_id, "ecdsa", "ecdsa-sha2-nistp256", {"public": pem})], 1)
    statement = json_format.ParseDict(payload, statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    found.append([sorted(verified) == [key_id], envelope.payload_type, statement.predicate_type, statement.subject[0].name])
print(json.dumps(found))
