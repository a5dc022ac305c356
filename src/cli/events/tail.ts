/**
 * `cwm tail`: shows requests as the gateway answers them.
 *
 * @module
 */

import type { IncomingMessage } from "node:http";
import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import { dataOfEvents } from "../../connector/transports/sse_parser.ts";
import { StartupError } from "../../errors.ts";
import type { AnsweredRequest } from "../../http/tail/tail.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import type { Settings } from "../../settings/settings.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { localAddress, localUrl } from "../healthcheck.ts";
import { print, printError } from "../terminal.ts";

const HELP =
  `Shows requests to webhooks as the gateway on this machine answers them, refused ones with the reason

Usage: cwm tail [NAMESPACE[/ID]] [--refused] [--outcome NAME] [--json]

  NAMESPACE       Those to the webhooks of one namespace
  NAMESPACE/ID    Those to one webhook, which need not exist

Options:
      --refused   Those that were not accepted: with a status from 400 on
      --outcome NAME
                  Those with one outcome: accepted, duplicate, replayed, filtered, probe, challenge, or a code
                  such as unauthorized
      --json      Print one JSON object a line
  -h, --help      Print this help

Each line has the time, the status, the outcome, the webhook, how long it took, how long the body was, the client's
address, the request's id and why it was refused; never headers or bodies. What comes faster than it can be shown is
left out with a count. Ctrl-C ends it. The gateway is asked over HTTP at HOST and PORT, with ADMIN_TOKEN.

Exit status: 0 ended by Ctrl-C; 1 the gateway cannot be asked, or has ended; 2 wrong usage`;

/** How requests that were left out are told of, as an event's data. */
interface Dropped {
  readonly requests: number;
}

/**
 * Runs `cwm tail`. Returns the exit status.
 *
 * @param args what follows the command on the command line
 * @param stop ends it
 * @throws {StartupError} `usage`, or when the gateway cannot be asked
 */
export async function tail(
  args: readonly string[],
  settings: () => Settings,
  stop: AbortSignal = new AbortController().signal,
): Promise<number> {
  const line = readCommandLine("tail", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const query = queryOf(line.operands, line.options);
  const isJson = line.options["json"] === true;
  const from = settings();
  if (from.adminToken === undefined) {
    throw new StartupError("gateway_unreachable", ["Set ADMIN_TOKEN to the gateway's: it shows nobody else"]);
  }
  // The gateway ends an answer after some minutes, and looks at the token again.
  while (!stop.aborted) {
    const answer = await open(from, from.adminToken, query, stop);
    if (answer === undefined) break;
    await show(answer, isJson, stop);
  }
  return 0;
}

/** The answer that goes on; `undefined` where it was stopped meanwhile. */
async function open(
  settings: Settings,
  token: string,
  query: URLSearchParams,
  stop: AbortSignal,
): Promise<IncomingMessage | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const address = localAddress(settings);
  const request = (address.protocol === "https:" ? https : http).request({
    ...address,
    path: `/admin/tail?${query}`,
    headers: { authorization: `Bearer ${token}` },
    signal: stop,
  });
  request.on("response", resolve).on("error", reject).end();
  let answer: IncomingMessage;
  try {
    answer = await promise;
  } catch (cause) {
    if (stop.aborted) return undefined;
    const problem = `Cannot reach the gateway at ${localUrl(settings)}: check HOST and PORT`;
    throw new StartupError("gateway_unreachable", [problem], { cause });
  }
  if (answer.statusCode === 200) return answer;
  answer.resume();
  throw new StartupError("gateway_unreachable", [
    `The gateway at ${localUrl(settings)} answers ${answer.statusCode}: ` +
    (answer.statusCode === 401 ? "set the ADMIN_TOKEN that it was started with" : "see its log"),
  ]);
}

async function show(answer: IncomingMessage, isJson: boolean, stop: AbortSignal): Promise<void> {
  try {
    for await (
      const data of dataOfEvents(Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>)
    ) {
      const told = JSON.parse(data) as AnsweredRequest | Dropped;
      if ("requests" in told) printError(`${told.requests} requests were too fast to be shown`);
      else print(isJson ? data : escapeUnsafe(describe(told)));
    }
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}

function describe(
  { at, namespace, webhook, outcome, status, id, ms, bytes, client, reason }: AnsweredRequest,
): string {
  const line = `${
    new Date(at).toISOString()
  } ${status} ${outcome} ${namespace}/${webhook} ${ms} ms ${bytes} B ${client} ${id}`;
  return reason === undefined ? line : `${line}: ${reason}`;
}

function queryOf(
  [of, ...others]: readonly string[],
  options: Readonly<Record<string, unknown>>,
): URLSearchParams {
  if (others.length > 0) throw usageError("tail", `Unexpected argument '${others[0]}'`);
  const query = new URLSearchParams();
  if (of !== undefined) query.set(of.includes("/") ? "webhook" : "namespace", of);
  if (options["refused"] === true) query.set("refused", "true");
  if (options["outcome"] !== undefined) query.set("outcome", String(options["outcome"]));
  return query;
}
