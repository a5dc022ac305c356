/**
 * Inngest signs the canonical form of the body. No data: the body has to be written again.
 *
 * @module
 */

import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { CannotSignError } from "../../signature/sign.ts";
import { readSignatures } from "../../signature/signature_values.ts";
import { type CodedScheme, isObject, textOf, textToSign, utf8 } from "./coded_scheme.ts";

const SIGNATURE = "x-inngest-signature";
const FORM = {
  items: "&",
  pair: "=",
  name: "s",
  trim: false,
  bare: false,
  timeFirst: false,
  prefix: undefined,
} as const;

interface InngestRequest {
  readonly signatures: readonly string[];
  readonly content: string;
}

/** HMAC-SHA256 in hexadecimal over RFC 8785 JSON and the time (inngest 4.24.0). */
export const inngest: CodedScheme<InngestRequest> = {
  headers: [SIGNATURE],
  needsUrl: false,
  timestamp: { in: timeIn, unit: "s", window: 300, future: 60 },
  read: ({ headers, body }) => {
    const found = readSignatures(headers.get(SIGNATURE) ?? "", FORM);
    const canonical = canonicalJson(textOf(body));
    if (found === undefined || canonical === undefined) return undefined;
    return { signatures: found.signatures, content: canonical + timeIn(headers) };
  },
  signed: ({ content }) => content,
  prepare: (secret) => {
    const digest = digestWith(secret);
    return ({ signatures, content }) => {
      const expected = digest.hex(utf8(content));
      return signatures.some((signature) => equalText(signature, expected));
    };
  },
  sign: ({ method, url, body, now }, secret) => {
    const canonical = canonicalJson(textToSign(body));
    if (canonical === undefined) {
      throw new CannotSignError("The body is not JSON, whose canonical form is signed");
    }
    const time = String(Math.floor(now / 1000));
    const signature = digestWith(secret).hex(utf8(canonical + time));
    return { method, url, body, headers: { [SIGNATURE]: `t=${time}&s=${signature}` } };
  },
};

/** The key is what stands behind the name of the environment. */
function digestWith(secret: string): HmacDigest {
  return new HmacDigest("sha256", utf8(secret.replace(/^signkey-\w+-/, "")));
}

function timeIn(headers: Headers): string | undefined {
  return readSignatures(headers.get(SIGNATURE) ?? "", FORM, "t")?.field;
}

/** RFC 8785: no white space, and names sorted by their code units. `undefined` where the text is not JSON. */
function canonicalJson(text: string | undefined): string | undefined {
  try {
    return JSON.stringify(sorted(JSON.parse(text ?? "")));
  } catch {
    // Not JSON, or nested too deeply.
    return undefined;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const pairs = Object.keys(value).sort().map((name) => [name, sorted(value[name])] as const);
  return Object.fromEntries(pairs);
}
