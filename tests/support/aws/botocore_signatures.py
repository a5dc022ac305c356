# Signs requests again with botocore, as they say when and with which headers they were signed.
import json
import sys

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def signature(request):
    credentials = Credentials(request["keyId"], request["secret"], request["token"])
    auth_class = S3SigV4Auth if request["service"] == "s3" else SigV4Auth
    auth = auth_class(credentials, request["service"], request["region"])
    again = AWSRequest("POST", request["url"], request["headers"], request["body"].encode())
    again.context["timestamp"] = request["headers"]["x-amz-date"]
    text = auth.string_to_sign(again, auth.canonical_request(again))
    return auth.signature(text, again)


print(json.dumps([signature(request) for request in json.load(sys.stdin)]))
