"""Signs and sends what standard input describes with requests-oauthlib, and prints the statuses.

Each request is an object with `url`, `client` (the arguments of OAuth1), and `form` or `json`.
"""

import json
import sys

import requests
from requests_oauthlib import OAuth1

statuses = []
for sent in json.load(sys.stdin):
    auth = OAuth1(**sent["client"])
    if "form" in sent:
        answer = requests.post(sent["url"], data=[tuple(field) for field in sent["form"]], auth=auth, timeout=30)
    else:
        body = json.dumps(sent["json"], ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        answer = requests.post(sent["url"], data=body, headers=headers, auth=auth, timeout=30)
    statuses.append(answer.status_code)

print(json.dumps(statuses))
