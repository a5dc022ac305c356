/**
 * TLS settings of a connection: the keys that all modules share, and the files behind them.
 *
 * @module
 */

import type { ConnectionOptions } from "node:tls";
import { z } from "zod";
import { booleanField } from "../schema_fields.ts";

const pathField = z.string().min(1);

/** The value of a connection's key `tls`: strict, and all keys may be left out. */
export const tlsSchema = z.strictObject({
  ca: pathField.optional().meta({
    description: "File with the certificate authorities to trust, in PEM. Default: those of the system.",
  }),
  cert: pathField.optional().meta({ description: "File with the client's certificate, in PEM." }),
  key: pathField.optional().meta({ description: "File with the key of the client's certificate, in PEM." }),
  servername: z.string().min(1).optional().meta({
    description: "Name that the server's certificate must be for. Default: the host that is connected to.",
  }),
  insecure_skip_verify: booleanField().default(false).meta({
    description: "`true`: any certificate will do, so anyone on the way can read and change everything.",
  }),
}).refine((tls) => (tls.cert === undefined) === (tls.key === undefined), {
  error: "The client's certificate and its key are needed together: give cert and key, or neither",
});

/** Where TLS settings are kept. */
export type TlsFiles = z.infer<typeof tlsSchema>;

/**
 * Reads the files, in the form that `node:tls` takes. Call it for each new client, so that renewed
 * certificates are taken up.
 *
 * @throws {Error} when a file cannot be read
 */
export async function readTls(files: TlsFiles): Promise<ConnectionOptions> {
  const read = (path: string | undefined) => path === undefined ? undefined : Deno.readTextFile(path);
  const [ca, cert, key] = await Promise.all([read(files.ca), read(files.cert), read(files.key)]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(files.servername === undefined ? {} : { servername: files.servername }),
    ...(files.insecure_skip_verify ? { rejectUnauthorized: false } : {}),
  };
}
