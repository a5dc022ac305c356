/**
 * Calls of services that take an action and a JSON document, and answer with one.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 * @module
 */

import { Buffer } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import type { AwsClient } from "./client.ts";
import { type AwsAnswer, type AwsRefusal, readRefusal } from "./refusal.ts";

/** A document that a service has answered with. */
export type JsonAnswer = Readonly<Record<string, unknown>>;

/** What a service says: yes with a document, or no. */
export type JsonReply =
  | { readonly answer: JsonAnswer; readonly refusal?: undefined }
  | { readonly answer?: undefined; readonly refusal: AwsRefusal };

/** How a service is called. */
export interface JsonDialect {
  /** Stands before the names of actions, for example `AmazonSQS`. */
  readonly target: string;
  readonly version: "1.0" | "1.1";
}

const encoder = new TextEncoder();

/** One service. Disposal breaks all connections. */
export class JsonService implements Disposable {
  readonly #client: AwsClient;
  readonly #dialect: JsonDialect;

  /** @param client closed together with it */
  constructor(client: AwsClient, dialect: JsonDialect) {
    this.#client = client;
    this.#dialect = dialect;
  }

  /** How messages name it. */
  get name(): string {
    return this.#client.name;
  }

  /**
   * Asks for an action.
   *
   * @param document a JSON object, or its text
   * @throws {DeliveryError} when it does not answer, or not as such a service does
   */
  async call(
    action: string,
    document: string | Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<JsonReply> {
    const { target, version } = this.#dialect;
    const received = await this.#client.send({
      method: "POST",
      headers: {
        "content-type": `application/x-amz-json-${version}`,
        "x-amz-target": `${target}.${action}`,
      },
      body: encoder.encode(typeof document === "string" ? document : JSON.stringify(document)),
    }, signal);
    if (received.status !== 200) return { refusal: readRefusal(received) };
    const answer = documentIn(received);
    if (answer !== undefined) return { answer };
    // A page that some device on the way shows to everybody must not pass for a confirmation.
    const message = `${this.name} does not answer ${action} as it should: check endpoint_url`;
    throw new DeliveryError("output_failed", message);
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}

function documentIn({ body }: AwsAnswer): JsonAnswer | undefined {
  try {
    const document: unknown = JSON.parse(
      Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(),
    );
    return typeof document === "object" && document !== null ? document as JsonAnswer : undefined;
  } catch {
    return undefined;
  }
}

/** The objects of a list in an answer; none where there is no such list. */
export function objectsIn(answer: JsonAnswer, key: string): readonly JsonAnswer[] {
  const list = answer[key];
  return Array.isArray(list) ? list.filter((item) => typeof item === "object" && item !== null) : [];
}
