/** What tests do at a service of S3 past everything that is tested: make buckets, and look what is in them. */

import { fromFileUrl } from "@std/path";
import type { AwsClient } from "../../../src/modules/aws/client.ts";
import { pathOf } from "../../../src/modules/aws/s3/key.ts";
import { motoClient, motoEnvironment, type MotoPlace, sharedMoto } from "./moto.ts";

/** An object as it was found. */
export interface FoundObject {
  readonly key: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** An object as boto3 has read it. */
export interface BotoObject {
  readonly key: string;
  readonly body: Uint8Array;
  readonly content_type: string;
  readonly content_encoding: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly checksum: string | null;
  readonly storage_class: string | null;
}

const NEVER = new AbortController().signal;
const READER = fromFileUrl(new URL("./boto_objects.py", import.meta.url));

/** Buckets of one service. */
export class BucketDesk implements Disposable {
  readonly #client: AwsClient;

  constructor(readonly place: MotoPlace) {
    this.#client = motoClient(place, "s3");
  }

  static async open(): Promise<BucketDesk> {
    return new BucketDesk(await sharedMoto());
  }

  /** A name that no other test has. */
  static name(beginning = "test"): string {
    return `${beginning}-${crypto.randomUUID()}`;
  }

  async makeBucket(name: string = BucketDesk.name()): Promise<string> {
    const body = new TextEncoder().encode(
      "<CreateBucketConfiguration><LocationConstraint>eu-north-1</LocationConstraint></CreateBucketConfiguration>",
    );
    await this.#client.ask({ method: "PUT", path: `/${name}`, body }, name, NEVER);
    return name;
  }

  /** Takes a bucket away, with all that is in it. */
  async removeBucket(name: string): Promise<void> {
    for (const key of await this.keys(name)) {
      await this.#client.ask({ method: "DELETE", path: `/${name}/${pathOf(key)}` }, name, NEVER);
    }
    await this.#client.ask({ method: "DELETE", path: `/${name}` }, name, NEVER);
  }

  async keys(bucket: string): Promise<readonly string[]> {
    const keys: string[] = [];
    for (let next: string | undefined = ""; next !== undefined;) {
      const page = next === "" ? "" : `&continuation-token=${encodeURIComponent(next)}`;
      const request = { method: "GET", path: `/${bucket}?list-type=2${page}` };
      const xml = new TextDecoder().decode((await this.#client.ask(request, bucket, NEVER)).body);
      for (const [, key = ""] of xml.matchAll(/<Key>([^<]*)<\/Key>/g)) {
        keys.push(key.replaceAll("&amp;", "&"));
      }
      next = /<NextContinuationToken>([^<]+)</.exec(xml)?.[1];
    }
    return keys;
  }

  /** Uploads in parts that were begun and neither completed nor given up. */
  async unfinished(bucket: string): Promise<number> {
    const answer = await this.#client.ask({ method: "GET", path: `/${bucket}?uploads=` }, bucket, NEVER);
    return new TextDecoder().decode(answer.body).match(/<UploadId>/g)?.length ?? 0;
  }

  /** @param known keys of objects that are not read again */
  async objects(
    bucket: string,
    known: { has(key: string): boolean } = new Set<string>(),
  ): Promise<readonly FoundObject[]> {
    const keys = (await this.keys(bucket)).filter((key) => !known.has(key));
    return await Promise.all(keys.map(async (key) => {
      const request = { method: "GET", path: `/${bucket}/${pathOf(key)}` };
      const { body, headers } = await this.#client.ask(request, key, NEVER);
      return { key, body, headers };
    }));
  }

  /** The objects as an independent client reads them, which compares checksums. */
  async readByBoto(bucket: string): Promise<readonly BotoObject[]> {
    const { aws_access_key_id, aws_secret_access_key } = this.place.root;
    const { success, stdout, stderr } = await new Deno.Command("python3", {
      args: [READER, `http://127.0.0.1:${this.place.port}`, bucket],
      env: {
        ...await motoEnvironment(),
        AWS_ACCESS_KEY_ID: aws_access_key_id,
        AWS_SECRET_ACCESS_KEY: aws_secret_access_key,
      },
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const found: readonly (Omit<BotoObject, "body"> & { readonly body: string })[] = JSON.parse(
      new TextDecoder().decode(stdout),
    );
    return found.map((object) => ({ ...object, body: Uint8Array.fromBase64(object.body) }));
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}
