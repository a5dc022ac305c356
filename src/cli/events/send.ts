/**
 * `cwm send`: sends a test event through a webhook, and says how it has ended.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { StartupError } from "../../errors.ts";
import { isCredentialHeader } from "../../event/header_policy.ts";
import { isNamespace, isWebhookId } from "../../event/names.ts";
import type { SentTest } from "../../http/routes/events/send.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import type { RecordPageRow, RecordRow } from "../../records/view.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { localUrl } from "../healthcheck.ts";
import { print } from "../terminal.ts";

const HELP = `Sends a test event through a webhook of the gateway on this machine, and says how it has ended

Usage: cwm send NAMESPACE/ID [options]

Options:
  --data TEXT         The body, or @FILE for that of a file, or @- for standard input  [default: {"test":true}]
  -H, --header LINE   One of its headers, as 'Name: value'. Several times
  --query QUERY       The query of its URL, such as shop=7
  --wait SECONDS      How long its delivery is waited for, up to 300; 0 for not at all  [default: 10]
  --curl              Print the same request as a line for curl instead; values of headers that are known to be
                      credentials are variables of the shell in it
  --json              Print one JSON object
  -h, --help          Print this help

The event takes the way of any other one: data_type, filter, payload, schema, chain, journal and output. Only the
sender's credentials are not asked for: ADMIN_TOKEN with the role of an operator stands for them, and the audit says
so. Its id begins with test-, and outputs that take headers along get cwm-test: true. It counts like any other one.
For a request with a signature see cwm sign.

Exit status: 0 delivered, or not waited for; 1 refused, filtered, failed, or still waiting; 2 wrong usage`;

/** How long the gateway may take to answer, in milliseconds: an output may take its time. */
const TIMEOUT_MS = 120_000;

/** How long a delivery is waited for, in seconds. */
const USUAL_WAIT_SECONDS = 10;
const LONGEST_WAIT_SECONDS = 300;

/** From this status on a sender was not served. */
const FIRST_ERROR = 400;

/** The pause between two questions about a delivery, in milliseconds. */
const PAUSE_MS = 100;

/** Longest body in a word of a shell, in bytes: Linux takes 128 KiB. */
const MAX_WORD = 100_000;

/** What is sent. */
interface Test {
  readonly webhook: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly query: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Runs `cwm send`. Returns the exit status.
 *
 * @param args what follows the command on the command line
 * @throws {StartupError} `usage`, or when the gateway cannot be asked
 */
export async function send(args: readonly string[], settings: () => Settings): Promise<number> {
  const line = readCommandLine("send", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const { options } = line;
  const test = await testOf(line.operands, options);
  const waitSeconds = secondsOf(options["wait"]);
  const from = settings();
  if (options["curl"] === true) {
    print(curlLine(test, localUrl(from)));
    return 0;
  }
  if (from.adminToken === undefined) {
    throw new StartupError("gateway_unreachable", [
      "Set ADMIN_TOKEN to the gateway's: it takes no order without",
    ]);
  }
  const client = new AdminClient(from, from.adminToken, TIMEOUT_MS);
  const { headers, body, ...place } = test;
  const sent = await client.ask(
    "POST",
    "/admin/send",
    undefined,
    JSON.stringify({ ...place, headers: Object.fromEntries(joined(headers)), body_base64: body.toBase64() }),
  ) as SentTest;
  const delivery = await deliveryOf(client, sent, waitSeconds);
  if (options["json"] === true) print(JSON.stringify({ ...sent, delivery }));
  else tell(sent, delivery);
  return delivery.state === "delivered" || (delivery.state === "waiting" && waitSeconds === 0) ? 0 : 1;
}

/** How a test event has ended, as far as that was waited for. */
interface Delivery {
  /** `not_accepted`: see the outcome. The others are states of events. */
  readonly state: "not_accepted" | "delivered" | "waiting" | "under_way" | "in_channel" | "dead_letter";
  /** Why the last attempt has failed. */
  readonly reason?: string;
}

/** Asks the gateway until the delivery has ended, or has been waited for long enough. */
async function deliveryOf(client: AdminClient, sent: SentTest, waitSeconds: number): Promise<Delivery> {
  // Where very much comes for the webhook, its outcome may not be known any more, and the status is.
  const isAccepted = sent.outcome === "accepted" || (sent.outcome === null && sent.status < FIRST_ERROR);
  if (!isAccepted) return { state: "not_accepted" };
  if (sent.accept === "delivered") return { state: "delivered" };
  const endsAt = performance.now() + waitSeconds * 1_000;
  for (;;) {
    const row = await recordOf(client, sent);
    // What was delivered is not kept unless the settings say so.
    if (row === undefined || row.state === "delivered") return { state: "delivered" };
    const delivery: Delivery = {
      state: row.state as Delivery["state"],
      ...(row.reason === undefined ? {} : { reason: `${row.reason}: ${row.message ?? ""}` }),
    };
    if (row.state === "dead_letter" || performance.now() >= endsAt) return delivery;
    await sleep(PAUSE_MS);
  }
}

/** The event in the journal; `undefined` once it has left it. */
async function recordOf(client: AdminClient, { event_id: id }: SentTest): Promise<RecordRow | undefined> {
  const page = await client.ask("GET", `/admin/events?id=${encodeURIComponent(id)}`) as RecordPageRow;
  return page.events[0];
}

const SENTENCES: Readonly<Record<Exclude<Delivery["state"], "not_accepted">, string>> = {
  delivered: "It is delivered",
  waiting: "It waits for its next attempt",
  under_way: "Its delivery is under way",
  in_channel: "It stands in its channel and waits for a connector",
  dead_letter: "It cannot be delivered, and is a dead letter",
};

function tell({ event_id: id, outcome, status, answer }: SentTest, { state, reason }: Delivery): void {
  print(escapeUnsafe(`Event ${id}: ${outcome ?? "not known"}, answered with ${status}`));
  if (state === "not_accepted") print(escapeUnsafe(answer.trim()));
  else print(escapeUnsafe(reason === undefined ? SENTENCES[state] : `${SENTENCES[state]}: ${reason}`));
}

async function testOf(
  [webhook = "", ...others]: readonly string[],
  options: Readonly<Record<string, unknown>>,
): Promise<Test> {
  const [namespace = "", id = "", ...more] = webhook.split("/");
  if (!isNamespace(namespace) || !isWebhookId(id) || more.length > 0 || others.length > 0) {
    throw usageError("send", "Name one webhook, such as team-a/orders");
  }
  return {
    webhook,
    headers: headersOf(options["header"]),
    query: typeof options["query"] === "string" ? options["query"] : "",
    body: await bodyOf(options["data"]),
  };
}

function headersOf(given: unknown): Test["headers"] {
  const headers = (Array.isArray(given) ? given.map(String) : []).map((line) => {
    const colon = line.indexOf(":");
    const header = [line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const;
    if (colon < 1 || !isHeader(header)) throw usageError("send", "--header takes 'Name: value'");
    return header;
  });
  return headers.some(([name]) => name.toLowerCase() === "content-type")
    ? headers
    : [["content-type", "application/json"], ...headers];
}

/** Those of one name as one, as HTTP has it. */
function joined(headers: Test["headers"]): Headers {
  return new Headers(headers.map(([name, value]) => [name, value]));
}

function isHeader(header: readonly [string, string]): boolean {
  try {
    new Headers([[...header]]);
    return true;
  } catch {
    return false;
  }
}

async function bodyOf(given: unknown): Promise<Uint8Array<ArrayBuffer>> {
  const text = typeof given === "string" ? given : '{"test":true}';
  if (!text.startsWith("@")) return new TextEncoder().encode(text);
  const file = text.slice(1);
  if (file === "-") return await new Response(Deno.stdin.readable).bytes();
  try {
    return await Deno.readFile(file);
  } catch (error) {
    throw usageError("send", `${file} cannot be read: ${(error as Error).message}`);
  }
}

function secondsOf(given: unknown): number {
  if (given === undefined) return USUAL_WAIT_SECONDS;
  const seconds = Number(given);
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= LONGEST_WAIT_SECONDS) return seconds;
  throw usageError("send", `--wait takes whole seconds up to ${LONGEST_WAIT_SECONDS}`);
}

/**
 * The request as a line for a POSIX shell. Values of headers that are known to be credentials are variables that whoever
 * runs it sets. A body that no word of a shell can hold stands there in base64, and so does a long one.
 */
function curlLine({ webhook, headers, query, body }: Test, origin: string): string {
  const url = new URL(`${origin}/webhook/${webhook}`);
  url.search = query;
  const lines = headers.map(([name, value]) => `-H ${headerWord(name, value)}`);
  // Without -g curl makes several requests of brackets and braces.
  const curl = [`curl -g -i ${quoted(url.href)}`, ...lines].join(" ");
  const text = body.byteLength > MAX_WORD ? undefined : textOf(body);
  return text === undefined
    ? `echo ${body.toBase64()} | base64 -d | ${curl} --data-binary @-`
    : `${curl} --data-raw ${quoted(text)}`;
}

function headerWord(name: string, value: string): string {
  if (isCredentialHeader(name.toLowerCase())) return `${quoted(`${name}: `)}"$${variableFor(name)}"`;
  // curl takes a name with nothing behind its colon for a header to leave out.
  return quoted(value === "" ? `${name};` : `${name}: ${value}`);
}

/** The text of a body; `undefined` where it has bytes that a word of a shell cannot have. */
function textOf(body: Uint8Array<ArrayBuffer>): string | undefined {
  if (body.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

/** A word of a POSIX shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function variableFor(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}
