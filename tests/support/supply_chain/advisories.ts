/**
 * Asks the npm registry for known flaws of the packages, as `npm audit` does.
 *
 * @module
 */

import type { Package } from "./packages.ts";

const TIMEOUT_MS = 30_000;

/** What the registry says of one flaw, as far as it is needed here. */
interface Advisory {
  readonly severity: string;
  readonly title: string;
  readonly url: string;
  readonly vulnerable_versions: string;
}

/**
 * A line for each known flaw; or, where the registry has no such service, why nothing was checked.
 *
 * @param registry its address, with or without a slash at the end
 */
export async function knownFlaws(
  packages: readonly Package[],
  registry: string,
): Promise<readonly string[] | { readonly notChecked: string }> {
  const versions: Record<string, string[]> = {};
  for (const { name, version } of packages) (versions[name] ??= []).push(version);
  const response = await fetch(new URL("-/npm/v1/security/advisories/bulk", registry.replace(/\/?$/, "/")), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(versions),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) {
    await response.body?.cancel();
    return { notChecked: `the registry answers ${response.status}` };
  }
  const found = await response.json() as Readonly<Record<string, readonly Advisory[]>>;
  return Object.entries(found).flatMap(([name, advisories]) =>
    advisories.map(({ severity, title, url, vulnerable_versions: range }) =>
      `${name} ${range}: ${severity}: ${title} (${url})`
    )
  );
}
