"""Sends the event that standard input describes by digest authentication, twice with requests and once with urllib.

Prints the statuses. The first request goes without credentials; the library answers the challenge.
"""

import json
import sys
import urllib.error
import urllib.request

import requests
from requests.auth import HTTPDigestAuth

sent = json.load(sys.stdin)
url, user, password, body = sent["url"], sent["username"], sent["password"], sent["body"].encode()

session = requests.Session()
session.auth = HTTPDigestAuth(user, password)
# The second request has the nonce of the first one, with the next count.
statuses = [session.post(url, data=body, timeout=30).status_code for _ in range(2)]

if not sent["urllib"]:
    print(json.dumps(statuses))
    sys.exit()

passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
passwords.add_password(None, url, user, password)
opener = urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(passwords))
try:
    statuses.append(opener.open(urllib.request.Request(url, body), timeout=30).status)
except urllib.error.HTTPError as error:
    statuses.append(error.code)

print(json.dumps(statuses))
