/**
 * The certificate that the gateway serves HTTPS with, taken up again whenever its files have changed.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { FollowedFiles } from "../config/file/watch/followed_files.ts";
import type { ProblemReason } from "../config/problem.ts";
import { StartupError } from "../errors.ts";
import { CertificateError, readCertificate, type UsablePair } from "../io/server/certificate_files.ts";
import type { TlsSettings } from "../settings/tls.ts";
import { pause } from "../time/abortable.ts";

/** How long the second of two files may take to follow the first before they do not match, in milliseconds. */
const SECOND_LOOK_MS = 1_000;

/** Where a problem of the pair is listed. */
const SOURCE = "TLS_CERT";

/** What a certificate is kept up to date for. */
export interface CertificateOptions {
  readonly settings: TlsSettings;
  /** Serves a new pair. @throws {Error} when it cannot be served */
  readonly renew: (pair: UsablePair) => void;
  /** Takes what is wrong with the files, or that nothing is any more. */
  readonly report: (source: string, problem: ProblemReason | undefined) => void;
  readonly logger: Logger;
}

/**
 * Reads the certificate and its key for the start.
 *
 * @throws {StartupError} `settings_invalid` when they cannot be used
 */
export async function readFirstCertificate(settings: TlsSettings, logger: Logger): Promise<UsablePair> {
  try {
    const pair = await readCertificate(settings);
    if (hasExpired(pair)) logger.warning("The certificate of TLS_CERT has expired: most senders refuse it");
    return pair;
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new StartupError("settings_invalid", [`${error.setting}: ${error.message}`], { cause: error });
  }
}

/** Follows the files until it is disposed of. */
export class Certificate implements AsyncDisposable {
  readonly #options: CertificateOptions;
  readonly #files: FollowedFiles;
  #served: UsablePair;

  /** @param served the pair that is served already */
  constructor(options: CertificateOptions, served: UsablePair) {
    this.#options = options;
    this.#served = served;
    const { certFile, keyFile } = options.settings;
    this.#files = new FollowedFiles([certFile, keyFile], (signal) => this.#look(signal), options.logger);
  }

  /** When the certificate that is served ends, in seconds since 1970. */
  get expiresAtSeconds(): number {
    return Math.floor(this.#served.expiresAt / 1000);
  }

  /** Has the files read again soon. */
  lookNow(): void {
    this.#files.lookNow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  /** Two files are never replaced at once: what does not match may do so in a moment. */
  async #look(signal: AbortSignal): Promise<void> {
    let problem = await this.#takeUp(signal);
    if (problem !== undefined) {
      await pause(SECOND_LOOK_MS, signal);
      problem = await this.#takeUp(signal);
    }
    if (!signal.aborted) this.#options.report(SOURCE, problem);
  }

  /** Serves what is in the files. Returns what is wrong with it. */
  async #takeUp(signal: AbortSignal): Promise<ProblemReason | undefined> {
    const { settings, renew, logger } = this.#options;
    try {
      const pair = await readCertificate(settings, signal);
      if (pair.cert === this.#served.cert && pair.key === this.#served.key) {
        if (!hasExpired(pair)) return undefined;
        return problemOf(
          "TLS_CERT",
          "The certificate that is served has expired: put a new one in its place",
        );
      }
      if (hasExpired(pair) && !hasExpired(this.#served)) {
        return problemOf("TLS_CERT", "The certificate in the file has expired");
      }
      renew(pair);
      this.#served = pair;
      logger.info("A new certificate is served, which ends at {expires}", {
        expires: new Date(pair.expiresAt).toISOString(),
      });
      return undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof CertificateError) return problemOf(error.setting, error.message);
      logger.error("The new certificate cannot be served", { error });
      return problemOf("TLS_CERT", "The certificate cannot be served: see the log");
    }
  }
}

/** Where a problem of the certificate is listed, and what is wrong with its files now, for who serves nothing. */
export async function problemOfCertificate(
  settings: TlsSettings,
): Promise<[source: string, problem: ProblemReason | undefined]> {
  try {
    const expired = problemOf("TLS_CERT", "The certificate in the file has expired");
    return [SOURCE, hasExpired(await readCertificate(settings)) ? expired : undefined];
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return [SOURCE, problemOf(error.setting, error.message)];
  }
}

/** The problem of a pair that is not taken up. */
function problemOf(setting: string, message: string): ProblemReason {
  return { code: "certificate_invalid", path: "", message: `${setting}: ${message}` };
}

function hasExpired({ expiresAt }: UsablePair): boolean {
  return expiresAt <= Date.now();
}
