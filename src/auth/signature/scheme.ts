/**
 * How a provider signs its requests, as data. Presets are written in this form, and so are users' own schemes.
 *
 * @module
 */

import { z } from "zod";
import { JsonPointer } from "../../json/pointer.ts";
import { parseTemplate } from "./content.ts";

/**
 * How a text becomes a key. `nfkd`: its compatibility decomposition in UTF-8; `sha1`: its digest; `spki`: a public key
 * in PEM, or in base64 alone.
 */
const KEY_FORMS = ["text", "nfkd", "hex", "base64", "sha1", "spki"] as const;

/** How a signature or a digest is written. Other spellings of the same bytes are refused. */
const ENCODINGS = ["hex", "base64", "base64url"] as const;

/** What is computed. `equal`: nothing, the request carries the secret itself, in base64 where the encoding says so. */
const ALGORITHMS = [
  "hmac-sha256",
  "hmac-sha1",
  "hmac-sha384",
  "hmac-sha512",
  "sha256",
  "sha1",
  "ed25519",
  "ecdsa-p256-sha256",
  "equal",
] as const;

/** How a time is written: seconds or milliseconds since 1970 in digits, RFC 3339, an HTTP date, or any text. */
const TIME_UNITS = ["s", "ms", "rfc3339", "http-date", "text"] as const;

/** Longest tolerance, in seconds. */
const MAX_WINDOW = 7 * 24 * 3600;

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "Must be the name of a header");

const bodyPath = z.string().refine((text) => text !== "" && JsonPointer.parse(text) !== undefined, {
  error: "Must be a JSON Pointer such as /data/id",
});

/** Where a value stands: in a header, or in the body (a JSON Pointer, also for fields of a form). */
const place = z.union([headerName, z.string().startsWith("/").pipe(bodyPath)]);

const template = z.string().superRefine((text, context) => {
  const problem = parseTemplate(text);
  if (typeof problem === "string") context.addIssue({ code: "custom", message: problem });
});

const keyRule = z.union([
  z.enum(KEY_FORMS),
  z.strictObject({
    /** A prefix that is removed. */
    strip: z.string().min(1),
    form: z.enum(KEY_FORMS),
    /** What a secret without the prefix is: taken as it is, refused, or the key itself. */
    without: z.enum(["same", "refused", "text"]).default("same"),
  }),
]);

/** The schema of a scheme, as a user may write it. */
export const schemeSchema = z.strictObject({
  signature: z.strictObject({
    /** Header, headers of which any may hold it, or JSON Pointer into the body. */
    at: z.union([place, z.array(headerName).min(1).max(10)]),
    /** The first header is for the first secret, the second for the second, and so on. */
    ownSecrets: z.boolean().default(false),
    /** Stands before the signature in the header, such as `sha256=` or `Bearer `. */
    prefix: z.string().min(1).optional(),
    /** Cuts the value in pieces, each with one signature or field. */
    items: z.enum([",", ";", " ", "&"]).optional(),
    /** Whether white space around the pieces is left out. */
    trim: z.boolean().default(false),
    /** Stands between name and value of a piece. */
    pair: z.enum(["=", ","]).optional(),
    /** Name of the pieces that hold a signature. */
    name: z.string().min(1).optional(),
    /** Whether the first piece is the time, and no signature. */
    timeFirst: z.boolean().default(false),
    /** Whether pieces without a name are signatures, too. */
    bare: z.boolean().default(false),
    encoding: z.enum(ENCODINGS).default("hex"),
  }),
  algorithm: z.enum(ALGORITHMS).default("hmac-sha256"),
  /** One rule, or several that are all tried. */
  key: z.union([keyRule, z.array(keyRule).min(1).max(3)]).default("text"),
  /** What is signed; or several ways to write it, any of which may be signed. */
  content: z.union([template, z.array(template).min(1).max(3)]).default("{body}"),
  timestamp: z.strictObject({
    /** Several headers: the first one that is there. */
    at: z.union([place, z.array(headerName).min(1).max(3)]).optional(),
    /** Name of the piece of the signature's header that holds it; any name where the first piece is the time. */
    field: z.string().min(1).optional(),
    unit: z.enum(TIME_UNITS),
    /** How old it may be, in seconds. Left out: any age. */
    window: z.number().min(1).max(MAX_WINDOW).optional(),
    /** How far in the future it may be, in seconds. */
    future: z.number().min(0).max(60).default(60),
  }).refine(({ at, field }) => (at === undefined) !== (field === undefined), {
    error: "Needs either 'at' or 'field'",
  }).optional(),
  /**
   * Tells deliveries apart: a header that a request must have where the content names it, or a JSON Pointer into the
   * body. Where it is not signed, it has no effect.
   */
  id: place.optional(),
  /**
   * Header with the type of the event, where events of several types are signed alike. It is not signed, so whoever
   * sends a captured request with another type has it taken for a new one.
   */
  topic: headerName.optional(),
  /** What the content names as `{nonce}`. */
  nonce: place.optional(),
  /** Header that names the secret, where each has a name. */
  keyName: headerName.optional(),
  /** Headers that must have exactly this value. */
  equals: z.record(headerName, z.string()).default({}),
  /** Where the type of the event stands; of several places, at the first one that has it. */
  event: z.union([place, z.array(place).min(1).max(5)]).optional(),
  /** Whether a request without a body is refused. */
  needsBody: z.boolean().default(false),
});

/** A scheme as it is written. */
export type SchemeSource = z.input<typeof schemeSchema>;

/** A scheme with its defaults. */
export type Scheme = z.output<typeof schemeSchema>;

export type SchemeAlgorithm = Scheme["algorithm"];
export type SignatureEncoding = typeof ENCODINGS[number];
export type KeyForm = typeof KEY_FORMS[number];
export type KeyRule = z.output<typeof keyRule>;
export type TimeUnit = typeof TIME_UNITS[number];
