import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compileAuthenticator } from "../../../../src/auth/authenticator.ts";
import { ClientAddressResolver } from "../../../../src/auth/client_address.ts";
import { AuthServers } from "../../../../src/auth/servers/auth_servers.ts";
import { ipWhitelist } from "../../../../src/auth/verifiers/ip_whitelist.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { requestWith } from "../../../contracts/verifier.ts";
import { findingsOf } from "../../../support/findings.ts";
import { formatRequest, RawHttpConnection } from "../../../support/http/raw_http.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";

/** Who is asked, and how the request came. */
interface Sent {
  readonly from: string;
  /** One X-Forwarded-For header each. */
  readonly forwardedFor?: readonly string[];
  readonly headers?: [name: string, value: string][];
  /** The proxies of all webhooks. */
  readonly trusted?: readonly string[];
  /** The proxies of the webhook alone. */
  readonly own?: readonly string[];
}

function passes(list: readonly string[], sent: Sent): boolean {
  const { from, forwardedFor = [], headers = [], trusted = [], own } = sent;
  const beside = own === undefined ? {} : { trusted_proxies: own };
  const authenticator = compileAuthenticator([
    ipWhitelist.compile(ipWhitelist.configSchema.parse(list), beside),
  ]);
  const forwarded = forwardedFor.map((value): [string, string] => ["X-Forwarded-For", value]);
  const request = {
    ...requestWith([...forwarded, ...headers]),
    peerAddress: from,
    clientAddresses: new ClientAddressResolver(trusted),
    servers: new AuthServers(),
  };
  try {
    authenticator.admit(request);
    return true;
  } catch (error) {
    assert(error instanceof GatewayError);
    assertEquals([error.status, error.code, error.headers], [403, "forbidden", undefined]);
    return false;
  }
}

const PROXY = "10.0.0.1";

Deno.test("ip_whitelist takes addresses and networks of both families in every spelling", () => {
  const list = ["192.0.2.10", "198.51.100.0/24", "2001:db8::/32", "::ffff:203.0.113.0/120"];
  const inside = [
    "192.0.2.10",
    "::ffff:192.0.2.10",
    "::ffff:c000:20a",
    "0:0:0:0:0:ffff:192.0.2.10",
    "198.51.100.255",
    "::ffff:198.51.100.0",
    "2001:db8::1",
    "2001:0DB8:ffff:ffff:ffff:ffff:ffff:ffff",
    "203.0.113.77",
  ];
  const outside = [
    "192.0.2.1",
    "192.0.2.100",
    "198.51.101.0",
    "2001:db9::",
    "::192.0.2.10",
    "203.0.114.0",
    "::1",
    "",
  ];
  for (const from of inside) assert(passes(list, { from }), from);
  for (const from of outside) assert(!passes(list, { from }), from);
});

Deno.test("ip_whitelist reads no header of a peer that is no trusted proxy", () => {
  const headers: [string, string][] = [
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Forwarded",
  ]
    .map((name) => [name, name === "Forwarded" ? "for=192.0.2.10" : "192.0.2.10"]);
  const list = ["192.0.2.10"];
  assert(!passes(list, { from: "203.0.113.1", forwardedFor: ["192.0.2.10"], headers }));
  assert(!passes(list, { from: "203.0.113.1", forwardedFor: ["192.0.2.10"], headers, trusted: [PROXY] }));
  assert(!passes(list, { from: "203.0.113.1", forwardedFor: ["192.0.2.10"], headers, own: [] }));
  assert(passes(list, { from: "192.0.2.10", forwardedFor: ["203.0.113.1"], headers, trusted: [PROXY] }));
});

Deno.test("ip_whitelist believes of X-Forwarded-For what trusted proxies wrote, and no more", () => {
  const list = ["192.0.2.10"];
  const by = (...forwardedFor: string[]) =>
    passes(list, { from: PROXY, forwardedFor, trusted: ["10.0.0.0/8"] });
  for (
    const entries of [
      ["192.0.2.10"],
      ["203.0.113.1, 192.0.2.10"],
      ["192.0.2.10, 10.0.0.9"],
      ["203.0.113.1", "192.0.2.10:4711 , 10.0.0.9"],
      ["::ffff:192.0.2.10"],
    ]
  ) assert(by(...entries), entries.join(" | "));
  for (
    const entries of [
      ["203.0.113.1"],
      ["192.0.2.10, 203.0.113.1"],
      ["192.0.2.10", "203.0.113.1"],
      ["192.0.2.10, 203.0.113.1, 10.0.0.9"],
      ["192.0.2.10, unknown"],
      ["192.0.2.10,"],
      ["192.0.2.10, , 10.0.0.9"],
      ["192.0.2.10.example.org"],
      ["0xc0.0.2.10"],
      ["192.0.2.010"],
      ["[192.0.2.10]"],
      ["192.0.2.10 203.0.113.1"],
    ]
  ) assert(!by(...entries), entries.join(" | "));
});

Deno.test("whatever a client writes into X-Forwarded-For, the address that the proxy adds decides", () => {
  const address = fc.constantFrom("192.0.2.10", "192.0.2.11", "::ffff:192.0.2.10", "::ffff:c000:20b", PROXY);
  const written = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.array(address).map((list) => list.join(", ")),
    address,
  );
  const separator = fc.constantFrom(", ", ",", " , ,", "\t,\t");
  fc.assert(fc.property(written, separator, address, (spoofed, comma, client) => {
    // Of one that is a proxy itself, what stands before it decides.
    fc.pre(client !== PROXY);
    const forwardedFor = [spoofed.replaceAll(/[^\t -~]/g, "?") + comma + client];
    for (const proxies of [{ trusted: [PROXY] }, { own: [PROXY] }]) {
      const passed = passes(["192.0.2.10"], { from: PROXY, forwardedFor, ...proxies });
      assertEquals(passed, client.endsWith("192.0.2.10"), forwardedFor[0]);
    }
  }));
});

Deno.test("ip_whitelist takes an IPv4 address for the same in every way that IPv6 has to write it", () => {
  const byte = fc.nat(255);
  fc.assert(fc.property(fc.tuple(byte, byte, byte, byte), fc.boolean(), (bytes, listed) => {
    const [a, b, c, d] = bytes;
    const group = (high: number, low: number) => (high * 256 + low).toString(16);
    const plain = bytes.join(".");
    const spellings = [
      plain,
      `::ffff:${plain}`,
      `::FFFF:${group(a, b)}:${group(c, d)}`,
      `0:0:0:0:0:ffff:${group(a, b)}:${group(c, d)}`,
      `0000:0000:0000:0000:0000:ffff:${plain}`,
    ];
    const other = `${(a + 1) % 256}.${b}.${c}.${d}`;
    for (const entry of spellings) {
      for (const from of spellings) {
        assertEquals(passes([listed ? entry : other], { from }), listed, `${entry} ${from}`);
      }
    }
  }));
});

Deno.test("ip_whitelist refuses what a trusted proxy passes on without an entry of its own", () => {
  const list = [PROXY, "192.0.2.10"];
  const real: [string, string][] = [["X-Real-IP", "192.0.2.10"]];
  for (const proxies of [{ trusted: [PROXY] }, { own: [PROXY] }]) {
    assert(!passes(list, { from: PROXY, ...proxies }));
    assert(!passes(list, { from: PROXY, ...proxies, forwardedFor: [""] }));
    assert(!passes(list, { from: PROXY, ...proxies, forwardedFor: ["unknown"] }));
    assert(!passes(list, { from: PROXY, ...proxies, headers: real }));
    assert(!passes(list, { from: `::ffff:${PROXY}`, ...proxies }));
    assert(passes(list, { from: PROXY, ...proxies, forwardedFor: ["192.0.2.10"] }));
  }
});

Deno.test("trusted_proxies of a webhook stand in the place of TRUSTED_PROXIES", () => {
  const list = ["192.0.2.10"];
  const forwardedFor = ["192.0.2.10"];
  assert(passes(list, { from: PROXY, forwardedFor, trusted: ["10.9.9.9"], own: [PROXY] }));
  assert(!passes(list, { from: PROXY, forwardedFor, trusted: [PROXY], own: ["10.9.9.9"] }));
  assert(!passes(list, { from: PROXY, forwardedFor, trusted: [PROXY], own: [] }));
});

Deno.test("ip_whitelist with an entry that is no address, or without any, is a problem of the webhook", async () => {
  const wrong: Record<string, unknown> = {
    empty: [],
    nothing: null,
    text: "192.0.2.10",
    blank: [""],
    name: ["localhost"],
    wide: ["10.0.0.0/33"],
    no_bits: ["10.0.0.0/"],
    negative: ["::ffff:10.0.0.0/95"],
    octal: ["010.0.0.1"],
    short: ["10.1"],
    number: [167772161],
    port: ["10.0.0.1:80"],
    zone: ["fe80::1%eth0"],
    unset: ["{$NOT_SET_ANYWHERE}"],
    one_of_two: ["10.0.0.1", "10.0.0.256"],
  };
  const proxies = { module: "log", ip_whitelist: ["10.0.0.1"] };
  const { problems, warnings } = await findingsOf({
    webhooks: {
      ...Object.fromEntries(
        Object.entries(wrong).map(([id, list]) => [id, { module: "log", ip_whitelist: list }]),
      ),
      of_proxies: { ...proxies, trusted_proxies: ["proxy"] },
      one_proxy: { ...proxies, trusted_proxies: "10.0.0.1" },
      right: { ...proxies, trusted_proxies: [] },
    },
  });
  const refused = [...Object.keys(wrong), "of_proxies", "one_proxy"];
  assertEquals(Object.keys(problems).sort(), refused.map((id) => `webhook default/${id}`).sort());
  assertEquals(problems["webhook default/wide"], [
    "ip_whitelist.0: Must be an IP address, or a network such as 10.0.0.0/8 (schema)",
  ]);
  assertEquals(problems["webhook default/empty"], [
    "ip_whitelist: Must not be empty: remove the key to leave the webhook open (schema)",
  ]);
  assertEquals(warnings, {});
});

Deno.test("ip_whitelist answers 403 before the body is sent, and shows the address to operators", async () => {
  const ADMIN_TOKEN = "an-admin-token-of-the-tests";
  await using gateway = await TestGateway.start({
    webhooks: { a: { module: "log", ip_whitelist: ["192.0.2.10"], trusted_proxies: ["127.0.0.1"] } },
    environment: { ADMIN_TOKEN },
  });
  const from = (address: string) => ({ "X-Forwarded-For": address });
  assertEquals((await gateway.post("/webhook/a", "{}", from("192.0.2.10"))).status, 200);
  assertEquals(errorCode(await gateway.post("/webhook/a", "{}", from("198.51.100.7"))), "forbidden");
  assertEquals(errorCode(await gateway.post("/webhook/a", "{}")), "forbidden");

  await using connection = await RawHttpConnection.open(gateway.port);
  const headers = { "Content-Length": "1000", ...from("198.51.100.8") };
  await connection.write(formatRequest("POST", "/webhook/a", { headers }));
  assertEquals((await connection.readResponse()).status, 403);

  const page = await gateway.request("/admin/webhooks/default/a", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const clients = (JSON.parse(page.text).refusals as { client: string }[]).map(({ client }) => client);
  assertEquals(clients.sort(), ["127.0.0.1", "198.51.100.7", "198.51.100.8"]);
});
