/**
 * How the journal logs in to its server.
 *
 * @module
 */

import type { ConnectionOptions } from "node:tls";
import { PostgresError } from "../../../io/postgres/errors.ts";
import type { PostgresLogin } from "../../../io/postgres/open.ts";
import { readSmallFile, unreadableReason } from "../../../io/small_file.ts";
import { PemFileError, readPemFiles } from "../../../io/tls.ts";
import type { PostgresSettings, PostgresTls } from "../../../settings/journal/postgres_url.ts";
import { JOURNAL_EXPLANATIONS } from "./explanations.ts";

/** The login of the settings. Files of passwords and certificates are read at each connection. */
export function journalLogin(settings: PostgresSettings): PostgresLogin {
  return {
    user: settings.user,
    database: settings.database,
    applicationName: "cwm",
    password: (signal) => passwordOf(settings, signal),
    missingPassword: "and neither JOURNAL nor JOURNAL_PASSWORD_FILE has one",
    tls: (signal) => tlsOf(settings.tls, signal),
    explanations: JOURNAL_EXPLANATIONS,
  };
}

async function passwordOf({ password }: PostgresSettings, signal: AbortSignal): Promise<string | undefined> {
  if (password === undefined) return undefined;
  if ("text" in password) return password.text;
  try {
    return (await readSmallFile(password.file, { signal })).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new PostgresError(
      `The file of JOURNAL_PASSWORD_FILE cannot be read: ${unreadableReason(cause)}`,
      { endsConnection: true, cause },
    );
  }
}

async function tlsOf(tls: PostgresTls | undefined, signal: AbortSignal): Promise<ConnectionOptions | false> {
  if (tls === undefined) return false;
  const { caFile, certFile, keyFile, verifies } = tls;
  const names = { ca: "sslrootcert", cert: "sslcert", key: "sslkey" };
  try {
    const pems = await readPemFiles({ ca: caFile, cert: certFile, key: keyFile }, names, { signal });
    return {
      ...pems,
      rejectUnauthorized: verifies !== "nothing",
      ...(verifies === "authority" ? { checkServerIdentity: () => undefined } : {}),
    };
  } catch (error) {
    if (!(error instanceof PemFileError)) throw error;
    throw new PostgresError(error.message, { endsConnection: true, cause: error });
  }
}
