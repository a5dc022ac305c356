/**
 * Verifies requests by a scheme: one engine for all providers that sign as data can say.
 *
 * @module
 */

import { EventBody } from "../../event/event.ts";
import { JsonPointer } from "../../json/pointer.ts";
import { type Secrets, secretsCheck } from "../several_secrets.ts";
import type { BodyCheck, BodyVerdict, BodyVerifier, Refusal, RequestToVerify } from "../verifier.ts";
import { prepareCheck, type SignatureCheck } from "./check.ts";
import { SignedContent, type SignedParts } from "./content.ts";
import { keyOf } from "./key.ts";
import { equalText } from "../crypto/constant_time.ts";
import type { Scheme } from "./scheme.ts";
import { noMatch } from "./no_match.ts";
import { readSignatures } from "./signature_values.ts";
import { keyOfContent, keyOfId, keyOfMac, type ReplayTtl } from "./signed_key.ts";
import { judgeTime } from "./timestamp.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a scheme verifies with. */
export interface SchemeOptions {
  readonly scheme: Scheme;
  /** Or public keys. */
  readonly secrets: Secrets;
  /** Names of the secrets, in their order, where requests name one. */
  readonly names?: readonly string[] | undefined;
  /** The URL that the provider knows, for schemes that sign it. @default what the request says */
  readonly publicUrl?: string | undefined;
  readonly replayTtlMs?: ReplayTtl;
  /** In milliseconds since 1970. */
  readonly now: () => number;
}

/** What the head of a request says; texts as they were sent. */
interface SignedHead extends Omit<SignedParts, "body"> {
  /** Signatures by header; one entry where the scheme has one header. */
  readonly signatures: readonly (readonly string[])[];
  /** Tells requests with equal contents apart, where that is not signed. */
  readonly topic: string | undefined;
  /** The content that a signature fitted, without the secret. */
  signed?: Bytes;
}

const NOTHING: { readonly signatures: SignedHead["signatures"]; readonly t?: string } = { signatures: [] };

/** Whether the signatures of a request fit its content, with one secret. Notes the content that they fit. */
type RequestCheck = (head: SignedHead, body: Bytes) => boolean;

/**
 * The check with one secret.
 *
 * @param position of the secret, for schemes in which each has a header of its own
 * @returns `undefined` where the secret has not the form that the scheme needs
 */
export function requestCheck(scheme: Scheme, secret: string, position = 0): RequestCheck | undefined {
  const checks: SignatureCheck[] = [];
  for (const rule of [scheme.key].flat()) {
    const key = keyOf(secret, rule);
    const check = key && prepareCheck(scheme.algorithm, key, scheme.signature.encoding);
    if (check !== undefined) checks.push(check);
  }
  if (checks.length === 0) return undefined;
  const contents = [scheme.content].flat().map((template) => new SignedContent(template));
  const { ownSecrets } = scheme.signature;
  return (head, body) => {
    const { signatures } = head;
    const mine = ownSecrets ? signatures[position] ?? [] : signatures.flat();
    if (mine.length === 0) return false;
    const parts = { ...head, body };
    return contents.some((content) => {
      const bytes = content.of(parts, secret);
      const fits = checks.some((check) => check(bytes, mine));
      if (fits) head.signed = content.names("secret") ? content.of(parts, "") : bytes;
      return fits;
    });
  };
}

/** The verifier of one webhook whose provider signs as data can say. */
export class SchemeVerifier implements BodyVerifier {
  readonly reads = "body";
  readonly #options: SchemeOptions;
  readonly #matches: RequestCheck;
  readonly #headers: readonly string[];
  readonly #readsBody: boolean;
  readonly #needsUrl: boolean;
  readonly #needsId: boolean;
  /** Whether a request has one MAC and no other: it tells requests apart, and is there already. */
  readonly #hasOneMac: boolean;
  /** Where in the signed body the id stands. */
  readonly #idInBody: JsonPointer | undefined;

  constructor(options: SchemeOptions) {
    const { scheme, secrets, names } = options;
    this.#options = options;
    let position = 0;
    this.#matches = secretsCheck(secrets, (secret) => {
      const name = names?.[position];
      const check = requestCheck(scheme, secret, position++);
      if (check === undefined) {
        throw new TypeError("The secret is no key: it should not have been configured");
      }
      if (name === undefined || scheme.keyName === undefined) return check;
      return (head, body) => equalText(head.id, name) && check(head, body);
    });
    this.#headers = [scheme.signature.at].flat().filter((place) => !isPath(place));
    this.#readsBody = [scheme.signature.at, scheme.timestamp?.at, scheme.nonce].some(isPath);
    const contents = [scheme.content].flat().map((template) => new SignedContent(template));
    this.#needsUrl = contents.some((content) =>
      content.names("url") || content.names("urlNoQuery") || content.names("sortedQuery")
    );
    this.#needsId = contents.some((content) => content.names("id"));
    this.#hasOneMac = hasOneMac(scheme);
    const signsBody = scheme.algorithm !== "equal" && contents.every((content) => content.signsBody);
    this.#idInBody = signsBody && isPath(scheme.id) ? JsonPointer.parse(scheme.id) : undefined;
  }

  /** Whether a request has a header in which the scheme's signature stands. */
  isPresentIn(headers: Headers): boolean {
    return this.#headers.some((name) => headers.has(name));
  }

  verify(request: RequestToVerify): Refusal | BodyCheck {
    const head = this.#readHead(request);
    return "code" in head ? head : (body) => this.#checkBody(head, body);
  }

  #readHead(request: RequestToVerify): SignedHead | Refusal {
    const { scheme } = this.#options;
    const { headers } = request;
    for (const [name, value] of Object.entries(scheme.equals)) {
      if (headers.get(name) !== value) return refusal(`The header '${name}' is not '${value}'`);
    }
    const found = this.#headers.length > 0 ? this.#readHeaders(headers) : NOTHING;
    if ("code" in found) return found;
    const t = this.#readTime(headers, found.t);
    if (typeof t !== "string") return t;
    const id = this.#readNamed(headers, this.#needsId ? scheme.id : scheme.keyName);
    if (typeof id !== "string") return id;
    const nonce = this.#readNamed(headers, scheme.nonce);
    if (typeof nonce !== "string") return nonce;
    const url = this.#needsUrl ? this.#urlOf(request) : "";
    if (url === undefined) {
      return refusal("The URL that is signed is not known: set public_url, or PUBLIC_URL of the gateway");
    }
    const topic = scheme.topic === undefined ? undefined : headers.get(scheme.topic) ?? "";
    return { signatures: found.signatures, t, id, nonce, url, method: request.method, topic };
  }

  #readHeaders(
    headers: Headers,
  ): Refusal | { readonly signatures: SignedHead["signatures"]; readonly t?: string } {
    const { signature, timestamp } = this.#options.scheme;
    const signatures: (readonly string[])[] = [];
    let t: string | undefined;
    let isThere = false;
    for (const name of this.#headers) {
      const value = headers.get(name) ?? "";
      const found = value === "" ? undefined : readSignatures(value, signature, timestamp?.field);
      isThere ||= value !== "";
      signatures.push(found?.signatures ?? []);
      t ??= found?.field;
    }
    if (signatures.some(({ length }) => length > 0)) {
      return t === undefined ? { signatures } : { signatures, t };
    }
    const name = this.#headers.join("' or '");
    return refusal(isThere ? `The header '${name}' holds no signature` : `The header '${name}' is missing`);
  }

  /** @param field the time in the signature's own header */
  #readTime(headers: Headers, field: string | undefined): string | Refusal {
    const rule = this.#options.scheme.timestamp;
    if (rule === undefined || isPath(rule.at)) return "";
    const text = rule.at === undefined ? field : firstOf(headers, [rule.at].flat());
    return text === undefined || text === "" ? refusal(NO_TIME) : this.#judgeTime(text) ?? text;
  }

  #judgeTime(text: string): Refusal | undefined {
    const problem = judgeTime(text, this.#options.scheme.timestamp!, this.#options.now());
    return problem === undefined ? undefined : refusal(`The time of the request ${problem}`);
  }

  #readNamed(headers: Headers, name: string | undefined): string | Refusal {
    if (name === undefined || isPath(name)) return "";
    const value = headers.get(name) ?? "";
    return value === "" ? refusal(`The header '${name}' is missing`) : value;
  }

  #urlOf(request: RequestToVerify): string | undefined {
    return this.#options.publicUrl ?? request.publicUrls.resolve(request);
  }

  #checkBody(head: SignedHead, body: Bytes): BodyVerdict {
    const { needsBody, timestamp } = this.#options.scheme;
    if (needsBody && body.length === 0) return refusal("The body is empty");
    if (!this.#readsBody) {
      return this.#matches(head, body) ? this.#keyOf(head, body) : noMatch(this.#needsUrl);
    }
    const whole = this.#withBody(head, EventBody.fromBytes(body));
    if (!this.#matches(whole, body)) return noMatch(this.#needsUrl);
    // Only now: what a stranger claims is not worth an answer of its own.
    const stale = isPath(timestamp?.at)
      ? (whole.t === "" ? refusal(NO_TIME) : this.#judgeTime(whole.t))
      : undefined;
    return stale ?? this.#keyOf(whole, body);
  }

  /** By what a repeat of a request is recognised that has passed. */
  #keyOf({ id, signatures, signed, topic }: SignedHead, body: Bytes): BodyVerdict {
    const { replayTtlMs } = this.#options;
    if (replayTtlMs === undefined) return undefined;
    if (this.#needsId) return keyOfId(id, replayTtlMs);
    const mac = this.#hasOneMac ? signatures[0]?.[0] : undefined;
    const byContent = () =>
      mac === undefined ? keyOfContent(signed ?? body, replayTtlMs, topic) : keyOfMac(mac, replayTtlMs);
    const pointer = this.#idInBody;
    if (pointer === undefined) return byContent();
    // By the time that the document was read, the bytes of a large body may be gone.
    const known = signed === undefined || signed === body ? byContent() : undefined;
    return (document) => {
      const idInBody = idAt(pointer, document);
      return idInBody === "" ? known ?? byContent() : keyOfId(idInBody, replayTtlMs);
    };
  }

  /** What of the head stands in the body. */
  #withBody(head: SignedHead, body: EventBody): SignedHead {
    const { signature, timestamp, nonce } = this.#options.scheme;
    const at = (place: unknown, otherwise: string) => isPath(place) ? textAt(place, body) : otherwise;
    const text = at(signature.at, "");
    const found = text === "" ? undefined : readSignatures(text, signature);
    return {
      ...head,
      signatures: isPath(signature.at) ? [found?.signatures ?? []] : head.signatures,
      t: at(timestamp?.at, head.t),
      nonce: at(nonce, head.nonce),
    };
  }
}

const NO_TIME = "The time of the request is missing";

/**
 * Whether whoever has captured a request has one MAC of it, and cannot make another by leaving something out, as from a
 * list of signatures by several secrets.
 */
function hasOneMac({ algorithm, signature, topic }: Scheme): boolean {
  const { at, ownSecrets, items, pair } = signature;
  const isAlone = typeof at === "string" && !isPath(at) && !ownSecrets && items === undefined &&
    pair === undefined;
  return algorithm.startsWith("hmac-") && isAlone && topic === undefined;
}

/** Whether a place is a JSON Pointer into the body. */
function isPath(place: unknown): place is string {
  return typeof place === "string" && place.startsWith("/");
}

function textAt(path: string, body: EventBody): string {
  return JsonPointer.parse(path)?.scalarIn(body)?.text ?? "";
}

/** A text or a number that says something; empty where there is none. */
function idAt(pointer: JsonPointer, body: EventBody): string {
  const found = pointer.scalarIn(body);
  return found === undefined || found.type === "boolean" || found.text.trim() === "" ? "" : found.text;
}

function firstOf(headers: Headers, names: readonly string[]): string | undefined {
  const name = names.find((each) => headers.has(each));
  return name === undefined ? undefined : headers.get(name) ?? undefined;
}

function refusal(reason: string): Refusal {
  return { code: "unauthorized", reason };
}
