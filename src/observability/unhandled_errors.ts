import type { Logger } from "@logtape/logtape";
import { ReportLimiter } from "./report_limiter.ts";

/**
 * The last handler of errors that nobody handled, which are bugs of the program or of a library: they are in the log
 * like everything else, and the process goes on. A gateway that ends takes all webhooks with it. What libraries warn of,
 * which the runtime would print, is there at `debug`.
 *
 * Disposal gives them back to the runtime, which prints them and, for errors, ends the process.
 */
export function logUnhandledErrors(logger: Logger): Disposable {
  const reports = new ReportLimiter();
  const report = (event: Event, error: unknown, message: string) => {
    event.preventDefault();
    const detail = error instanceof Error ? error.message : "";
    reports.run(`${message} ${detail}`, (suppressed) => logger.error(message, { error, suppressed }));
  };
  const onRejection = (event: PromiseRejectionEvent) =>
    report(event, event.reason, "A promise was rejected and nobody handled it: this is a bug");
  const onError = (event: ErrorEvent) =>
    report(event, event.error, "An error was thrown and nobody caught it: this is a bug");
  const onWarning = (warning: Error) =>
    logger.debug("A library warns: {name}: {text}", { name: warning.name, text: warning.message });
  const printing = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", onWarning);
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    [Symbol.dispose]: () => {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
      process.off("warning", onWarning);
      for (const print of printing) process.on("warning", print);
    },
  };
}
