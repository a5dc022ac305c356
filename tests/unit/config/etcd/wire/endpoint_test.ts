import { assertEquals, assertThrows } from "@std/assert";
import { parseEndpoint } from "../../../../../src/config/etcd/wire/endpoint.ts";

const ENDPOINTS: readonly (readonly [text: string, address: string, host: string, secure: boolean])[] = [
  ["http://etcd:2379", "etcd:2379", "etcd", false],
  ["https://etcd.example.com:2380/", "etcd.example.com:2380", "etcd.example.com", true],
  ["http://127.0.0.1:2379", "127.0.0.1:2379", "127.0.0.1", false],
  ["https://[::1]:2379", "[::1]:2379", "::1", true],
  ["etcd:2379", "etcd:2379", "etcd", false],
  ["http://etcd", "etcd:2379", "etcd", false],
  ["http://etcd:80", "etcd:80", "etcd", false],
  ["https://etcd:443", "etcd:443", "etcd", true],
];

for (const [text, address, host, secure] of ENDPOINTS) {
  Deno.test(`the endpoint ${text} is read as ${address} ${secure ? "with" : "without"} TLS`, () => {
    assertEquals(parseEndpoint(text, false), {
      name: text,
      address,
      host,
      port: Number(address.slice(address.lastIndexOf(":") + 1)),
      secure,
    });
  });
}

Deno.test("an endpoint without a scheme is reached over TLS where that is the default", () => {
  assertEquals(parseEndpoint("etcd:2379", true).secure, true);
  assertEquals(parseEndpoint("http://etcd:2379", true).secure, false);
});

for (
  const text of [
    "",
    "http://",
    "ftp://etcd:2379",
    "http://user:secret@etcd:2379",
    "http://etcd:2379/v3",
    "http://etcd:x",
  ]
) {
  Deno.test(`the text '${text}' is refused as an endpoint`, () => {
    assertThrows(() => parseEndpoint(text, false), TypeError, "expected 'http://host:2379'");
  });
}

Deno.test("the refusal of an endpoint does not repeat credentials", () => {
  const error = assertThrows(() => parseEndpoint("http://user:secret@etcd:2379", false), TypeError);
  assertEquals(error.message.includes("secret"), false);
});
