import { abortable } from "../../time/abortable.ts";
import type { SecretLookup } from "../secrets/lookup.ts";
import { type Environment, substitute, type Substituted } from "./substitution.ts";

/**
 * Replaces the references of a value that is read once and not followed: secrets are waited for, and then let
 * go.
 *
 * @param secrets left out, every reference to a secret is a problem
 * @throws {DOMException} the signal's reason, when it aborts before all secrets were asked for
 */
export async function substituteOnce(
  value: unknown,
  environment: Environment,
  secrets: SecretLookup | undefined,
  signal: AbortSignal,
): Promise<Substituted> {
  const lookups = { environment, ...(secrets === undefined ? {} : { secrets }) };
  const first = substitute(value, lookups);
  if (secrets === undefined || first.secrets === undefined) return first;
  const { keys } = first.secrets;
  for (const key of keys) secrets.use(key);
  try {
    await abortable(secrets.settled(), signal);
    return substitute(value, lookups);
  } finally {
    for (const key of keys) secrets.release(key);
  }
}
