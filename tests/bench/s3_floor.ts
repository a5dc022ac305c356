/**
 * The least client of S3: whole bodies, signed by the library that the output signs with, and sent by `fetch`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import { AwsClient } from "aws4fetch";

/** Objects that are under way at once. */
export const FLOOR_OBJECTS = 64;

/** Stores objects in one bucket of a server. */
export class FloorBucket {
  readonly #client = new AwsClient({
    accessKeyId: "AKIA",
    secretAccessKey: "s3cret",
    region: "us-east-1",
    service: "s3",
    retries: 0,
  });
  readonly #url: string;

  constructor(port: number, bucket: string) {
    this.#url = `http://127.0.0.1:${port}/${bucket}/`;
  }

  /** Stores an object that no other one may stand in the place of, with its checksum and what says which event it is. */
  async put(id: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const sha256 = hash("sha256", body, "hex");
    const response = await this.#client.fetch(this.#url + id, {
      method: "PUT",
      redirect: "manual",
      headers: {
        "content-type": "application/json",
        "if-none-match": "*",
        "x-amz-content-sha256": sha256,
        "x-amz-sdk-checksum-algorithm": "SHA256",
        "x-amz-checksum-sha256": Buffer.from(sha256, "hex").toString("base64"),
        "x-amz-meta-cwm-event-id": id,
        "x-amz-meta-cwm-namespace": "default",
        "x-amz-meta-cwm-webhook": "default",
        "x-amz-meta-cwm-received-at": new Date().toISOString(),
      },
      body,
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`S3 answered ${response.status}`);
  }
}
