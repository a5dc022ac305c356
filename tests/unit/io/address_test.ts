import { assert, assertEquals } from "@std/assert";
import {
  authorityOf,
  isInNetwork,
  isTranslated,
  parseAddress,
  parseNetwork,
  reachedAddress,
} from "../../../src/io/address.ts";

function isIn(address: string, network: string): boolean {
  const [parsedAddress, parsedNetwork] = [parseAddress(address), parseNetwork(network)];
  assert(parsedAddress !== undefined && parsedNetwork !== undefined);
  return isInNetwork(parsedAddress, parsedNetwork);
}

Deno.test("parseAddress reads a text that it has read before as it did then, among thousands", () => {
  for (let round = 0; round < 2; round++) {
    for (let host = 0; host < 3_000; host++) {
      const text = `10.0.${host >> 8}.${host & 255}`;
      assertEquals([parseAddress(text)?.toString(), parseAddress(`${text}.`)], [text, undefined]);
    }
  }
  assertEquals(parseAddress(`::1%${"z".repeat(100)}`), undefined);
});

Deno.test("parseAddress reads usual spellings only", () => {
  for (const text of ["192.0.2.1", "0.0.0.0", "::", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0"]) {
    assert(parseAddress(text) !== undefined, text);
  }
  const refused = [
    "",
    "1",
    "127.1",
    "0x7f000001",
    "0177.0.0.1",
    "192.0.2.1 ",
    "192.0.2.256",
    "192.0.2.1.",
    "host",
  ];
  const mapped = ["::ffff:0177.0.0.1", "::ffff:0x7f.0.0.1", "::ffff:127.1", "::192.0.2.01"];
  for (const text of [...refused, ...mapped, "[::1]", "192.0.2.1/32", "1:2:3", ":::"]) {
    assertEquals(parseAddress(text), undefined, text);
  }
});

Deno.test("parseAddress takes an address for IPv4 that is mapped into IPv6, and no other one", () => {
  for (const text of ["::ffff:192.0.2.1", "::FFFF:c000:201", "0:0:0:0:0:ffff:192.0.2.1"]) {
    assertEquals(parseAddress(text)?.toString(), "192.0.2.1", text);
  }
  for (const text of ["::192.0.2.1", "::c000:201", "0::192.0.2.1"]) {
    assertEquals(parseAddress(text)?.toString(), "::c000:201", text);
  }
});

Deno.test("parseNetwork reads addresses and CIDR networks only", () => {
  for (
    const text of [
      "192.0.2.1",
      "192.0.2.0/24",
      "0.0.0.0/0",
      "::/0",
      "::1",
      "2001:db8::/32",
      "::ffff:10.0.0.0/104",
    ]
  ) {
    assert(parseNetwork(text) !== undefined, text);
  }
  const refused = [
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    "10/8",
  ];
  for (
    const text of [...refused, "10.0.0.0/255.0.0.0", "::/129", "fe80::1%eth0", "::ffff:10.0.0.0/95", "*"]
  ) {
    assertEquals(parseNetwork(text), undefined, text);
  }
});

Deno.test("isInNetwork compares the leading bits of addresses of one family", () => {
  assert(isIn("10.255.0.1", "10.0.0.0/8"));
  assert(isIn("10.255.0.1", "10.99.99.99/8"));
  assert(!isIn("11.0.0.1", "10.0.0.0/8"));
  assert(isIn("192.0.2.1", "192.0.2.1"));
  assert(!isIn("192.0.2.2", "192.0.2.1"));
  assert(isIn("2001:db8::1", "2001:db8::/32"));
  assert(!isIn("192.0.2.1", "::/0"));
  assert(!isIn("::1", "0.0.0.0/0"));
  assert(isIn("::ffff:10.1.1.1", "10.0.0.0/8"));
  assert(isIn("10.1.1.1", "::ffff:10.0.0.0/104"));
});

Deno.test("reachedAddress finds the IPv4 address behind a NAT64, and nothing behind any other address", () => {
  const reached = (text: string) => reachedAddress(parseAddress(text)!).toString();
  assertEquals(reached("64:ff9b::192.0.2.1"), "192.0.2.1");
  assertEquals(reached("64:ff9b::7f00:1"), "127.0.0.1");
  for (const text of ["192.0.2.1", "2001:db8::1", "64:ff9b:1::1", "64:ff9b::1:0:0", "::1"]) {
    assertEquals(reached(text), text);
    assert(!isTranslated(parseAddress(text)!), text);
  }
});

Deno.test("isInNetwork holds an address behind a NAT64 for an address of IPv6", () => {
  assert(isIn("64:ff9b::10.0.0.1", "64:ff9b::/96"));
  assert(!isIn("64:ff9b::10.0.0.1", "10.0.0.0/8"));
  assert(!isIn("10.0.0.1", "64:ff9b::/96"));
});

Deno.test("authorityOf puts brackets around an IPv6 address only", () => {
  assertEquals(authorityOf("::1", 80), "[::1]:80");
  assertEquals(authorityOf("192.0.2.1", 80), "192.0.2.1:80");
  assertEquals(authorityOf("host.example", 80), "host.example:80");
});
