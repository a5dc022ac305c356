/**
 * The report of `cwm check --json`. Its keys are stable: others may be added, none of them goes or changes its meaning.
 *
 * @module
 */

import type { Problem, Warning } from "../../config/problem.ts";
import type { StartupError } from "../../errors.ts";
import { flattenJson } from "../../observability/safe_text.ts";
import type { ProbeResult } from "../probe_connections.ts";

/** A problem or warning, and where it comes from. */
type Placed = Pick<Problem | Warning, "key" | "path" | "code" | "message"> & {
  /** `webhooks.json:12`; `undefined` where that is not known. */
  readonly place: string | undefined;
};

/** What was found. */
export interface CheckReport {
  /** Whether the exit status is 0. */
  readonly ok: boolean;
  readonly problems: readonly Placed[];
  readonly warnings: readonly Placed[];
  /** Warnings of environment variables. */
  readonly settings: readonly string[];
  /** The first webhooks that everybody may send to without a word of it in their configuration. */
  readonly open: readonly string[];
  /** How many of them there are. */
  readonly openCount: number;
  readonly webhooks: number;
  readonly connections: number;
  /** With `--probe`: what came of asking each system. */
  readonly probes: readonly ProbeResult[] | undefined;
}

/** The report as a document on one line. */
export function reportAsJson(report: CheckReport): string {
  const { ok, problems, warnings, settings, open, openCount, webhooks, connections, probes } = report;
  return oneLine({
    ok,
    problems: problems.map(shown),
    warnings: warnings.map(shown),
    settings,
    open: { count: openCount, webhooks: open },
    webhooks,
    connections,
    probes: probes?.map(({ place, module, failures }) => ({
      subject: place,
      module,
      failures: failures.map(({ code, message }) => ({ code, message })),
    })),
  });
}

/** Why there is no report, as a document on one line. */
export function failureAsJson({ code, problems }: StartupError): string {
  return oneLine({ ok: false, error: { code, messages: problems } });
}

function shown({ key, path, code, message, place }: Placed): Placed {
  return { key, path, code, message, place };
}

/** Without characters that a terminal would act on. */
function oneLine(document: unknown): string {
  return flattenJson(JSON.stringify(document));
}
