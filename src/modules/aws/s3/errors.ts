/**
 * What the errors of S3, and of what speaks like it, mean for the objects that met them.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 * @module
 */

import { pause, reject, retry } from "../../verdicts.ts";
import { AwsVerdicts } from "../verdicts.ts";

/** Status and code of an object that is there already. */
export const EXISTS = { status: 412, code: "PreconditionFailed" } as const;

/** What a bridge to another kind of storage says instead, with 409, which otherwise asks to try again. */
export const EXISTS_ELSEWHERE = "BlobAlreadyExists";

const KEY = reject("does not take a key like that");
const SETTINGS = pause("does not take the settings of the webhook");
const DAMAGED = retry("has received something else than was sent");
const ELSEWHERE = pause("has the bucket in another region: set region and endpoint_url");

/** By the codes of S3, and of MinIO and Ceph where they have others. */
export const S3_VERDICTS = new AwsVerdicts({
  NoSuchBucket: pause("has no such bucket"),
  InvalidBucketName: pause("does not take the name of the bucket"),
  "PermanentRedirect TemporaryRedirect IllegalLocationConstraintException": ELSEWHERE,
  "InvalidObjectName XMinioInvalidObjectName KeyTooLong KeyTooLongError InvalidURI": KEY,
  "XMinioParentIsObject XMinioObjectExistsAsDirectory": reject("has an object where the key needs a folder"),
  "EntityTooLarge EntityTooSmall MaxMessageLengthExceeded": reject("does not take an object of that size"),
  MetadataTooLarge: reject("does not take so much metadata"),
  "BadDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch InvalidDigest IncompleteBody": DAMAGED,
  "ConditionalRequestConflict OperationAborted": retry("is at work on the same key"),
  "QuotaExceeded XMinioStorageFull XMinioAdminBucketQuotaExceeded InsufficientCapacity": pause(
    "has no room left",
  ),
  "InvalidStorageClass InvalidEncryptionAlgorithmError InvalidEncryptionMethod": SETTINGS,
  "ServerSideEncryptionConfigurationNotFoundError InvalidRequest": SETTINGS,
  NotImplemented: pause("does not know something that is asked of it: see checksum and if_none_match"),
}, {
  404: pause("is not there: check endpoint_url"),
  413: reject("does not take an object of that size"),
  507: pause("has no room left"),
});
