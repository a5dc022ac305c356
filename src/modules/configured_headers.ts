import type { z } from "zod";
import { formOf, type Header, refuseConfiguredHeader } from "../event/header_policy.ts";
import { isSensitiveName } from "../observability/redaction.ts";
import { hasNoOuterWhiteSpace, OUTER_WHITE_SPACE, reportAt } from "../schema/fields.ts";

/**
 * The headers that the key `headers` of a webhook's `module-config` adds to requests, with names in lower case. Those
 * that cannot be sent are reported.
 *
 * @param taken the forms of names that other keys set, and which key does
 */
export function configuredHeaders(
  configured: Readonly<Record<string, string>>,
  taken: ReadonlyMap<string, string>,
  issues: z.RefinementCtx,
): Header[] {
  const headers = new Map<string, string>();
  for (const [name, untrimmed] of Object.entries(configured)) {
    const value = untrimmed.trim();
    const lowerCase = name.toLowerCase();
    const refusal = headers.has(lowerCase)
      ? "This header is given twice"
      : taken.has(formOf(name))
      ? `This header is set by ${taken.get(formOf(name))}`
      : refuseSecret(name, untrimmed) ?? refuseConfiguredHeader(name, value);
    if (refusal === undefined) headers.set(lowerCase, value);
    else reportAt(issues, ["headers", name], refusal);
  }
  return [...headers];
}

/** HTTP removes white space around a value, so that it is no matter but for a secret that was meant to be another. */
function refuseSecret(name: string, value: string): string | undefined {
  return isSensitiveName(name) && !hasNoOuterWhiteSpace(value) ? OUTER_WHITE_SPACE : undefined;
}
