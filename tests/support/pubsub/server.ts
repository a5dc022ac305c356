/**
 * A server that speaks as Pub/Sub's REST interface does, records what is published, and refuses what the published
 * limits refuse (https://cloud.google.com/pubsub/quotas). Nothing is known from it about Google's own servers.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { TEST_CERTIFICATE } from "../http/test_certificate.ts";
import { PROJECT } from "./account.ts";

/** A message as it was published. */
export interface PublishedMessage {
  readonly topic: string;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey: string | undefined;
}

/** An answer. */
interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Words of errors and their statuses. */
const ERRORS = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
} as const;

type ErrorWord = keyof typeof ERRORS;

const MAX_REQUEST = 10_000_000;

/** Why a request is not done. */
class Refused extends Error {
  constructor(readonly word: ErrorWord, message: string = word) {
    super(message);
  }
}

/** How a server is started. */
export interface PubsubServerOptions {
  /** Whose tokens it takes, over TLS as `orders.test`. @default nobody is asked for one, over HTTP, as by an emulator */
  readonly account?: TokenJudge;
  /** Whether what is published is kept. @default true */
  readonly records?: boolean;
}

/** Says which tokens are good. */
export interface TokenJudge {
  accepts(token: string): boolean;
}

/** One server, on a free port of 127.0.0.1. */
export class PubsubServer implements AsyncDisposable {
  readonly published: PublishedMessage[] = [];
  /** How many messages each request to publish had, refused ones too. */
  readonly requests: number[] = [];
  /** The tokens that it was given. */
  readonly tokens = new Set<string>();
  /** Whose tokens it takes; nobody's while it is `null`. */
  account: TokenJudge | null | undefined;
  readonly #server: ReturnType<typeof createServer>;
  readonly #topics = new Set<string>();
  readonly #closedTopics = new Set<string>();
  readonly #next: Reply[] = [];
  readonly #records: boolean;

  private constructor({ account, records = true }: PubsubServerOptions) {
    this.account = account;
    this.#records = records;
    const listener: RequestListener = (request, response) => void this.#serve(request, response);
    this.#server = account === undefined
      ? createServer(listener)
      : createSecureServer({ ...TEST_CERTIFICATE }, listener);
  }

  static async start(options: PubsubServerOptions = {}): Promise<PubsubServer> {
    const server = new PubsubServer(options);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Makes a topic, or a right to it, and takes either away. */
  setTopic(topic: string, state: "open" | "closed" | "missing"): void {
    const name = `projects/${PROJECT}/topics/${topic}`;
    if (state === "missing") this.#topics.delete(name);
    else this.#topics.add(name);
    if (state === "closed") this.#closedTopics.add(name);
    else this.#closedTopics.delete(name);
  }

  /** Answers the next request so. */
  answerNext(word: ErrorWord, headers: Readonly<Record<string, string>> = {}): void {
    this.#next.push({ ...errorReply(word, word), headers });
  }

  /** Answers the next request with this, as something in between may. */
  answerNextWith(status: number, body: string): void {
    this.#next.push({ status, body });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Uint8Array);
    } catch {
      return; // It has broken off.
    }
    const { status, body, headers } = this.#next.shift() ?? this.#answer(request, Buffer.concat(chunks));
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  }

  #answer(request: IncomingMessage, body: Buffer): Reply {
    try {
      this.#authenticate(request);
      return { status: 200, body: this.#do(request, body) };
    } catch (error) {
      if (error instanceof Refused) return errorReply(error.word, error.message);
      return errorReply("INTERNAL", String(error));
    }
  }

  #authenticate({ headers }: IncomingMessage): void {
    if (this.account === undefined) return;
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
    this.tokens.add(token);
    if (this.account?.accepts(token) !== true) throw new Refused("UNAUTHENTICATED");
  }

  #do({ method, url = "" }: IncomingMessage, body: Buffer): unknown {
    const [, topic = "", action = ""] = /^\/v1\/(projects\/[^/]+\/topics\/[^/:]+)(:[A-Za-z]+)?$/.exec(url) ??
      [];
    if (method === "POST" && action === ":testIamPermissions") return this.#testRights(topic, body);
    if (!this.#topics.has(topic)) throw new Refused("NOT_FOUND");
    if (method === "GET" && action === "") return { name: topic };
    if (method !== "POST" || action !== ":publish") throw new Refused("INVALID_ARGUMENT", `${method} ${url}`);
    if (this.#closedTopics.has(topic)) throw new Refused("PERMISSION_DENIED");
    return this.#publish(topic.split("/").at(-1)!, body);
  }

  #testRights(topic: string, body: Buffer): unknown {
    const { permissions } = JSON.parse(body.toString()) as { permissions: string[] };
    const may = this.#topics.has(topic) && !this.#closedTopics.has(topic);
    return may ? { permissions } : {};
  }

  #publish(topic: string, body: Buffer): unknown {
    require(body.byteLength <= MAX_REQUEST, "request size");
    const { messages } = JSON.parse(body.toString()) as { messages: Record<string, unknown>[] };
    if (this.#records) this.requests.push(messages.length);
    require(messages.length >= 1 && messages.length <= 1000, "number of messages");
    const read = messages.map((message) => readMessage(topic, message));
    if (this.#records) this.published.push(...read);
    return { messageIds: read.map((_, index) => String(this.published.length + index)) };
  }
}

function errorReply(word: ErrorWord, message: string): Reply {
  return { status: ERRORS[word], body: { error: { code: ERRORS[word], message, status: word } } };
}

function require(condition: boolean, what: string): void {
  if (!condition) throw new Refused("INVALID_ARGUMENT", what);
}

/** @throws {Refused} */
function readMessage(
  topic: string,
  { data = "", attributes = {}, orderingKey, ...rest }: Record<string, unknown>,
): PublishedMessage {
  require(Object.keys(rest).length === 0, "unknown fields");
  const bytes = decoded(data);
  const pairs = Object.entries(attributes as Record<string, unknown>);
  require(bytes.length > 0 || pairs.length > 0, "neither data nor attributes");
  require(pairs.length <= 100, "number of attributes");
  for (const [name, value] of pairs) {
    require(name !== "" && Buffer.byteLength(name) <= 256 && !name.startsWith("goog"), "attribute name");
    require(typeof value === "string" && Buffer.byteLength(value) <= 1024, "attribute value");
  }
  const isKey = typeof orderingKey === "string" && orderingKey !== "" &&
    Buffer.byteLength(orderingKey) <= 1024;
  require(orderingKey === undefined || isKey, "ordering key");
  // What a schema of the topic refuses.
  require(pairs.every(([name]) => name !== "http-refuse" && name !== "x-refuse"), "schema");
  return {
    topic,
    data: bytes,
    attributes: attributes as Record<string, string>,
    orderingKey: orderingKey as string | undefined,
  };
}

function decoded(data: unknown): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(data as string, { lastChunkHandling: "strict" });
  } catch {
    throw new Refused("INVALID_ARGUMENT", "data");
  }
}
