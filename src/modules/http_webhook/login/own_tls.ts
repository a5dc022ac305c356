/**
 * TLS of a destination that is not like that of all others: a certificate that says who the gateway is, and authorities
 * to trust instead of the system's.
 *
 * @module
 */

import { ownFiles } from "../../../io/own_files/own_files.ts";
import { createPrivateKey, hash, X509Certificate } from "node:crypto";
import { z } from "zod";
import { DeliveryError } from "../../../errors.ts";
import { outputFiles } from "../../../io/blocking_calls.ts";
import type { EndpointTls } from "../../../io/http/endpoint.ts";
import { PemFileError, type PemTexts, readPemFiles } from "../../../io/tls.ts";
import { reportAt } from "../../../schema/fields.ts";

/** How long what was read of files is used before they are read again, in milliseconds: certificates are renewed. */
const REREAD_MS = 60_000;

/** Texts in PEM, or the paths of files in PEM. */
type Sources = { readonly [Name in keyof PemTexts]: string | undefined };

/** The keys that the parts stand under, for messages. */
type Places = Readonly<Record<keyof PemTexts, readonly string[]>>;

const OF_DESTINATION: Places = {
  ca: ["ca"],
  cert: ["auth", "client_certificate", "cert"],
  key: ["auth", "client_certificate", "key"],
};

/** A server of tokens gets no certificate of the gateway's. */
const OF_TOKEN_SERVER: Places = { ...OF_DESTINATION, ca: ["auth", "oauth2", "ca"] };

const PARTS = Object.keys(OF_DESTINATION) as (keyof PemTexts)[];

/** A text in PEM, or the path of a file in PEM. */
export function pemField(): z.ZodString {
  return z.string().min(1);
}

/** `client_certificate` of `auth`. {@linkcode compileOwnTls} judges it. */
export const clientCertificateSchema = z.strictObject({ cert: pemField(), key: pemField() });

/** TLS of the destinations of a webhook, or of its server of tokens, read when it is first needed. */
export class OwnTls implements EndpointTls {
  readonly key: string;
  readonly #sources: Sources;
  readonly #places: Places;
  #loaded: PemTexts | undefined;
  #rereadAt = 0;

  constructor(sources: Sources, places: Places = OF_DESTINATION) {
    this.#sources = sources;
    this.#places = places;
    this.key = hash("sha256", JSON.stringify(PARTS.map((part) => sources[part])), "hex");
  }

  /**
   * The parts, in PEM.
   *
   * @throws {DeliveryError} when a file cannot be read or holds something else: it can be put right meanwhile
   */
  async load(signal: AbortSignal): Promise<PemTexts> {
    if (this.#loaded !== undefined && performance.now() < this.#rereadAt) return this.#loaded;
    const loaded = await this.#read(signal);
    for (const part of PARTS) {
      const fault = faultIn(loaded, part);
      if (fault !== undefined) throw unavailable(`${this.#places[part].join(".")}: ${fault}`);
    }
    this.#loaded = loaded;
    this.#rereadAt = performance.now() + REREAD_MS;
    return loaded;
  }

  async #read(signal: AbortSignal): Promise<PemTexts> {
    const { ca, cert, key } = this.#sources;
    const files = { ca: pathIn(ca), cert: pathIn(cert), key: pathIn(key) };
    const { ca: caPlace, cert: certPlace, key: keyPlace } = this.#places;
    const names = { ca: caPlace.join("."), cert: certPlace.join("."), key: keyPlace.join(".") };
    try {
      return {
        ...textsIn(this.#sources),
        ...await readPemFiles(files, names, {
          among: outputFiles,
          refuse: (path) => ownFiles.refuse(path),
          signal,
        }),
      };
    } catch (error) {
      if (error instanceof PemFileError) throw unavailable(error.message, { cause: error.cause });
      throw error;
    }
  }
}

/** The TLS of a webhook's destinations; `undefined` where it is the usual one. */
export function compileOwnTls(sources: Sources, issues: z.RefinementCtx): OwnTls | undefined {
  return compileTls(sources, OF_DESTINATION, issues);
}

/** The TLS of a server of tokens; `undefined` where it is the usual one. */
export function compileTokenServerTls(ca: string | undefined, issues: z.RefinementCtx): OwnTls | undefined {
  return compileTls({ ca, cert: undefined, key: undefined }, OF_TOKEN_SERVER, issues);
}

function compileTls(sources: Sources, places: Places, issues: z.RefinementCtx): OwnTls | undefined {
  const texts = textsIn(sources);
  for (const part of PARTS) {
    const fault = texts[part] === undefined ? undefined : faultIn(texts, part);
    if (fault !== undefined) reportAt(issues, places[part], fault);
  }
  return PARTS.every((part) => sources[part] === undefined) ? undefined : new OwnTls(sources, places);
}

/** What is wrong with a part, in words that show nothing of it. */
function faultIn({ ca, cert, key }: PemTexts, part: keyof PemTexts): string | undefined {
  try {
    if (part === "ca" && ca !== undefined) new X509Certificate(ca);
    if (part === "cert" && cert !== undefined) new X509Certificate(cert);
  } catch {
    return "Not a certificate in PEM";
  }
  if (part !== "key" || key === undefined) return undefined;
  try {
    const parsed = createPrivateKey(key);
    if (cert === undefined || new X509Certificate(cert).checkPrivateKey(parsed)) return undefined;
    return "Not the key of the certificate";
  } catch {
    return "Not a private key in PEM, or one with a password";
  }
}

function isPem(text: string): boolean {
  return text.includes("-----BEGIN ");
}

function textsIn(sources: Sources): PemTexts {
  return Object.fromEntries(PARTS.flatMap((part) => {
    const text = sources[part];
    return text !== undefined && isPem(text) ? [[part, text.trim()]] : [];
  }));
}

function pathIn(source: string | undefined): string | undefined {
  return source === undefined || isPem(source) ? undefined : source;
}

function unavailable(message: string, options?: ErrorOptions): DeliveryError {
  return new DeliveryError("output_unavailable", message, options);
}
