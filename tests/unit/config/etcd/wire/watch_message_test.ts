import { assertEquals, assertThrows } from "@std/assert";
import protobuf from "protobufjs/minimal";
import { KeySpace } from "../../../../../src/config/etcd/wire/key_space.ts";
import { decodeWatchMessage, type WatchMessage } from "../../../../../src/config/etcd/wire/watch_message.ts";
import { type KeyContents, writeKeyValue } from "../../../../support/etcd/page.ts";

const MINUS_ONE = { low: -1, high: -1, unsigned: false };

/** A message, field by field in the order of etcd's own. */
function message(write: (writer: protobuf.Writer) => void): WatchMessage {
  const writer = protobuf.Writer.create();
  writer.uint32(10).fork().uint32(8).uint64(77).uint32(16).uint64(5).uint32(24).int64(123).uint32(32).uint64(
    3,
  );
  writer.ldelim();
  write(writer);
  return decodeWatchMessage(writer.finish());
}

function writeEvent(writer: protobuf.Writer, contents: KeyContents, isDelete = false): void {
  writer.uint32(90).fork();
  // The default type, PUT, is left out.
  if (isDelete) writer.uint32(8).int32(1);
  writer.uint32(18).fork();
  writeKeyValue(writer, contents);
  writer.ldelim();
  // What the key was before, which nobody asks for.
  writer.uint32(26).fork();
  writeKeyValue(writer, { ...contents, revision: 1 });
  writer.ldelim().ldelim();
}

Deno.test("a watch message says what its header and its flags say", () => {
  const created = message((writer) => void writer.uint32(24).bool(true));
  assertEquals(created.header, { clusterId: "77", revision: 123, term: 3 });
  assertEquals([created.created, created.canceled, created.isProgressAnswer, created.events.length], [
    true,
    false,
    false,
    0,
  ]);
  const canceled = message((writer) => {
    writer.uint32(16).int64(0).uint32(32).bool(true).uint32(40).int64(15).uint32(50).string(
      "history is gone",
    );
  });
  assertEquals([canceled.canceled, canceled.compactRevision, canceled.cancelReason], [
    true,
    15,
    "history is gone",
  ]);
});

Deno.test("a watch message tells the answer to a request for progress by the number of its watch", () => {
  assertEquals(message((writer) => void writer.uint32(16).int64(MINUS_ONE)).isProgressAnswer, true);
  for (const id of [0, 1, 2 ** 40]) {
    assertEquals(message((writer) => void writer.uint32(16).int64(id)).isProgressAnswer, false);
  }
});

Deno.test("a watch message has its events in order, with revisions, keys and values", () => {
  const keySpace = new KeySpace("/cwm/");
  const { events } = message((writer) => {
    writeEvent(writer, { key: "/cwm/default/webhooks/a", value: '{"module":"log"}', revision: 123 });
    writeEvent(writer, { key: "/cwm/default/webhooks/b", value: "", revision: 124 }, true);
    // A field that a later version may bring.
    writer.uint32(8 * 60 + 2).string("unknown");
  });
  assertEquals(
    Array.from(events, ({ isDelete, keyValue }) => [
      isDelete,
      keyValue.nameIn(keySpace),
      keyValue.revision,
      keyValue.readValue().text,
    ]),
    [
      [false, "default/webhooks/a", 123, '{"module":"log"}'],
      [true, "default/webhooks/b", 124, ""],
    ],
  );
});

Deno.test("a watch message that is cut off, or has an event without a key, is an error", () => {
  const { events } = message((writer) => void writer.uint32(90).fork().ldelim());
  assertThrows(() => events.at(0), Error, "without a key");
  const header = protobuf.Writer.create().uint32(10).fork().uint32(24).int64(2 ** 40).ldelim().finish();
  assertThrows(() => decodeWatchMessage(header.subarray(0, -2)), RangeError);
});
