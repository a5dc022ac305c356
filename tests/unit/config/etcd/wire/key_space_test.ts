import { Buffer } from "node:buffer";
import { assertEquals } from "@std/assert";
import { keyAfter, KeySpace } from "../../../../../src/config/etcd/wire/key_space.ts";

Deno.test("a key space ends after the last key that begins with its prefix", () => {
  assertEquals(new KeySpace("/cwm/").end, Buffer.from("/cwm0"));
  assertEquals(new KeySpace("é").end, Buffer.of(0xc3, 0xaa));
});

Deno.test("a key space without a prefix is the whole of etcd", () => {
  const { start, end } = new KeySpace("");
  assertEquals([start, end], [Buffer.of(0), Buffer.of(0)]);
});

Deno.test("a key space reads back the name of any key, whatever bytes it is made of", () => {
  for (const prefix of ["", "/cwm/", "/é/"]) {
    const space = new KeySpace(prefix);
    for (const name of ["a/webhooks/b", "", "\xff\x00\n"]) {
      assertEquals(space.nameOf(space.keyOf(name)), name);
    }
  }
});

Deno.test("a key space prints keys so that they cannot forge what stands around them", () => {
  const space = new KeySpace("/cwm/");
  const nameOf = (text: string) => space.nameOf(Buffer.concat([space.start, Buffer.from(text)]));
  assertEquals(space.print(nameOf("a/webhooks/b")), "/cwm/a/webhooks/b");
  assertEquals(space.print(nameOf("é")), "/cwm/é");
  assertEquals(space.print(nameOf("a\nb\u202e")), "/cwm/a\\u000ab\\u202e");
  assertEquals(space.print("\xff\n"), "/cwm/\\xff\\x0a");
  assertEquals(space.print("x".repeat(5_000)), `/cwm/${"x".repeat(195)}… (5005 bytes)`);
});

Deno.test("the key after a key is the next one that can exist", () => {
  assertEquals(keyAfter(Buffer.from("a")), Buffer.of(0x61, 0));
});
