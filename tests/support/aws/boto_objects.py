"""Prints the objects of a bucket, as boto3 reads them, whose checksums it compares: endpoint, bucket."""

import base64
import json
import sys

import boto3

endpoint, bucket = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, region_name="eu-north-1")
objects = []
for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
    answer = s3.get_object(Bucket=bucket, Key=entry["Key"], ChecksumMode="ENABLED")
    objects.append(
        {
            "key": entry["Key"],
            "body": base64.b64encode(answer["Body"].read()).decode(),
            "content_type": answer["ContentType"],
            "content_encoding": answer.get("ContentEncoding"),
            "metadata": answer["Metadata"],
            "checksum": answer.get("ChecksumSHA256"),
            "storage_class": answer.get("StorageClass"),
        }
    )
print(json.dumps(objects))
