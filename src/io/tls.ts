/**
 * Files of certificates, and the TLS settings of a connection: their schema, and what they name, read and ready for
 * `node:tls`.
 *
 * @module
 */

import { z } from "zod";
import { outputFiles } from "./blocking_calls.ts";
import { DeliveryError } from "../errors.ts";
import { booleanField } from "../schema/fields.ts";
import { allEnded } from "../time/all_ended.ts";
import { readSmallFile, type SmallFileOptions, unreadableReason } from "./small_file.ts";

const pathField = z.string().min(1);

/** The `tls` key of a connection. Files are in PEM. */
export const tlsSchema = z.strictObject({
  ca: pathField.optional().meta({
    description: "File with the certificate authorities to trust. Default: those of the system.",
  }),
  cert: pathField.optional().meta({ description: "File with the gateway's own certificate; needs `key`." }),
  key: pathField.optional().meta({ description: "File with the key of `cert`." }),
  servername: z.string().min(1).optional().meta({
    description: "The name that the server's certificate must have. Default: the host.",
  }),
  insecure_skip_verify: booleanField().default(false).meta({
    description: "`true`: takes any certificate, so anybody on the way can read and change what is sent.",
  }),
}).refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
  error: "cert and key belong together: give both or neither",
});

/** A parsed `tls` key. */
export type TlsSettings = z.output<typeof tlsSchema>;

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
  const [ca, cert, key] = await allEnded([
    readPem(files.ca, names.ca, options),
    readPem(files.cert, names.cert, options),
    readPem(files.key, names.key, options),
  ]);
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
 * @throws {DeliveryError} when one cannot be read; the next attempt to open the output reads them again
 */
export async function loadTls(
  { servername, insecure_skip_verify, ...files }: TlsSettings,
  signal?: AbortSignal,
): Promise<TlsOptions> {
  const names = { ca: "tls.ca", cert: "tls.cert", key: "tls.key" };
  try {
    const pems = await readPemFiles(files, names, { among: outputFiles, signal });
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
