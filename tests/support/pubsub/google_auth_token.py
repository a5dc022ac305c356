"""Checks a token for Pub/Sub with Google's library, which also makes one itself; prints what both say."""

import json
import sys

from google.auth import jwt

AUDIENCE = "https://pubsub.googleapis.com/"

asked = json.load(sys.stdin)
certificates = {asked["account"]["private_key_id"]: asked["public_key"]}
claims = jwt.decode(asked["token"], certs=certificates, audience=AUDIENCE)
own = jwt.Credentials.from_service_account_info(asked["account"], audience=AUDIENCE)
own.refresh(None)
json.dump({
    "claims": claims,
    "header": jwt.decode_header(asked["token"]),
    "own_claims": jwt.decode(own.token, certs=certificates, audience=AUDIENCE),
    "own_header": jwt.decode_header(own.token),
}, sys.stdout)
