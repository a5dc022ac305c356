import { Buffer } from "node:buffer";
import protobuf from "protobufjs/minimal";
import { EtcdPage } from "../../../src/config/etcd/wire/page.ts";
import type { EtcdKeyValue } from "../../../src/config/etcd/wire/fields.ts";

/** What a test says of a key; the rest is made up. */
export interface KeyContents {
  readonly key: string;
  readonly value: string | Uint8Array;
  readonly revision: number;
}

/** What a test puts into a page; everything else is as etcd would leave it out. */
export interface PageContents {
  readonly keys: readonly KeyContents[];
  readonly clusterId?: bigint;
  readonly revision?: number;
  readonly term?: number;
  readonly more?: boolean;
}

/** The bytes of an answer to a range request, field by field in the order of etcd's own. */
export function encodePage({ keys, clusterId, revision, term, more = false }: PageContents): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(10).fork();
  if (clusterId !== undefined) {
    const parts = {
      low: Number(clusterId & 0xffffffffn) | 0,
      high: Number(clusterId >> 32n) | 0,
      unsigned: true,
    };
    writer.uint32(8).uint64(parts).uint32(16).uint64(7);
  }
  if (revision !== undefined) writer.uint32(24).int64(revision);
  if (term !== undefined) writer.uint32(32).uint64(term);
  writer.ldelim();
  for (const each of keys) {
    writer.uint32(18).fork();
    writeKeyValue(writer, each);
    writer.ldelim();
  }
  if (more) writer.uint32(24).bool(true);
  writer.uint32(32).int64(keys.length);
  return writer.finish();
}

/** A page as etcd would have answered it. */
export function page(contents: PageContents): EtcdPage {
  return EtcdPage.decode(encodePage(contents));
}

/** Writes the fields of a key, in the order of etcd's own. */
export function writeKeyValue(writer: protobuf.Writer, { key, value, revision }: KeyContents): void {
  writer.uint32(10).bytes(Buffer.from(key));
  writer.uint32(16).int64(1).uint32(24).int64(revision).uint32(32).int64(3);
  // An empty value is left out.
  if (value.length > 0) writer.uint32(42).bytes(Buffer.from(value as string));
}

/** A key as an answer would have it. */
export function keyValue(contents: KeyContents): EtcdKeyValue {
  return page({ keys: [contents] }).last!;
}
