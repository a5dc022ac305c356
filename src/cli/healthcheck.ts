import type { Settings } from "../settings/settings.ts";
import { localUrl } from "./local_url.ts";
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
