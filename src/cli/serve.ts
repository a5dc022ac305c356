/**
 * The command `serve`: a gateway from its start to the signal that ends it.
 *
 * @module
 */

import { Gateway } from "../gateway/gateway.ts";
import type { OutputModule } from "../modules/module.ts";
import { outputModulesWithin } from "../modules/registry.ts";
import { leadsToJournal } from "../observability/journal_stream.ts";
import { returnLargePieces } from "../io/memory/allocator.ts";
import { standardLineWriter } from "../io/line_writer.ts";
import { notifyServiceManager, type ServiceState } from "../io/server/service_manager.ts";
import { logger, logWarnings, setUpLogging } from "../observability/logging.ts";
import { logUnhandledErrors } from "../observability/unhandled_errors.ts";
import type { Settings } from "../settings/settings.ts";
import { within } from "../time/within.ts";
import { endWithin } from "./exit/exit.ts";
import { ProcessSignals } from "./signals.ts";

/** How long a start that is stopped may take to clean up, in milliseconds. */
const STOPPED_START_MS = 2_000;

/**
 * Runs the gateway until a signal ends it. Returns the exit status.
 *
 * @param modules the output modules that webhooks may use
 * @param signals those that end it or have it reload, also while it starts
 */
export async function serve(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  modules: readonly OutputModule[] = outputModulesWithin(settings.outputBounds),
  signals: ProcessSignals = new ProcessSignals(),
): Promise<number> {
  returnLargePieces();
  // Events go to standard output and the gateway's own log to standard error, so that either can be redirected.
  await using lines = standardLineWriter("stdout");
  await using records = standardLineWriter("stderr");
  await using logging = setUpLogging({
    level: settings.log.level,
    format: settings.log.format,
    toJournal: leadsToJournal(environment["JOURNAL_STREAM"]),
    writer: records,
  });
  using _unhandled = logUnhandledErrors(logger("gateway"));
  logWarnings("gateway", settings.warnings);
  const notify = (state: ServiceState) =>
    notifyServiceManager(environment["NOTIFY_SOCKET"], state).catch((error) =>
      logger("gateway").warning("Cannot say {state} to the service manager", { state, error })
    );
  const starting = Gateway.start({
    settings,
    environment,
    lines,
    modules,
    droppedLogRecords: () => logging.droppedRecords,
    stop: signals.stop,
    onReady: () => void notify("READY=1"),
  });
  const stopped = await Promise.race([signals.ended, starting.then(() => undefined)]);
  if (stopped !== undefined) {
    logger("gateway").info("Stopped by {signal} before the start was over", { signal: stopped });
    await within(STOPPED_START_MS, dispose(starting));
    return 0;
  }
  await using gateway = await starting;
  signals.onReload(() => {
    gateway.reload().catch((error) =>
      logger("config").error("Reloading the configuration failed", { error })
    );
  });
  // Nobody balances load to a gateway at a terminal, where Ctrl-C is meant.
  const { graceMs, timeoutMs } = settings.shutdown;
  const serveOnMs = await signals.ended === "SIGINT" ? 0 : graceMs;
  void notify("STOPPING=1");
  endWithin(serveOnMs + timeoutMs);
  await gateway.drain(serveOnMs);
  return 0;
}

/** Takes down what has started after all. That it could not start is no news any more. */
async function dispose(starting: Promise<Gateway>): Promise<void> {
  const [started] = await Promise.allSettled([starting]);
  if (started.status === "fulfilled") await started.value[Symbol.asyncDispose]();
}
