/**
 * The `log` output: one line of JSON per event on standard output.
 *
 *     {"timestamp":"2026-01-31T12:00:00.000Z","level":"info","category":"cwm.event","event_id":"…",
 *      "received_at":"2026-01-31T12:00:00.000Z","namespace":"default","webhook":"orders",
 *      "headers":{"content-type":"application/json"},"payload":{"id":42}}
 *
 * - The fields before `event_id` are those of the gateway's log, which a container's log mixes with events.
 *
 * - `"event_type":"push",` stands before the headers where the type of the event is known.
 * - The payload is the body as it was sent, digit by digit, on one line. A body that is not JSON becomes a
 *   string of its text; bytes that are not UTF-8 become U+FFFD in it.
 * - An event takes at most 10,000 characters. What is longer is cut and stays valid JSON: the payload
 *   becomes a string with its beginning, followed by `"truncated":true` and the length of the whole body
 *   as `"characters"`, or as `"bytes"` where the body was read as such; headers that do not fit are counted in
 *   `"headers_omitted"`.
 * - No payload or header can end the line or control the terminal (`observability/safe_text.ts`).
 *
 * @module
 */

import { z } from "zod";
import { DeliveryError } from "../../errors.ts";
import { type LineWriter, LineWriterError } from "../../io/line_writer.ts";
import { booleanField } from "../../schema/fields.ts";
import type { Delivery, DeliveryResult, DocumentedModule, Output } from "../module.ts";
import { formatEvent, type LogFormat } from "./format.ts";

const configSchema: z.ZodType<LogFormat> = z.strictObject({
  pretty_print: booleanField().default(false).meta({
    description: "`true`: indented JSON over several lines instead of one line.",
  }),
  redact_sensitive: booleanField().default(true).meta({
    description: "Replaces the values of names such as `password` in headers and payload.",
  }),
});

/** Prints events; it needs no connection. */
export const logModule: DocumentedModule<LogFormat> = {
  name: "log",
  summary: "one JSON line an event on standard output",
  documentation: () => import("./documentation.ts"),
  connectionTypes: [],
  configSchema,
  destinations: () => [],
  acceptance: "delivered",
  reads: "text",
  // What may wait is bounded by the line writer, and many events at once are what group commit is for.
  concurrency: 10_000,
  open: (_connection, context) => Promise.resolve(new LogOutput(context.lines)),
};

const ONE_DELIVERED: readonly DeliveryResult[] = ["delivered"];

class LogOutput implements Output<LogFormat> {
  readonly #lines: LineWriter;
  #written: Promise<void> | undefined;
  #delivered: Promise<readonly DeliveryResult[]> | undefined;

  constructor(lines: LineWriter) {
    this.#lines = lines;
  }

  deliver(batch: readonly Delivery<LogFormat>[]): Promise<readonly DeliveryResult[]> {
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
  #deliverOne({ event, config }: Delivery<LogFormat>): Promise<readonly DeliveryResult[]> {
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
