/**
 * What errors of a disk mean for the events that were to be saved.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";

/** What an error of the operating system means for the event that was to be saved in a directory. */
export function judgeDiskError(error: unknown, directory: string): DeliveryError {
  const { code: systemCode, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const code = String(systemCode ?? name);
  const options = { cause: error };
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return new DeliveryError(
        "output_unavailable",
        `Directory ${directory} is on a full disk: ${code}`,
        options,
      );
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new DeliveryError(
        "output_unavailable",
        `Directory ${directory} cannot be written to: ${code}`,
        options,
      );
    case "EEXIST":
    case "EISDIR":
    case "ELOOP":
    case "ENAMETOOLONG":
    case "ENOTDIR":
      return new DeliveryError(
        "output_rejected",
        `Path ${directory} cannot be a directory: ${code}`,
        options,
      );
    default:
      return new DeliveryError(
        "output_failed",
        `Directory ${directory} did not take the event: ${code}`,
        options,
      );
  }
}
