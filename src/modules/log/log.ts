/**
 * The `log` output: one line of JSON per event on standard output.
 *
 *     {"timestamp":"2026-01-31T12:00:00.000Z","level":"info","category":"cwm.event","event_id":"…",
 *      "received_at":"2026-01-31T12:00:00.000Z","namespace":"default","webhook":"orders",
 *      "headers":{"content-type":"application/json"},"payload":{"id":42}}
 *
 * - The fields before `event_id` are those of the gateway's log, which a container's log mixes with events.
 *
 * - The payload is the body as it was sent, digit by digit, on one line. A body that is not JSON becomes a
 *   string of its text; bytes that are not UTF-8 become U+FFFD in it.
 * - An event takes at most 10,000 characters. What is longer is cut and stays valid JSON: the payload
 *   becomes a string with its beginning, followed by `"truncated":true` and the length of the whole body
 *   as `"characters"`, or as `"bytes"` where the body was read as such; headers that do not fit are counted in `"headers_omitted"`.
 * - No payload or header can end the line or control the terminal (`observability/safe_text.ts`).
 *
 * @module
 */

import { z } from "zod";
import { DeliveryError } from "../../errors.ts";
import type { Event, EventBody } from "../../event/event.ts";
import { type LineWriter, LineWriterError } from "../../io/line_writer.ts";
import { mayHoldSensitiveName, REDACTED, redactJsonText, redactText } from "../../observability/redaction.ts";
import { booleanField } from "../../schema/fields.ts";
import { flattenJson, quoteJson } from "../../observability/safe_text.ts";
import type { Delivery, DeliveryResult, DocumentedModule, Output } from "../module.ts";
import { receivedAtText } from "../../event/event_headers.ts";
import { knownHeader } from "../../event/recorded_headers.ts";

/** Longest output of one event, in UTF-16 code units, without the final newline. */
export const MAX_EVENT_CHARACTERS = 10_000;
/** How much of that the headers may take. */
const MAX_HEADER_CHARACTERS = 4_000;
/** How much the fields after a cut payload may take. */
const CUT_FIELDS_CHARACTERS = 100;

const configSchema = z.strictObject({
  pretty_print: booleanField().default(false).meta({
    description: "`true`: indented JSON over several lines instead of one line.",
  }),
  redact_sensitive: booleanField().default(true).meta({
    description: "Replaces the values of names such as `password` in headers and payload.",
  }),
});

type LogConfig = z.output<typeof configSchema>;

/** Prints events; it needs no connection. */
export const logModule: DocumentedModule<LogConfig> = {
  name: "log",
  summary: "one JSON line an event on standard output",
  documentation: () => import("./documentation.ts"),
  connectionTypes: [],
  configSchema,
  acceptance: "delivered",
  reads: "text",
  // What may wait is bounded by the line writer, and many events at once are what group commit is for.
  concurrency: 10_000,
  open: (_connection, context) => Promise.resolve(new LogOutput(context.lines)),
};

const ONE_DELIVERED: readonly DeliveryResult[] = ["delivered"];

class LogOutput implements Output<LogConfig> {
  readonly #lines: LineWriter;
  #written: Promise<void> | undefined;
  #delivered: Promise<readonly DeliveryResult[]> | undefined;

  constructor(lines: LineWriter) {
    this.#lines = lines;
  }

  deliver(batch: readonly Delivery<LogConfig>[]): Promise<readonly DeliveryResult[]> {
    const [first] = batch;
    if (batch.length === 1 && first !== undefined) return this.#deliverOne(first);
    const results = batch.map((delivery) =>
      this.#deliverOne(delivery).catch((error: DeliveryError): readonly DeliveryResult[] => [error])
    );
    return Promise.all(results).then((settled) => settled.flat());
  }

  probe(): Promise<void> {
    return Promise.resolve();
  }

  /** The writer belongs to the program. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** The writer gives all lines of one turn the same promise, so what is derived from it is shared too. */
  #deliverOne({ event, config }: Delivery<LogConfig>): Promise<readonly DeliveryResult[]> {
    const written = this.#lines.write(formatEvent(event, config));
    if (written !== this.#written || this.#delivered === undefined) {
      this.#written = written;
      this.#delivered = written.then(() => ONE_DELIVERED, failed);
    }
    return this.#delivered;
  }
}

function failed(cause: unknown): never {
  const code = cause instanceof LineWriterError && cause.code !== "line_writer_failed"
    ? "output_unavailable"
    : "output_failed";
  throw new DeliveryError(code, cause instanceof Error ? cause.message : undefined, { cause });
}

/** The text of one event. Never throws, whatever the event holds. */
export function formatEvent(event: Event, config: LogConfig): string {
  const redact = config.redact_sensitive;
  const text = receivedAtText(event);
  const beginning =
    `${headOf(text)}${quoteJson(event.id)},"received_at":"${text}","namespace":${
      quoteJson(event.namespace)
    },"webhook":${quoteJson(event.webhook)}` +
    `,"headers":${formatHeaders(event.headers, redact)},"payload":`;
  const room = MAX_EVENT_CHARACTERS - beginning.length - 1;
  const payload = formatPayload(event.body, room, redact);
  const line = payload === undefined
    ? beginning + cutPayload(event.body, room, redact) + "}"
    : beginning + payload + "}";
  if (!config.pretty_print) return line;
  // Deep nesting can make indented text many times longer, so the payload is cut before that happens.
  return indentJson(line) ??
    indentJson(beginning + cutPayload(event.body, room - MAX_HEADER_CHARACTERS, redact) + "}") ??
    line;
}

/** The headers as a JSON object, and after it the number of those that did not fit. */
function formatHeaders(headers: Headers, redact: boolean): string {
  let fields = "";
  let omitted = 0;
  // With forEach, since iterating with for-of costs twice as much.
  headers.forEach((value, name) => {
    const known = knownHeader(name);
    const field = known.field + (redact && known.isSensitive ? `"${REDACTED}"` : quoteJson(value));
    if (fields.length + field.length > MAX_HEADER_CHARACTERS) omitted++;
    else fields += fields === "" ? field : "," + field;
  });
  return omitted === 0 ? `{${fields}}` : `{${fields}},"headers_omitted":${omitted}`;
}

/** The whole payload as JSON, or `undefined` when it does not fit. */
function formatPayload(body: EventBody, room: number, redact: boolean): string | undefined {
  const { unit, count } = body.size;
  // Not decoded to be measured: it may be many megabytes.
  if (count > (unit === "bytes" ? room * 3 : room)) return undefined;
  const { text } = body;
  if (text.length > room) return undefined;
  let json;
  if (!body.isJson()) json = quoteJson(redact ? redactText(text) : text);
  else json = flattenJson(redact && mayHoldSensitiveName(text) ? redactJsonText(text) : text);
  return json.length > room ? undefined : json;
}

/** The beginning of the payload as a JSON string, and after it the fields that say so. */
function cutPayload(body: EventBody, room: number, redact: boolean): string {
  let beginning = body.textStart(room);
  if (redact) {
    // What only looks like JSON is taken for both: parsing all of it for its beginning would cost too much.
    if (body.isKnownJson || JSON_START.test(beginning)) beginning = redactJsonText(beginning);
    if (!body.isKnownJson) beginning = redactText(beginning);
  }
  const quoted = quoteWithin(beginning, room - CUT_FIELDS_CHARACTERS);
  const { unit, count } = body.size;
  return `${quoted},"truncated":true,"${unit}":${count}`;
}

const JSON_START = /^\s*["{[]/;

/** Escapes make text longer, by a factor that is only known afterwards. */
function quoteWithin(text: string, room: number): string {
  let shown = text;
  let quoted = quoteJson(shown);
  while (quoted.length > room && shown !== "") {
    shown = shown.slice(0, Math.floor(shown.length * room / quoted.length));
    quoted = quoteJson(shown);
  }
  return quoted;
}

const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|[{}[\],:]|[^"{}[\],:\s]+/g;

/** Indents JSON by two spaces a level; `undefined` when the result is longer than an event may be. */
function indentJson(json: string): string | undefined {
  let text = "";
  let depth = 0;
  const newLine = () => "\n" + "  ".repeat(depth);
  for (const [token] of json.matchAll(JSON_TOKEN)) {
    if (token === "{" || token === "[") {
      depth++;
      text += token + newLine();
    } else if (token === "}" || token === "]") {
      depth--;
      text += newLine() + token;
    } else if (token === ",") text += token + newLine();
    else if (token === ":") text += ": ";
    else if (token.startsWith("{")) text += "{}";
    else if (token.startsWith("[")) text += "[]";
    else text += token;
    if (text.length > MAX_EVENT_CHARACTERS) return undefined;
  }
  return text;
}

/** The time that lines came with last, and the beginning of those lines: thousands share a millisecond. */
let latest = { time: "", head: "" };

function headOf(time: string): string {
  if (time !== latest.time) {
    const head = `{"timestamp":"${time}","level":"info","category":"cwm.event","event_id":`;
    latest = { time, head };
  }
  return latest.head;
}
