/**
 * The figures of accepted requests, as the settings ask for them, and the route that shows them.
 *
 * @module
 */

import type { AdminGuard } from "../http/routes/access/guard.ts";
import { statisticsRoute } from "../http/routes/events/statistics.ts";
import { Statistics } from "../http/statistics/statistics.ts";
import type { Route } from "../http/router.ts";
import { logger } from "../observability/logging.ts";
import type { KeptValues } from "../records/kept_values.ts";
import type { Settings } from "../settings/settings.ts";
import { instanceName } from "./shared_port.ts";

/** What the process hands to its gateway. */
interface Given {
  readonly settings: Settings;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The figures; `undefined` where nobody reads any.
 *
 * @param find gives `undefined` for a webhook that is not configured
 */
export function statisticsFor(
  { settings, environment }: Given,
  values: KeptValues,
  find: (path: string) => unknown,
): Statistics | undefined {
  const { statistics, journal } = settings;
  return statistics && new Statistics({
    values,
    // A file is that of one gateway, whatever its host is called today.
    instance: journal.postgres === undefined ? "own" : nameFor(settings, environment),
    makesStore: statistics.isKept,
    isConfigured: (path) => find(path) !== undefined,
    logger: logger("http"),
  });
}

/** Of this gateway among those of its journal: no other one has the same host and port. */
function nameFor(settings: Settings, environment: Given["environment"]): string {
  const name = instanceName(settings, environment) ?? "unnamed";
  return `${name} ${settings.port === 0 ? crypto.randomUUID() : settings.port}`;
}

/** The routes that show them; none where nobody reads any. */
export function statisticsRoutes(
  { statistics: settings, defaultNamespace }: Settings,
  statistics: Statistics | undefined,
  guard: AdminGuard,
): readonly Route[] {
  if (settings === undefined || statistics === undefined) return [];
  return [statisticsRoute({ statistics, guard, token: settings.token, defaultNamespace })];
}
