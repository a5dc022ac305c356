/**
 * `cwm filter`: what a webhook would do with an event, without sending it anywhere.
 *
 * @module
 */

import { ConfigManager } from "../../config/manager.ts";
import type { CompiledWebhook } from "../../config/compile/compiler.ts";
import { openSecrets } from "../../config/secrets/sources.ts";
import { CLOSED_LEASE } from "../../delivery/outputs/output_pool.ts";
import { StartupError } from "../../errors.ts";
import { describeWebhook } from "../../event/names.ts";
import { eventOf } from "../../filters/asked_event.ts";
import { type ExplainedEvent, explainEvent } from "../../filters/explanation.ts";
import { createProvider } from "../../gateway/backends.ts";
import { describeJsonError } from "../../json/error.ts";
import { outputModulesWithin } from "../../modules/registry.ts";
import { logger } from "../../observability/logging.ts";
import type { Settings } from "../../settings/settings.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";
import { linesOf } from "./report.ts";

const HELP = `Shows what a webhook would do with an event, without sending it anywhere

Usage: cwm filter NAMESPACE/ID --event FILE [options]

Options:
  --event FILE        The body of the event
  -H, --header LINE   One of its headers, as 'Name: value'. Several times
  --query QUERY       The query of its URL, such as shop=7
  --json              Prints one JSON object
  -h, --help          Print this help

It reads the configuration as cwm check does, and asks no gateway. For each condition it shows the clauses with their
values, what is absent and which names stand there instead; then the steps that would run and what each would get.

Exit status: 0 the event passes; 1 it is filtered, or no step takes it; 2 a condition or a payload fails, the event
cannot be read, or the webhook cannot be used`;

/** How long the backend may take to give its configuration, and the secrets to be read, in milliseconds. */
const LOAD_TIMEOUT_MS = 10_000;

const STATUS: Readonly<Record<ExplainedEvent["outcome"], number>> = { passes: 0, filtered: 1, error: 2 };

/** Runs the command. Returns the exit status. @param args what follows `filter` on the command line */
export async function filter(
  args: readonly string[],
  settings: () => Settings,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const line = readCommandLine("filter", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const { options, operands: [path, ...others] } = line;
  const [namespace = "", id = "", ...rest] = (path ?? "").split("/");
  if (namespace === "" || id === "" || rest.length > 0 || others.length > 0) {
    throw usageError("filter", "Name one webhook, such as team-a/orders");
  }
  if (typeof options["event"] !== "string") throw usageError("filter", "--event is missing");
  const body = await readEvent(options["event"]);
  const headers = headersIn(options["header"]);
  const webhook = await findWebhook(path!, settings(), environment);
  if (typeof webhook === "string") return refuse(webhook);
  const { filters, eventTypes, steps, dataType, rules } = webhook;
  const explained = {
    filters,
    eventTypes,
    cleanup: rules?.cleanup,
    isJson: dataType !== "blob",
    steps: steps.map(({ name }) => name),
  };
  const query = typeof options["query"] === "string" ? options["query"] : "";
  const event = eventOf(explained, { namespace, webhook: id, headers, query, body });
  if (dataType !== "blob" && !event.body.isJson()) {
    return refuse(describeJsonError(event.body.text, "The event"));
  }
  const explanation = await explainEvent(explained, event);
  if (options["json"] === true) print(JSON.stringify({ webhook: path, ...explanation }));
  else for (const each of linesOf(explanation)) print(each);
  return STATUS[explanation.outcome];
}

function refuse(reason: string): number {
  print(`error: ${reason}`);
  return STATUS.error;
}

async function readEvent(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(file);
  } catch (error) {
    throw usageError("filter", `${file} cannot be read: ${(error as Error).message}`);
  }
}

function headersIn(given: unknown): Headers {
  const headers = new Headers();
  for (const each of Array.isArray(given) ? given.map(String) : []) {
    const colon = each.indexOf(":");
    try {
      headers.append(each.slice(0, colon), each.slice(colon + 1).trim());
    } catch {
      throw usageError("filter", "--header takes 'Name: value'");
    }
  }
  return headers;
}

/** The webhook, or why it cannot be used. */
async function findWebhook(
  path: string,
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<CompiledWebhook | string> {
  await using secrets = await openSecrets(settings);
  const manager = new ConfigManager({
    outputs: { acquire: () => CLOSED_LEASE },
    compile: {
      environment,
      modules: outputModulesWithin(settings.outputBounds),
      auth: settings.auth,
      corsOrigins: settings.corsOrigins,
    },
    secrets,
    logger: logger("config"),
    inspects: false,
  });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => manager.close());
  const provider = stack.use(await createProvider(settings));
  const signal = AbortSignal.timeout(LOAD_TIMEOUT_MS);
  try {
    await provider.start(manager, signal);
    await manager.secretsSettled(signal);
  } catch (cause) {
    throw new StartupError("backend_unreachable", ["The configuration could not be read in time"], { cause });
  }
  const webhook = manager.find(path)?.webhook;
  if (webhook !== undefined) return webhook;
  const [problem] = manager.catalog.problemsOf(describeWebhook(path));
  return problem === undefined ? `There is no webhook ${path}` : `${problem.path}: ${problem.message}`;
}
