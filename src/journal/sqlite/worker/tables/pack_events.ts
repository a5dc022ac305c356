/**
 * The events in one pack.
 *
 * @module
 */

import { type Pack, PACK_FIELDS } from "../../protocol.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Takes one event of a pack; `index` is its place there. */
export type PackEventReader = (
  index: number,
  receivedAt: number,
  id: string,
  headers: string,
  body: string,
) => void;

/**
 * Takes the events of a pack apart.
 *
 * @param json the pack's `fields`
 * @param data the pack's `data`
 */
export function readPack(json: string, data: Uint8Array, read: PackEventReader): void {
  const fields = JSON.parse(json) as number[];
  const text = decoder.decode(data);
  let position = 0;
  const next = (length: number) => text.slice(position, position += length);
  for (let start = 0; start < fields.length; start += PACK_FIELDS) {
    const [receivedAt = 0, id = 0, headers = 0, body = 0] = fields.slice(start, start + PACK_FIELDS);
    read(start / PACK_FIELDS, receivedAt, next(id), next(headers), next(body));
  }
}

/** The pack without some of its events. @param left out, by their index in the pack */
export function packWithout(pack: Pack, left: ReadonlySet<number>): Pack {
  const fields: number[] = [];
  let text = "";
  readPack(pack.fields, pack.data, (index, receivedAt, id, headers, body) => {
    if (left.has(index)) return;
    fields.push(receivedAt, id.length, headers.length, body.length);
    text += id + headers + body;
  });
  const count = pack.count - left.size;
  return { ...pack, count, fields: JSON.stringify(fields), data: encoder.encode(text) };
}
