/**
 * The buckets of one connection: storing objects there, and finding out whether that would be done.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import type { DeliveryResult, ModuleContext } from "../../module.ts";
import { type AwsAnswer, readRefusal } from "../refusal.ts";
import { AwsClient, AwsRefused } from "../client.ts";
import { comparableHost } from "../../../io/destination_policy.ts";
import { endpointOf } from "../connection.ts";
import type { S3Config } from "./config.ts";
import type { S3Connection } from "./connection.ts";
import { EXISTS, EXISTS_ELSEWHERE, S3_VERDICTS } from "./errors.ts";
import { encodeStrictly, pathOf } from "./key.ts";
import type { StoredObject } from "./object.ts";

/** The outcome of storing an object. */
export interface Storing {
  readonly result: DeliveryResult;
  /** Whether it may be stored although that was not confirmed. */
  readonly mayBeStored: boolean;
}

const SERVICE = { title: "S3", id: "s3", verdicts: S3_VERDICTS } as const;

/** A client of the buckets of one connection. */
export class ObjectStore implements Disposable {
  readonly #client: AwsClient;
  readonly #usesPaths: boolean;
  readonly #hostname: string;

  constructor(connection: S3Connection, context: Pick<ModuleContext, "traces">) {
    this.#client = AwsClient.open(SERVICE, connection, context);
    this.#usesPaths = connection.usesPaths;
    this.#hostname = comparableHost(endpointOf(connection, SERVICE.id).hostname);
  }

  /** Stores an object. One that is there already under its key is its own, since keys say whose they are. Never throws. */
  async put({ bucket, key, headers, body, sha256 }: StoredObject, signal: AbortSignal): Promise<Storing> {
    const request = { method: "PUT", ...this.#place(bucket, `/${pathOf(key)}`), headers, body, sha256 };
    try {
      return this.#judge(await this.#client.send(request, signal), bucket);
    } catch (error) {
      if (error instanceof DeliveryError) return { result: error, mayBeStored: true };
      throw error;
    }
  }

  /**
   * Does what an object needs without leaving one: begins an upload in parts, for which the same right is asked as for
   * storing an object, and gives it up.
   *
   * @throws {DeliveryError} when there is no bucket, or an object would not be taken
   */
  async probe({ bucket, key, fixedHeaders }: S3Config, signal: AbortSignal): Promise<void> {
    const { "if-none-match": _, ...headers } = fixedHeaders;
    const path = `/${pathOf(`${startOf(key.start)}cwm-probe-${crypto.randomUUID()}`)}`;
    const place = (query: string) => this.#place(bucket, `${path}?${query}`);
    const { body } = await this.#ask({ method: "POST", ...place("uploads="), headers }, bucket, signal);
    const id = /<UploadId>([^<]+)<\/UploadId>/.exec(new TextDecoder().decode(body))?.[1];
    if (id === undefined) throw this.#stranger();
    // One that may not be given up holds nothing, and whoever may write there wrote it.
    await this.#client.send({ method: "DELETE", ...place(`uploadId=${encodeStrictly(id)}`) }, signal);
  }

  /**
   * Looks whether the service answers and knows the credentials.
   *
   * @throws {DeliveryError} when it does not
   */
  async probeService(signal: AbortSignal): Promise<void> {
    try {
      await this.#client.ask({ method: "GET" }, "the credentials", signal);
    } catch (error) {
      if (!(error instanceof AwsRefused)) throw error;
      // Who may only write to a bucket may not list them all.
      if (error.refusal.code !== "AccessDenied") throw error.error;
    }
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async #ask(
    request: Parameters<AwsClient["ask"]>[0],
    bucket: string,
    signal: AbortSignal,
  ): Promise<AwsAnswer> {
    try {
      return await this.#client.ask(request, nameOf(bucket), signal);
    } catch (error) {
      throw error instanceof AwsRefused ? error.error : error;
    }
  }

  #judge(answer: AwsAnswer, bucket: string): Storing {
    const { status, headers } = answer;
    if (status >= 200 && status < 300) {
      // What some device on the way shows to everybody must not pass for a confirmation.
      const isOfS3 = headers.etag !== undefined;
      return { result: isOfS3 ? "delivered" : this.#stranger(), mayBeStored: true };
    }
    const refusal = readRefusal(answer);
    const { code } = refusal;
    if (status === EXISTS.status && code === EXISTS.code || code === EXISTS_ELSEWHERE) {
      return { result: "delivered", mayBeStored: true };
    }
    const result = S3_VERDICTS.judge(refusal, this.#client.name, nameOf(bucket));
    return { result, mayBeStored: status >= 500 };
  }

  #stranger(): DeliveryError {
    return new DeliveryError(
      "output_unavailable",
      `${this.#client.name} does not answer as S3 does: check endpoint_url`,
    );
  }

  /** Where a path of a bucket is. */
  #place(bucket: string, path: string): { readonly hostname?: string; readonly path: string } {
    // No certificate for all buckets is one for names with dots.
    const isInPath = this.#usesPaths || bucket.includes(".");
    return isInPath ? { path: `/${bucket}${path}` } : { hostname: `${bucket}.${this.#hostname}`, path };
  }
}

function nameOf(bucket: string): string {
  return `bucket '${bucket}'`;
}

/** Whole parts of keys, up to the last slash. */
function startOf(literal: string): string {
  return literal.slice(0, literal.lastIndexOf("/") + 1);
}
