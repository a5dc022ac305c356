import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { DestinationPolicy, forbiddenKind, parseAllowedHost } from "../../../src/io/destination_policy.ts";

function policyFor(...entries: readonly string[]): DestinationPolicy {
  return new DestinationPolicy(entries.map((entry) => {
    const parsed = parseAllowedHost(entry);
    if (parsed === undefined) throw new Error(`${entry} is not an entry of allowed_hosts`);
    return parsed;
  }));
}

const FORBIDDEN: Readonly<Record<string, string>> = {
  "0.0.0.0": "the unspecified address",
  "0.1.2.3": "the unspecified address",
  "10.0.0.1": "a private address",
  "100.64.0.1": "a carrier-grade NAT address",
  "100.100.100.200": "a carrier-grade NAT address",
  "127.0.0.1": "a loopback address",
  "127.255.255.254": "a loopback address",
  "168.63.129.16": "a cloud metadata address",
  "169.254.169.254": "a link-local address",
  "172.16.0.1": "a private address",
  "172.31.255.255": "a private address",
  "192.0.0.192": "a reserved address",
  "192.0.2.1": "a reserved address",
  "192.88.99.1": "a reserved address",
  "192.168.1.1": "a private address",
  "198.18.0.1": "a reserved address",
  "198.51.100.1": "a reserved address",
  "203.0.113.1": "a reserved address",
  "224.0.0.1": "a multicast address",
  "240.0.0.1": "a reserved address",
  "255.255.255.255": "a broadcast address",
  "::": "the unspecified address",
  "::1": "a loopback address",
  "::7f00:1": "a reserved address",
  "::127.0.0.1": "a reserved address",
  "::808:808": "a reserved address",
  "::ffff:127.0.0.1": "a loopback address",
  "::ffff:a9fe:a9fe": "a link-local address",
  "::ffff:0:10.0.0.1": "a reserved address",
  "64:ff9b::7f00:1": "a loopback address",
  "64:ff9b::a83f:8110": "a cloud metadata address",
  "64:ff9b:1::808:808": "a reserved address",
  "100::1": "a reserved address",
  "2001::1": "a reserved address",
  "2001:2::1": "a reserved address",
  "2001:db8::1": "a reserved address",
  "2002:7f00:1::": "a reserved address",
  "2002:808:808::": "a reserved address",
  "3fff::1": "a reserved address",
  "4000::1": "a reserved address",
  "fc00::1": "a private address",
  "fd00:ec2::254": "a private address",
  "fe80::1": "a link-local address",
  "fe80::1%eth0": "a link-local address",
  "fec0::1": "a private address",
  "ff02::1": "a multicast address",
};

Deno.test("address guard forbids what is not on the public internet", () => {
  for (const [address, kind] of Object.entries(FORBIDDEN)) {
    assertEquals(forbiddenKind(address), kind, address);
  }
});

Deno.test("address guard permits public addresses", () => {
  const addresses = [
    "1.1.1.1",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "223.255.255.255",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
  ];
  for (const address of addresses) assertEquals(forbiddenKind(address), undefined, address);
});

Deno.test("address guard forbids what is not an address in its usual notation", () => {
  for (
    const text of [
      "",
      "localhost",
      "127.1",
      "0177.0.0.1",
      "0x7f.0.0.1",
      "2130706433",
      "010.8.8.8",
      "8.8.8.8 ",
    ]
  ) {
    assertEquals(forbiddenKind(text), "not an IP address", text);
  }
});

Deno.test("address guard judges an IPv6 address by the IPv4 address in it", () => {
  const byte = fc.nat(255);
  fc.assert(fc.property(byte, byte, byte, byte, (a, b, c, d) => {
    const address = `${a}.${b}.${c}.${d}`;
    const judgement = forbiddenKind(address);
    assertEquals(forbiddenKind(`::ffff:${address}`), judgement);
    assertEquals(forbiddenKind(`64:ff9b::${address}`), judgement);
    assertNotEquals(forbiddenKind(`::ffff:0:${address}`), undefined);
    if (judgement !== undefined) assertNotEquals(forbiddenKind(`::${address}`), undefined);
  }));
});

Deno.test("allowed hosts take names, addresses, ports and ranges", () => {
  const entries = [
    "orders.internal",
    "ORDERS.internal.",
    "orders.internal:8080",
    "ho_st",
    "10.0.0.5",
    "10.0.0.5:80",
    "::1",
    "[::1]",
    "[::1]:443",
    "10.0.0.0/8",
    "fd00::/8",
  ];
  for (const entry of entries) assertNotEquals(parseAllowedHost(entry), undefined, entry);
});

Deno.test("allowed hosts take nothing that could be understood in two ways", () => {
  const entries = [
    "",
    "*",
    "*.internal",
    "http://orders.internal",
    "orders.internal/path",
    "user@orders.internal",
    "orders.internal:",
    "orders.internal:0",
    "orders.internal:65536",
    "orders.internal:http",
    "two words",
    "10.0.0.0/33",
    "10.0.0.0/8:80",
    "10/8",
    "1.2.3.4.5",
    "10.0.0.0/08",
    "fe80::%eth0/64",
    "::ffff:10.0.0.0/8",
  ];
  for (const entry of entries) assertEquals(parseAllowedHost(entry), undefined, entry);
});

Deno.test("destination policy without allowed hosts refuses loopback names and private addresses", () => {
  const policy = policyFor();
  assertEquals(policy.refuseHost("orders.example", 443), undefined);
  assertEquals(policy.refuseHost("localhost", 443), "a loopback name");
  assertEquals(policy.refuseHost("a.localhost", 443), "a loopback name");
  assertEquals(policy.refuseHost("127.0.0.1", 443), "a loopback address");
  assertEquals(policy.refuseAddress("orders.example", "8.8.8.8", 443), undefined);
  assertEquals(policy.refuseAddress("orders.example", "10.0.0.1", 443), "a private address");
});

Deno.test("destination policy lets an allowed name resolve to any address", () => {
  const policy = policyFor("orders.internal");
  assertEquals(policy.refuseHost("orders.internal", 8080), undefined);
  assertEquals(policy.refuseAddress("orders.internal", "10.0.0.1", 8080), undefined);
});

Deno.test("destination policy with allowed hosts refuses every other host, public ones too", () => {
  const policy = policyFor("orders.internal");
  assertEquals(policy.refuseHost("other.internal", 80), "not in allowed_hosts");
  assertEquals(policy.refuseHost("suborders.internal", 80), "not in allowed_hosts");
  assertEquals(policy.refuseHost("a.orders.internal", 80), "not in allowed_hosts");
  assertEquals(policy.refuseHost("8.8.8.8", 80), "not in allowed_hosts");
});

Deno.test("destination policy judges a name by its addresses when addresses are allowed", () => {
  const policy = policyFor("10.0.0.0/8", "::1");
  assertEquals(policy.refuseHost("orders.internal", 80), undefined);
  assertEquals(policy.refuseAddress("orders.internal", "10.1.2.3", 80), undefined);
  assertEquals(policy.refuseAddress("orders.internal", "::ffff:10.1.2.3", 80), undefined);
  assertEquals(policy.refuseAddress("orders.internal", "::1", 80), undefined);
  assertEquals(policy.refuseAddress("orders.internal", "11.1.2.3", 80), "not in allowed_hosts");
  assertEquals(policy.refuseAddress("orders.internal", "8.8.8.8", 80), "not in allowed_hosts");
});

Deno.test("destination policy judges an address behind a NAT64 by what it reaches", () => {
  const policy = policyFor("10.0.0.0/8");
  assertEquals(policy.refuseHost("64:ff9b::a00:1", 80), undefined);
  assertEquals(policy.refuseHost("64:ff9b::7f00:1", 80), "not in allowed_hosts");
  assertEquals(policyFor("::/0").refuseHost("64:ff9b::a00:1", 80), "not in allowed_hosts");
});

Deno.test("destination policy permits what an entry for a NAT64 names, and no IPv4 address beside it", () => {
  for (const entry of ["64:ff9b::/96", "64:ff9b::a00:0/104", "64:ff9b::a00:1", "[64:ff9b::a00:1]:80"]) {
    const policy = policyFor(entry);
    assertEquals(policy.refuseHost("64:ff9b::a00:1", 80), undefined, entry);
    assertEquals(policy.refuseHost("10.0.0.1", 80), "not in allowed_hosts", entry);
  }
  assertEquals(policyFor("64:ff9b::a00:0/104").refuseHost("64:ff9b::b00:1", 80), "not in allowed_hosts");
});

Deno.test("destination policy reads a range of mapped addresses as the range of IPv4 that it is", () => {
  const policy = policyFor("::ffff:10.0.0.0/104");
  assertEquals(policy.refuseHost("10.1.2.3", 80), undefined);
  assertEquals(policy.refuseHost("::ffff:10.1.2.3", 80), undefined);
  assertEquals(policy.refuseHost("11.1.2.3", 80), "not in allowed_hosts");
});

Deno.test("destination policy holds an entry with a port to that port", () => {
  const policy = policyFor("orders.internal:8080", "10.0.0.5:8080");
  assertEquals(policy.refuseAddress("orders.internal", "192.168.0.1", 8080), undefined);
  assertEquals(policy.refuseAddress("orders.internal", "192.168.0.1", 8081), "not in allowed_hosts");
  assertEquals(policy.refuseHost("10.0.0.5", 8080), undefined);
  assertEquals(policy.refuseHost("10.0.0.5", 22), "not in allowed_hosts");
});

Deno.test("destination policies have equal keys exactly when they permit the same", () => {
  assertEquals(
    policyFor("Orders.internal:80", "10.0.0.1").key,
    policyFor("orders.internal.:80", "10.0.0.1").key,
  );
  const keys = [[], ["orders.internal"], ["orders.internal:80"], ["10.0.0.1"], ["10.0.0.0/8"], [
    "10.0.0.0/9",
  ]];
  assertEquals(new Set(keys.map((entries) => policyFor(...entries).key)).size, keys.length);
});
