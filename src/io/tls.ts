/**
 * Files of certificates, and the TLS settings of a connection: what they name, read and ready for `node:tls`.
 *
 * @module
 */

import { outputFiles } from "./blocking_calls.ts";
import { DeliveryError } from "../errors.ts";
import type { TlsSettings } from "../schema/connection_fields.ts";
import { readSmallFile, type SmallFileOptions, unreadableReason } from "./small_file.ts";

/** Certificates to trust, a certificate and its key, in PEM. */
export interface PemTexts {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Something of each file, if there is one: its path, or the setting that names it. */
type OfEachFile = { readonly [Name in keyof PemTexts]: string | undefined };

/** Options for `node:tls` and what builds on it. Absent ones keep their defaults. */
export interface TlsOptions extends PemTexts {
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** A file of certificates or a key that cannot be read. The message names it and says why. */
export class PemFileError extends Error {
  override readonly name = "PemFileError";
}

/**
 * Reads files of certificates and keys.
 *
 * @param files their paths
 * @param names the settings that name them, for messages
 * @throws {PemFileError} for the first that cannot be read
 */
export async function readPemFiles(
  files: OfEachFile,
  names: OfEachFile,
  options?: SmallFileOptions,
): Promise<PemTexts> {
  const reading = [
    readPem(files.ca, names.ca, options),
    readPem(files.cert, names.cert, options),
    readPem(files.key, names.key, options),
  ] as const;
  // Where one fails, nothing of the others goes on behind the caller's back.
  await Promise.allSettled(reading);
  const [ca, cert, key] = await Promise.all(reading);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

async function readPem(
  path: string | undefined,
  name: string | undefined,
  options: SmallFileOptions | undefined,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readSmallFile(path, options);
  } catch (cause) {
    const file = name === undefined ? path : `${path}, the file of ${name}`;
    throw new PemFileError(`Cannot read ${file}: ${unreadableReason(cause)}`, { cause });
  }
}

/**
 * Reads the files.
 *
 * @param signal ends the wait for files that do not answer
 * @param refuse what their paths must not lead to. @default nothing
 * @throws {DeliveryError} when one cannot be read; the next attempt to open the output reads them again
 */
export async function loadTls(
  { servername, insecure_skip_verify, ...files }: TlsSettings,
  signal?: AbortSignal,
  refuse?: (path: string) => Promise<void>,
): Promise<TlsOptions> {
  const names = { ca: "tls.ca", cert: "tls.cert", key: "tls.key" };
  try {
    const pems = await readPemFiles(files, names, {
      among: outputFiles,
      signal,
      ...(refuse === undefined ? {} : { refuse }),
    });
    return {
      ...pems,
      ...(servername === undefined ? {} : { servername }),
      rejectUnauthorized: !insecure_skip_verify,
    };
  } catch (error) {
    if (!(error instanceof PemFileError)) throw error;
    throw new DeliveryError("output_unavailable", error.message, { cause: error.cause });
  }
}

/** TLS of an endpoint whose files are read whenever a connection is opened. */
export class FileTls {
  /** Equal for equal TLS. */
  readonly key: string;
  readonly #settings: TlsSettings;
  readonly #refuse: ((path: string) => Promise<void>) | undefined;

  /** @param refuse what their paths must not lead to. @default nothing */
  constructor(settings: TlsSettings, refuse?: (path: string) => Promise<void>) {
    this.#refuse = refuse;
    this.key = JSON.stringify(settings);
    this.#settings = settings;
  }

  /** @throws {DeliveryError} as {@linkcode loadTls} */
  load(signal: AbortSignal): Promise<TlsOptions> {
    return loadTls(this.#settings, signal, this.#refuse);
  }
}
