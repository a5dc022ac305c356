/**
 * Asks the gateway on this machine for its health, and knows its address.
 *
 * @module
 */

import { authorityOf } from "../io/address.ts";
import type { Settings } from "../settings/settings.ts";
import { print, printError } from "./terminal.ts";

const TIMEOUT_MS = 3_000;

/**
 * Asks the gateway on this machine whether it is ready, for container health checks without a shell.
 * Returns the exit status: 0 when it is.
 */
export async function healthcheck(settings: Settings): Promise<number> {
  const url = `${localUrl(settings)}/readyz`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    print((await response.text()).trim());
    return response.ok ? 0 : 1;
  } catch (error) {
    printError(`Cannot reach ${url}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** Where the gateway on this machine listens, for those who want to connect to it. */
export function localUrl({ host, port }: Pick<Settings, "host" | "port">): string {
  return `http://${authorityOf(localHost(host), port)}`;
}

/** An address to connect to for an address that is listened on. */
function localHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}
