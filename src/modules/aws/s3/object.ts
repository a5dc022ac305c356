/**
 * Objects: what is stored for an event, or for several.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Event } from "../../../event/event.ts";
import { namingHeaders } from "../../../event/event_headers.ts";
import { forEachForwardable } from "../../../event/header_policy.ts";
import type { S3Config } from "./config.ts";

/** An object, ready to be sent. */
export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** SHA-256 of the body in hexadecimal digits. */
  readonly sha256: string;
}

const METADATA = "x-amz-meta-";

/** Names and values of metadata together, in bytes: MinIO counts the prefix, S3 does not. */
const MAX_METADATA = 2048;

const UNKNOWN_TYPE = "application/octet-stream";
const BATCH_TYPE = "application/x-ndjson";

/** Outside of the event loop. The same bytes give the same bytes: there is no time in them. */
const compressed = promisify(gzip);

/** The object of one event: its body, as it was received. @throws {DeliveryError} `output_rejected` when it has no key */
export async function objectOf(event: Event, config: S3Config): Promise<StoredObject> {
  const key = config.key.of(event);
  const contentType = config.contentType ?? printable(event.headers.get("content-type")) ?? UNKNOWN_TYPE;
  return await made(key, event.body.bytes, contentType, metadataOf(event, config), config);
}

/** The object of several events. @param lines NDJSON */
export async function batchObject(key: string, lines: Uint8Array, config: S3Config): Promise<StoredObject> {
  return await made(key, lines, config.contentType ?? BATCH_TYPE, {}, config);
}

async function made(
  key: string,
  content: Uint8Array,
  contentType: string,
  metadata: Readonly<Record<string, string>>,
  { bucket, compresses, checksum, fixedHeaders }: S3Config,
): Promise<StoredObject> {
  const body = compresses ? await compressed(content) : content;
  const sha256 = hash("sha256", body, "hex");
  const headers: Record<string, string> = { "content-type": contentType, ...metadata, ...fixedHeaders };
  if (compresses) headers["content-encoding"] = "gzip";
  if (checksum === "sha256") {
    headers["x-amz-sdk-checksum-algorithm"] = "SHA256";
    headers["x-amz-checksum-sha256"] = Buffer.from(sha256, "hex").toString("base64");
  }
  if (checksum === "md5") headers["content-md5"] = hash("md5", body, "base64");
  return { bucket, key, headers, body, sha256 };
}

/** What stands beside the body of an event: which one it is, and as many of the received headers as there is room for. */
function metadataOf(event: Event, { forwardsHeaders }: S3Config): Record<string, string> {
  const metadata: Record<string, string> = {};
  let left = MAX_METADATA;
  const add = (name: string, value: string) => {
    const text = asciiText(value);
    const size = METADATA.length + name.length + text.length;
    if (text === "" || size > left) return;
    metadata[METADATA + name] = text;
    left -= size;
  };
  const naming = namingHeaders(event);
  for (let index = 0; index < naming.length; index += 2) add(naming[index]!, naming[index + 1]!);
  if (forwardsHeaders) {
    // As the Python service names them.
    forEachForwardable(event.headers, (name, value) => add(name.replaceAll("-", "_"), value));
  }
  return metadata;
}

/** What a header carries unchanged, as its signature sees it: what is no printable ASCII is percent-encoded. */
function asciiText(value: string): string {
  return value.trim().replaceAll(/ {2,}/g, " ")
    .replaceAll(/[^\x20-\x7e]+/g, (piece) => encodeURIComponent(piece.toWellFormed()));
}

function printable(value: string | null): string | undefined {
  return value !== null && /^[\x20-\x7e]+$/.test(value) ? value : undefined;
}
