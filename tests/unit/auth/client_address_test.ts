import { assertEquals, assertThrows } from "@std/assert";
import { ClientAddressResolver } from "../../../src/auth/client_address.ts";

const PROXIES = ["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"];

function resolve(peer: string, forwardedFor?: string, trusted: readonly string[] = PROXIES): string {
  const headers = new Headers(forwardedFor === undefined ? [] : [["x-forwarded-for", forwardedFor]]);
  return new ClientAddressResolver(trusted).resolve(peer, headers);
}

Deno.test("client address is the peer while no proxy is trusted, whatever the header says", () => {
  assertEquals(resolve("203.0.113.5", "198.51.100.1", []), "203.0.113.5");
  assertEquals(resolve("2001:db8::5", "198.51.100.1", []), "2001:db8::5");
});

Deno.test("client address is the peer when the peer is not a trusted proxy", () => {
  assertEquals(resolve("203.0.113.5", "198.51.100.1"), "203.0.113.5");
  assertEquals(resolve("192.0.2.8", "198.51.100.1"), "192.0.2.8");
});

Deno.test("client address is the peer when a trusted proxy sends no header", () => {
  assertEquals(resolve("10.1.2.3"), "10.1.2.3");
  assertEquals(resolve("10.1.2.3", ""), "10.1.2.3");
});

Deno.test("client address is the first entry from the right that is no trusted proxy", () => {
  assertEquals(resolve("10.1.2.3", "198.51.100.1"), "198.51.100.1");
  assertEquals(resolve("10.1.2.3", "198.51.100.1, 10.9.9.9,192.0.2.7"), "198.51.100.1");
  assertEquals(resolve("2001:db8:1::1", "2001:DB8:0:0::9"), "2001:db8::9");
});

Deno.test("client address ignores what a client wrote into the header itself", () => {
  assertEquals(resolve("10.1.2.3", "127.0.0.1, 203.0.113.5"), "203.0.113.5");
  assertEquals(resolve("10.1.2.3", "10.0.0.1, 203.0.113.5, 10.0.0.2"), "203.0.113.5");
});

Deno.test("client address is the leftmost entry when all are trusted proxies", () => {
  assertEquals(resolve("10.1.2.3", "10.0.0.1, 10.0.0.2"), "10.0.0.1");
});

Deno.test("client address stops at an entry that is not an address", () => {
  const malformed = [
    "unknown",
    "_hidden",
    "1",
    "0x7f.0.0.1",
    "127.1",
    "010.0.0.1",
    "203.0.113.256",
    "[1.2.3.4]",
  ];
  for (const entry of [...malformed, "", "203.0.113.5:port", "::1::", "203.0.113.5;by=x"]) {
    assertEquals(resolve("10.1.2.3", `198.51.100.1, ${entry}, 10.0.0.2`), "10.0.0.2", `at '${entry}'`);
    assertEquals(resolve("10.1.2.3", `198.51.100.1,${entry},`), "10.1.2.3");
  }
});

Deno.test("client address drops a port that a proxy added", () => {
  assertEquals(resolve("10.1.2.3", "198.51.100.1:4711"), "198.51.100.1");
  assertEquals(resolve("10.1.2.3", "[2001:db8::9]:4711"), "2001:db8::9");
  assertEquals(resolve("10.1.2.3", "[2001:db8::9]"), "2001:db8::9");
});

Deno.test("client address is written as IPv4 when it is mapped into IPv6", () => {
  assertEquals(resolve("::ffff:203.0.113.5", undefined, []), "203.0.113.5");
  assertEquals(resolve("::ffff:10.1.2.3", "::ffff:198.51.100.1"), "198.51.100.1");
  assertEquals(resolve("10.1.2.3", "198.51.100.1", ["::ffff:10.0.0.0/104"]), "198.51.100.1");
});

Deno.test("client address does not trust IPv4 through a network of IPv6, or the reverse", () => {
  assertEquals(resolve("10.1.2.3", "198.51.100.1", ["::/0"]), "10.1.2.3");
  assertEquals(resolve("2001:db8::1", "198.51.100.1", ["0.0.0.0/0"]), "2001:db8::1");
});

Deno.test("client address is the peer as given when that is no IP address", () => {
  assertEquals(resolve("", "198.51.100.1"), "");
  assertEquals(resolve("/run/gateway.sock", "198.51.100.1"), "/run/gateway.sock");
});

Deno.test("client address of a header with many entries is found from the right", () => {
  assertEquals(resolve("10.1.2.3", `${"10.0.0.1,".repeat(5000)}203.0.113.5`), "203.0.113.5");
  assertEquals(resolve("10.1.2.3", `203.0.113.5${",10.0.0.1".repeat(50)}`), "203.0.113.5");
});

Deno.test("client address is looked for behind a hundred proxies, and not behind more", () => {
  const behind = (proxies: number) => `198.51.100.1, ${"10.0.0.1, ".repeat(proxies - 1)}10.0.0.1`;
  assertEquals(resolve("10.1.2.3", behind(99)), "198.51.100.1");
  assertEquals(resolve("10.1.2.3", behind(100)), "10.0.0.1");
  const resolver = new ClientAddressResolver(PROXIES);
  assertEquals(resolver.known("10.1.2.3", new Headers({ "x-forwarded-for": behind(100) })), undefined);
});

Deno.test("client address cannot be resolved with a proxy that is no address or network", () => {
  for (const proxy of ["proxy.example", "10.0.0.0/33", "10.0.0.0/", ""]) {
    assertThrows(() => new ClientAddressResolver([proxy]), TypeError);
  }
});

Deno.test("a known client is that of the header and of the peer, however often both come", () => {
  const resolver = new ClientAddressResolver(PROXIES);
  const known = (peer: string, forwardedFor: string) =>
    resolver.known(peer, new Headers([["x-forwarded-for", forwardedFor]]))?.toString();
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 2_500; number++) {
      const client = `203.0.${number >> 8}.${number & 255}`;
      assertEquals(known("10.1.2.3", client), client);
      assertEquals(known("198.51.100.9", client), "198.51.100.9");
    }
    assertEquals(known("10.1.2.3", "203.0.113.5, unknown, 10.0.0.2"), undefined);
    assertEquals(known("10.1.2.3", "203.0.113.5, 10.0.0.1"), "203.0.113.5");
  }
});
