/**
 * Who logs in to etcd. What stands in a file is read at each login, so that a password can be changed without
 * a restart.
 *
 * @module
 */

import { readSmallFile, unreadableReason } from "../../io/small_file.ts";

/** A name or a password: the text itself, or the file that holds it. */
export type Credential = { readonly text: string } | { readonly file: string };

/** A user of etcd. */
export interface EtcdCredentials {
  readonly username: Credential;
  readonly password: Credential;
}

/** A credential that cannot be read. The message names the file. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
}

/** Largest file that is read, in bytes. */
const MAX_BYTES = 64 * 1024;

/**
 * The credential as it is now. One line end at the end of a file is no part of it.
 *
 * @param signal ends the wait for a file that does not answer
 * @throws {CredentialError} when the file cannot be read, is empty or too large
 */
export async function readCredential(credential: Credential, signal: AbortSignal): Promise<string> {
  if ("text" in credential) return credential.text;
  const { file } = credential;
  let text: string;
  try {
    text = (await readSmallFile(file, { maxBytes: MAX_BYTES, signal })).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new CredentialError(`Cannot read ${file}: ${unreadableReason(cause)}`, { cause });
  }
  if (text === "") throw new CredentialError(`Cannot use ${file}: it is empty`);
  return text;
}
