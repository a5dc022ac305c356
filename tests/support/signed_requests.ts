/**
 * Requests of a kind's sender, with and without credentials, and what was changed in one of them.
 *
 * @module
 */

import type { Sender, SentRequest } from "../contracts/sender.ts";
import { formatRequest } from "./http/raw_http.ts";
import type { ArrivingRequest, SocketlessGateway } from "./socketless_gateway.ts";

const BODY = new TextEncoder().encode('{"id":"evt_1","action":"push","amount":1250,"items":["a","b"]}');

/** A request to `/webhook/ID` without credentials. */
export function unsignedRequest(webhook: string, origin = "http://localhost", body = BODY): SentRequest {
  return {
    method: "POST",
    url: `${origin}/webhook/${webhook}?source=shop&page=1`,
    headers: [["Host", new URL(origin).host], ["Content-Type", "application/json"]],
    body,
  };
}

/** The bytes of a request over HTTP/1.1. */
export function requestBytes({ method, url, headers, body }: SentRequest): Uint8Array<ArrayBuffer> {
  const { pathname, search } = new URL(url);
  return formatRequest(method, pathname + search, { headers: Object.fromEntries(headers), body });
}

/** The request as it arrives. */
export function arriving({ method, url, headers, body }: SentRequest): ArrivingRequest {
  const arrived = new Headers(headers.map(([name, value]): [string, string] => [name, value]));
  arrived.set("content-length", String(body.length));
  return { method, url, headers: arrived, body };
}

/** How long a challenge is answered, in milliseconds: nonces grow old. */
const CHALLENGE_MS = 30_000;

/** Signs requests with the challenge that the gateway answers one without credentials with. */
export class Signer {
  readonly #sender: Sender;
  readonly #send: (request: SentRequest) => Promise<Response>;
  readonly unsigned: SentRequest;
  #challenge: string | undefined;
  #askedAt = -Infinity;

  /** @param send sends a request to the gateway */
  constructor(sender: Sender, unsigned: SentRequest, send: (request: SentRequest) => Promise<Response>) {
    this.#sender = sender;
    this.unsigned = unsigned;
    this.#send = send;
  }

  /** One whose requests go to a webhook of this gateway. */
  static of(gateway: SocketlessGateway, sender: Sender, webhook: string): Signer {
    return new Signer(sender, unsignedRequest(webhook), (request) => gateway.handle(arriving(request)));
  }

  async sign(): Promise<SentRequest> {
    if (performance.now() - this.#askedAt > CHALLENGE_MS) {
      const response = await this.#send(this.unsigned);
      await response.body?.cancel();
      this.#challenge = response.headers.get("www-authenticate") ?? undefined;
      this.#askedAt = performance.now();
    }
    return await this.#sender.sign(this.unsigned, this.#challenge);
  }
}

/** Something that a sender added to a request. */
export interface Credential {
  readonly place: "header" | "query";
  readonly name: string;
  readonly value: string;
}

/** What a signed request has and the unsigned one has not. */
export function credentialsOf(unsigned: SentRequest, signed: SentRequest): readonly Credential[] {
  const names = new Set(unsigned.headers.map(([name]) => name.toLowerCase()));
  const parameters = new URL(unsigned.url).searchParams;
  return [
    ...signed.headers.filter(([name]) => !names.has(name.toLowerCase()))
      .map(([name, value]) => ({ place: "header" as const, name, value })),
    ...[...new URL(signed.url).searchParams].filter(([name]) => !parameters.has(name))
      .map(([name, value]) => ({ place: "query" as const, name, value })),
  ];
}

/**
 * What a request that was let in has otherwise than the signed one that it was made of, although it must not;
 * `undefined` where it says the same.
 */
export function forgedPart(
  sender: Sender,
  { unsigned, signed, arrived }: {
    readonly unsigned: SentRequest;
    readonly signed: SentRequest;
    readonly arrived: ArrivingRequest;
  },
): string | undefined {
  const meaning = (name: string, value: string) => sender.meaning?.(name, value) ?? value;
  const parameters = parametersOf(arrived.url);
  for (const { place, name, value } of credentialsOf(unsigned, signed)) {
    const found = place === "header" ? arrived.headers.get(name) : onlyOne(parameters.getAll(name));
    if (found === null || meaning(name, found) !== meaning(name, value)) {
      return `${place} ${name}, which is ${JSON.stringify(found)}`;
    }
  }
  const covers = sender.covers ?? [];
  if (covers.includes("body") && !isEqual(arrived.body ?? new Uint8Array(), signed.body)) return "body";
  if (covers.includes("url") && arrived.url !== signed.url) return "url";
  if (covers.includes("method") && arrived.method !== signed.method) return "method";
  return undefined;
}

/** As a URL parser has them; the text need not be a URL. */
function parametersOf(url: string): URLSearchParams {
  const query = url.indexOf("?");
  return new URLSearchParams(query === -1 ? "" : `&${url.slice(query + 1)}`);
}

function onlyOne(values: readonly string[]): string | null {
  return values.length === 1 ? values[0]! : null;
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
