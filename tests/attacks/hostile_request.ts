/** Requests that nobody sends who wants to be served, generated from a seed. */

import { promisify } from "node:util";
import { brotliCompress, constants, deflate, gzip } from "node:zlib";
import type { SeededRandom } from "../faults/random.ts";
import { formatRequest } from "../support/http/raw_http.ts";

const MIB = 1024 * 1024;
const encoder = new TextEncoder();

/** How a request's bytes go over the wire, and how it ends. */
export interface HostileRequest {
  /** For messages: `json objects, gzip, pieces, stalls`. */
  readonly name: string;
  readonly webhook: string;
  readonly head: Uint8Array;
  /** Written one after the other. */
  readonly parts: readonly Uint8Array[];
  /**
   * `whole`: all is sent and the answer is read. `stalls`: the last part is kept back until the answer comes.
   * `leaves`: the connection is closed after half of the parts.
   */
  readonly ending: "whole" | "stalls" | "leaves";
}

type Random = SeededRandom;

/** Bodies by what they cost to hold or to read, of about so many bytes. */
const BODIES: Readonly<Record<string, (random: Random, bytes: number) => string>> = {
  objects: (_, bytes) => list("{}", bytes),
  lists: (_, bytes) => list("[]", bytes),
  "lists in lists": (random, bytes) => list("[".repeat(random.between(2, 40)), bytes, "]"),
  numbers: (random, bytes) => list(String(random.between(0, 100_000)), bytes),
  fractions: (random, bytes) => list(`${random.next() * 1e9}e-${random.between(1, 300)}`, bytes),
  texts: (random, bytes) => list(`"${text(random, random.between(0, 12))}"`, bytes),
  members: (random, bytes) => members(random, bytes),
  "one text": (random, bytes) => `"${text(random, 16).repeat(bytes / 16)}"`,
  escapes: (random, bytes) => `"${`\\u${random.between(0x1000, 0xd000).toString(16)}`.repeat(bytes / 6)}"`,
  nested: (random, bytes) => nested(random.between(1, Math.min(bytes, 200_000))),
  spaces: (_, bytes) => `[${" ".repeat(bytes)}]`,
  broken: (random, bytes) =>
    list(`{"a":[1,{"b":"${text(random, 5)}"}]}`, bytes).slice(0, -random.between(1, 9)),
  zeros: (_, bytes) => "\0".repeat(bytes),
  "form of escapes": (random, bytes) =>
    `payload=${random.pick(["%01", "%22", "%C3%A9", "a"]).repeat(bytes / 3)}`,
  "form of fields": (random, bytes) => `${text(random, 3)}=${text(random, 9)}&`.repeat(bytes / 14),
  "list in a form": (_, bytes) => `payload=${encodeURIComponent(list("[]", bytes / 5))}`,
};

/** Content codings, and what they make of a body. */
const CODINGS: Readonly<Record<string, (body: Uint8Array) => Promise<Uint8Array>>> = {
  "": (body) => Promise.resolve(body),
  gzip: (body) => promisify(gzip)(body),
  deflate: (body) => promisify(deflate)(body),
  br: (body) => promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }),
  "gzip, gzip": async (body) => await promisify(gzip)(await promisify(gzip)(body)),
};

/**
 * Generates one.
 *
 * @param webhooks ids of webhooks, one of which it is sent to
 * @param leastBytes about how long its body is at least before it is coded
 */
export async function generateHostileRequest(
  random: Random,
  webhooks: readonly string[],
  leastBytes = 1,
): Promise<HostileRequest> {
  const kind = random.pick(Object.keys(BODIES));
  const coding = random.pick(Object.keys(CODINGS));
  const text = BODIES[kind]!(random, Math.floor(leastBytes * (11 * MIB / leastBytes) ** random.next()));
  let body = await CODINGS[coding]!(encoder.encode(text));
  if (coding !== "" && random.next() < 0.1) body = body.subarray(0, random.between(0, body.length));
  const isChunked = random.next() < 0.5;
  const ending = random.pick(["whole", "whole", "whole", "stalls", "leaves"] as const);
  const webhook = random.pick(webhooks);
  const head = formatRequest("POST", `/webhook/${webhook}`, {
    headers: {
      "content-type": random.pick([
        "application/json",
        "application/json",
        "application/json; charset=utf-16le",
        "application/json; charset=shift_jis",
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded",
      ]),
      ...(coding === "" ? {} : { "content-encoding": coding }),
      ...(isChunked ? { "transfer-encoding": "chunked" } : { "content-length": String(body.length) }),
      ...(random.next() < 0.2 ? padding(random) : {}),
    },
  });
  const parts = isChunked ? chunks(random, body) : slices(body, 64 * 1024);
  return {
    name: `${kind}, ${coding || "plain"}, ${isChunked ? "chunked, " : ""}${ending}`,
    webhook,
    head,
    parts,
    ending,
  };
}

/** How many requests are generated; senders take them in turn, from then on again. */
const VARIETY = 300;

/** Hostile requests of a seed, one after the other, without end. */
export class HostileRequests {
  readonly #random: Random;
  readonly #webhooks: readonly string[];
  readonly #generated: HostileRequest[] = [];
  #next = 0;

  /** @param webhooks ids of the webhooks that they are sent to */
  constructor(random: Random, webhooks: readonly string[]) {
    this.#random = random;
    this.#webhooks = webhooks;
  }

  /** How many were taken. */
  get taken(): number {
    return this.#next;
  }

  /** Generates all that there are now: it takes seconds of a processor, which senders then leave to others. */
  async prepare(): Promise<void> {
    while (this.#generated.length < VARIETY) await this.#generate();
  }

  async take(): Promise<HostileRequest> {
    const index = this.#next++ % VARIETY;
    return this.#generated[index] ?? await this.#generate();
  }

  async #generate(): Promise<HostileRequest> {
    const request = await generateHostileRequest(this.#random, this.#webhooks);
    this.#generated.push(request);
    return request;
  }
}

/** A text that is expensive to hold or to read, of about so many bytes. */
export function hostileText(random: Random, bytes: number): string {
  return random.pick(Object.values(BODIES))(random, bytes);
}

/** Headers that take room: a long one, or many. */
function padding(random: Random): Record<string, string> {
  const count = random.pick([1, 20, 60]);
  const value = "p".repeat(random.between(1, 7000 / count));
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-pad-${index}`, value]));
}

function list(item: string, bytes: number, close = ""): string {
  const whole = item + close.repeat(close === "" ? 0 : item.length);
  return `[${`${whole},`.repeat(Math.ceil(bytes / (whole.length + 1)))}${whole}]`;
}

function members(random: Random, bytes: number): string {
  const all: string[] = [];
  for (let length = 0, number = 0; length < bytes && number < 200_000; number++) {
    const member = `"${text(random, 4)}${number}":${random.pick(["1", "{}", "[]", "null", '""'])}`;
    all.push(member);
    length += member.length + 1;
  }
  return `{${all.join(",")}}`;
}

function nested(depth: number): string {
  return `${'{"a":['.repeat(depth / 2)}1${"]}".repeat(depth / 2)}`;
}

function text(random: Random, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(random.between(97, 123))).join("");
}

/** Small bodies come in pieces of a byte, larger ones in up to 20,000 of any size. */
function chunks(random: Random, body: Uint8Array): Uint8Array[] {
  const most = random.pick([1, 100, 20_000]);
  const size = Math.max(1, Math.ceil(body.length / most));
  const framed = slices(body, size).map((piece) => {
    const head = encoder.encode(`${piece.length.toString(16)}\r\n`);
    const chunk = new Uint8Array(head.length + piece.length + 2);
    chunk.set(head);
    chunk.set(piece, head.length);
    chunk.set([13, 10], head.length + piece.length);
    return chunk;
  });
  return [...framed, encoder.encode("0\r\n\r\n")];
}

function slices(body: Uint8Array, size: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < body.length; offset += size) parts.push(body.subarray(offset, offset + size));
  return parts;
}
