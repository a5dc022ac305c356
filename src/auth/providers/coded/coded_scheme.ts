/**
 * The contract of schemes that data cannot describe: one small file each, with its reason.
 *
 * @module
 */

import type { Scheme } from "../../signature/scheme.ts";
import { CannotSignError, type RequestToSign, type SentRequest } from "../../signature/sign.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A request whose head has what the scheme needs. */
export interface SignedRequest {
  readonly headers: Headers;
  readonly method: string;
  /** As the provider knows it; empty where the scheme does not need it. */
  readonly url: string;
  /** As it was sent. */
  readonly body: Bytes;
}

/** Settings of the webhook beside the secret. */
export interface CodedSettings {
  /** Of `braintree`: names the account's key. */
  readonly publicKey?: string | undefined;
  /** Of `atlassian-connect`: the app's own address. */
  readonly baseUrl?: string | undefined;
  /** Of `livekit`: the name of the secret. */
  readonly key?: string | undefined;
}

/** How a provider signs, in code. `Read` is what its signature and its content are found in. */
export interface CodedScheme<Read = unknown> {
  /** Headers without which no body can make the request good. */
  readonly headers: readonly string[];
  /** Whether the URL is signed. */
  readonly needsUrl: boolean;
  /** A time that must be fresh, and where the head has it. */
  readonly timestamp?: NonNullable<Scheme["timestamp"]> & { in(headers: Headers): string | undefined };
  /**
   * Takes a request apart; `undefined` where it is not what the provider sends. Throws nothing.
   *
   * @param now in milliseconds since 1970
   */
  read(request: SignedRequest, now: number): Read | undefined | Promise<Read | undefined>;
  /** Whether a secret has the form that the provider's secrets have. @default any has */
  fits?(secret: string): boolean;
  /** Prepares the check with one secret that fits, in constant time. */
  prepare(secret: string, settings: CodedSettings): (read: Read) => boolean;
  /**
   * What is signed of a request that has passed, without the secret: equal for everything that the same signature fits.
   * Events that are signed alike are one, so where that can happen it has more in it.
   */
  signed(read: Read): string;
  /** The id in what is signed that tells events apart. @default there is none */
  idOf?(read: Read): string | undefined;
  /**
   * Signs a request as the provider does, so that an operator can try a webhook without it.
   *
   * @throws {CannotSignError} when the body is not what the provider would sign
   */
  sign(
    request: RequestToSign,
    secret: string,
    settings: CodedSettings,
  ): SentRequest | Promise<SentRequest>;
}

/** The Content-Type of a form. */
export const FORM_TYPE = "application/x-www-form-urlencoded";

/** A body as text, which is what the provider signs. @throws {CannotSignError} when it is not UTF-8 */
export function textToSign(body: Bytes): string {
  const text = textOf(body);
  if (text === undefined) throw new CannotSignError("The body is not UTF-8");
  return text;
}

/** The request with a form in parts for its body (RFC 7578). */
export async function withMultipartForm(
  { method, url }: RequestToSign,
  fields: Readonly<Record<string, string>>,
): Promise<SentRequest> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const response = new Response(form);
  const headers = { "Content-Type": response.headers.get("content-type") ?? "" };
  return { method, url, headers, body: await response.bytes() };
}

const encoder = new TextEncoder();

/** Text as UTF-8. */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** Bytes as text; `undefined` where they are not UTF-8. */
export function textOf(bytes: Bytes): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not a text.
    return undefined;
  }
}

/** Bytes in base64, written in the one way that there is; `undefined` for any other text. */
export function base64In(text: string): Bytes | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text);
    return bytes.toBase64() === text ? bytes : undefined;
  } catch {
    // Not base64.
    return undefined;
  }
}

/** A JSON object in a text; `undefined` where it is none. */
export function objectIn(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return isObject(value) ? value : undefined;
  } catch {
    // Not JSON.
    return undefined;
  }
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fields of a form in which they were sent; `undefined` where the request is none. */
export async function formOf({ headers, body }: SignedRequest): Promise<FormData | undefined> {
  try {
    return await new Response(body, { headers: { "Content-Type": headers.get("content-type") ?? "" } })
      .formData();
  } catch {
    // Not a form.
    return undefined;
  }
}

/** A field that a form has once, as text. */
export function fieldOf(form: FormData | undefined, name: string): string | undefined {
  const values = form?.getAll(name) ?? [];
  return values.length === 1 && typeof values[0] === "string" ? values[0] : undefined;
}
