/**
 * Events as rows in ClickHouse's TabSeparated format. The same events with the same layout always make the
 * same bytes.
 *
 * See https://clickhouse.com/docs/interfaces/formats/TabSeparated
 *
 * @module
 */

import type { Event } from "../../../event/event.ts";
import type { TextColumn } from "./columns.ts";
import type { ClickhouseConfig } from "../config.ts";
import type { TableLayout } from "./table.ts";
import type { TimeForm } from "./types.ts";
import type { Delivery } from "../../module.ts";
import { recordedHeaders } from "../../../event/recorded_headers.ts";
import { receivedAtText } from "../../../event/event_headers.ts";

/** What a row takes besides its body, about, in bytes. */
export const ROW_OVERHEAD = 512;

const TAB = 0x09;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BACKSLASH = 0x5c;

/** The letters of escapes by the byte that they stand for; 0 where there is none. */
const ESCAPES = new Uint8Array(256);
ESCAPES[0] = 0x30;
ESCAPES[TAB] = 0x74;
ESCAPES[NEWLINE] = 0x6e;
ESCAPES[CARRIAGE_RETURN] = 0x72;
ESCAPES[BACKSLASH] = BACKSLASH;

const encoder = new TextEncoder();

/** How much room an encoder begins with, in bytes, unless it is told. */
const FIRST_ROOM = 16 * 1024;

/** Encodes rows one after the other. */
export class RowEncoder {
  readonly layout: TableLayout;
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param expectedBytes about how long the rows will be together */
  constructor(layout: TableLayout, expectedBytes = FIRST_ROOM) {
    this.layout = layout;
    this.#bytes = new Uint8Array(expectedBytes);
  }

  /** All rows so far. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  add({ event, config }: Delivery<ClickhouseConfig>): void {
    // All but the body in one text, since each turn to the encoder costs as much as a short text.
    let text = "";
    for (const column of this.layout.textColumns) text += this.#textOf(event, config, column) + "\t";
    this.#text(text);
    this.#escaped(event.body.bytes);
    this.#byte(NEWLINE);
  }

  /** Ids and times need no escape, and of what JSON text has, only the backslash does. */
  #textOf(event: Event, config: ClickhouseConfig, column: TextColumn): string {
    switch (column) {
      case "id":
        return event.id;
      case "namespace":
        return event.namespace;
      case "webhook_id":
        return event.webhook;
      case "timestamp":
        return formatTime(event, this.layout.timeForm);
      case "headers":
        return config.includeHeaders
          ? recordedHeaders(event.headers, event.type).replaceAll("\\", "\\\\")
          : "{}";
    }
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #text(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  #escaped(value: Uint8Array): void {
    this.#reserve(value.length * 2);
    let start = 0;
    for (let index = 0; index < value.length; index++) {
      const escape = ESCAPES[value[index]!]!;
      if (escape === 0) continue;
      this.#copy(value.subarray(start, index));
      this.#bytes[this.#length++] = BACKSLASH;
      this.#bytes[this.#length++] = escape;
      start = index + 1;
    }
    this.#copy(value.subarray(start));
  }

  #copy(part: Uint8Array): void {
    this.#bytes.set(part, this.#length);
    this.#length += part.length;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.bytes);
    this.#bytes = larger;
  }
}

function formatTime(event: Event, form: TimeForm): string {
  switch (form) {
    case "seconds":
      return String(Math.floor(event.receivedAt / 1000));
    case "milliseconds":
      return (event.receivedAt / 1000).toFixed(3);
    case "date":
      return receivedAtText(event).slice(0, "2026-01-02".length);
    case "iso":
      return receivedAtText(event);
  }
}
