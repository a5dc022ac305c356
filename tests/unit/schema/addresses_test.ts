import { assertEquals } from "@std/assert";
import { parseHttpAddress, parseHttpBase, parseServer } from "../../../src/schema/addresses.ts";

Deno.test("a server is a host with a port, or with the usual one", () => {
  assertEquals(parseServer(" kafka-1.example:9093 ", 9092), { host: "kafka-1.example", port: 9093 });
  assertEquals(parseServer("10.0.0.1", 9092), { host: "10.0.0.1", port: 9092 });
  assertEquals(parseServer("[::1]:26380", 26379), { host: "::1", port: 26380 });
});

Deno.test("what is no server is not read as one", () => {
  for (
    const text of ["", ":9092", "a:0", "a:65536", "a:x", "http://a:1", "::1", "::1:80", "a b", "-a", "a/b"]
  ) {
    assertEquals(parseServer(text, 9092), undefined, text);
  }
});

Deno.test("an HTTP address is read with the usual port of its scheme", () => {
  assertEquals(parseHttpAddress("HTTPS://Example.com"), {
    protocol: "https:",
    hostname: "example.com",
    port: 443,
    path: "/",
  });
  assertEquals(parseHttpAddress("http://[::1]:8123/a?b=c#d"), {
    protocol: "http:",
    hostname: "::1",
    port: 8123,
    path: "/a?b=c",
  });
});

Deno.test("the first fault of an HTTP address is found", () => {
  for (
    const [text, fault] of [
      ["example.com/path", "incomplete"],
      ["", "incomplete"],
      ["db:8123", "scheme"],
      ["ftp://user:secret@example.com/?a=b", "scheme"],
      ["https://user@example.com/?a=b", "credentials"],
      ["https://:secret@example.com", "credentials"],
    ] as const
  ) {
    assertEquals(parseHttpAddress(text), fault, text);
    assertEquals(parseHttpBase(text), fault, text);
  }
});

Deno.test("an address that something is put behind has no query and no fragment", () => {
  assertEquals(parseHttpBase("http://a/?b=c"), "query");
  assertEquals(parseHttpBase("http://a/#b"), "query");
  assertEquals(parseHttpBase("http://a/b"), parseHttpAddress("http://a/b"));
});
