/**
 * A certificate and its key in files, as a server needs them.
 *
 * @module
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readSmallFile, unreadableReason } from "../small_file.ts";
import type { TlsPair } from "./lasting_server.ts";

/** Where the two are. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate with its key that a server can be opened with. */
export interface UsablePair extends TlsPair {
  /** When the certificate ends, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** A certificate or a key that cannot be used. The message says why; it holds neither, nor where the key is. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";

  /** @param setting the variable that names the file */
  constructor(readonly setting: "TLS_CERT" | "TLS_KEY", message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * Reads both files, and makes sure that the one belongs to the other. An expired certificate is none that cannot be
 * used.
 *
 * @param signal ends the wait for files that do not answer
 * @throws {CertificateError}
 */
export async function readCertificate(files: CertificateFiles, signal?: AbortSignal): Promise<UsablePair> {
  const cert = await readFile(files.certFile, "TLS_CERT", signal);
  const key = await readFile(files.keyFile, "TLS_KEY", signal);
  const certificate = certificateIn(cert);
  if (!certificate.checkPrivateKey(keyIn(key))) {
    throw new CertificateError(
      "TLS_KEY",
      "The key is not that of the certificate. Are both files of the same renewal?",
    );
  }
  requireServable({ cert, key });
  return { cert, key, expiresAt: certificate.validToDate.getTime() };
}

async function readFile(
  path: string,
  setting: "TLS_CERT" | "TLS_KEY",
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    return await readSmallFile(path, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new CertificateError(setting, `Cannot read the file: ${unreadableReason(cause)}`, { cause });
  }
}

function certificateIn(text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw new CertificateError("TLS_CERT", "The file holds no certificate in PEM", { cause });
  }
}

function keyIn(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    const message = "The file holds no private key in PEM, or one with a passphrase";
    throw new CertificateError("TLS_KEY", message, { cause });
  }
}

/** The runtime's own word: a server that nobody can reach is opened with them, and closed. */
function requireServable(pair: TlsPair): void {
  try {
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair }).close();
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrNotAvailable) return;
    throw new CertificateError("TLS_CERT", "The runtime cannot serve this certificate with its key", {
      cause,
    });
  }
}
