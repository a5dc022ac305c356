/**
 * What errors of a disk mean for the events that were to be saved.
 *
 * @module
 */

import { type DeliveryError, errorCode } from "../../errors.ts";
import { pause, reject, retry, verdictError, VerdictTable } from "../verdicts.ts";

/** By the codes of the operating system. */
const VERDICTS = new VerdictTable({
  "ENOSPC EDQUOT": pause("is on a full disk"),
  "EACCES EPERM EROFS": pause("cannot be written to"),
  "EEXIST EISDIR ELOOP ENAMETOOLONG ENOTDIR": reject("cannot be a directory"),
}, retry("did not take the event"));

/** What an error of the operating system means for the event that was to be saved in a directory. */
export function judgeDiskError(error: unknown, directory: string): DeliveryError {
  const code = errorCode(error);
  const verdict = VERDICTS.find(code);
  const noun = verdict.kind === "reject" ? "Path" : "Directory";
  return verdictError(verdict, `${noun} ${directory} ${verdict.text}: ${code}`, { cause: error });
}
