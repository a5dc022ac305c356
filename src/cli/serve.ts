import { Gateway } from "../gateway.ts";
import type { OutputModule } from "../modules/module.ts";
import { outputModules } from "../modules/registry.ts";
import { leadsToJournal } from "../observability/journal_stream.ts";
import { standardLineWriter } from "../observability/line_writer.ts";
import { logger, setUpLogging } from "../observability/logging.ts";
import { logUnhandledErrors } from "../observability/unhandled_errors.ts";
import type { Settings } from "../settings.ts";
import { endWithin } from "./exit.ts";
import { firstSignal } from "./signals.ts";

/**
 * Runs the gateway until a signal ends it. Returns the exit status.
 *
 * @param modules the output modules that webhooks may use
 */
export async function serve(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  modules: readonly OutputModule[] = outputModules,
): Promise<number> {
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
  for (const warning of settings.warnings) logger("gateway").warning(warning);
  await using gateway = await Gateway.start({
    settings,
    environment,
    lines,
    modules,
    droppedLogRecords: () => logging.droppedRecords,
  });
  using _reload = onSignal("SIGHUP", () => {
    gateway.reload().catch((error) =>
      logger("config").error("Reloading the configuration failed", { error })
    );
  });
  // Nobody balances load to a gateway at a terminal, where Ctrl-C is meant.
  const { graceMs, timeoutMs } = settings.shutdown;
  const serveOnMs = await firstSignal() === "SIGINT" ? 0 : graceMs;
  endWithin(serveOnMs + timeoutMs);
  await gateway.drain(serveOnMs);
  return 0;
}

function onSignal(name: Deno.Signal, listener: () => void): Disposable {
  Deno.addSignalListener(name, listener);
  return { [Symbol.dispose]: () => Deno.removeSignalListener(name, listener) };
}
