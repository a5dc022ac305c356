"""Signs tokens with PyJWT: a list of orders on standard input, a list of tokens on standard output."""

import json
import sys

import jwt

orders = json.load(sys.stdin)
json.dump([jwt.encode(order["claims"], order["key"], algorithm=order["algorithm"]) for order in orders], sys.stdout)
