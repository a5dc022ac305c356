/**
 * TLS settings of a connection: their schema, and the files that they name, read and ready for `node:tls`.
 *
 * @module
 */

import { z } from "zod";
import { outputFiles } from "./blocking_calls.ts";
import { DeliveryError } from "../errors.ts";
import { booleanField } from "../schema/fields.ts";
import { allEnded } from "../time/all_ended.ts";
import { readSmallFile, UnreadableFileError } from "./small_file.ts";

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

/** Options for `node:tls` and what builds on it. Absent ones keep their defaults. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/**
 * Reads the files.
 *
 * @param signal ends the wait for files that do not answer
 * @throws {DeliveryError} when one cannot be read; the next attempt to open the output reads them again
 */
export async function loadTls(settings: TlsSettings, signal?: AbortSignal): Promise<TlsOptions> {
  const [ca, cert, key] = await allEnded([
    readPem("tls.ca", settings.ca, signal),
    readPem("tls.cert", settings.cert, signal),
    readPem("tls.key", settings.key, signal),
  ]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(settings.servername === undefined ? {} : { servername: settings.servername }),
    rejectUnauthorized: !settings.insecure_skip_verify,
  };
}

async function readPem(
  name: string,
  path: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readSmallFile(path, { among: outputFiles, signal });
  } catch (error) {
    const isOurs = error instanceof UnreadableFileError;
    const reason = isOurs ? error.message : error instanceof Error ? error.name : String(error);
    const message = `Cannot read ${path}, the file of ${name}: ${reason}`;
    throw new DeliveryError("output_unavailable", message, { cause: error });
  }
}
