import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { type EtcdReach, whyUnreachable } from "../../src/config/etcd/wire/reason.ts";
import { StartupError } from "../../src/errors.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { EtcdServer } from "../support/etcd/server.ts";

async function reason(endpoint: string, more: Partial<EtcdReach> = {}): Promise<string> {
  const reasons = await whyUnreachable({ endpoints: [endpoint], prefix: "/cwm/", ...more });
  return reasons?.join("\n") ?? "usable";
}

function user(name: string, password: string): Partial<EtcdReach> {
  return { credentials: { username: { text: name }, password: { text: password } } };
}

Deno.test("etcd that refuses a user says whether a user is missing, wrong, or lacks a right", async () => {
  await using server = await EtcdServer.start();
  const { endpoint } = server;
  assertEquals(await reason(endpoint), "usable");
  await server.enableAuth("/cwm/");
  assertMatch(await reason(endpoint), /it asks for a user: set ETCD_USERNAME/);
  assertMatch(await reason(endpoint, user("nobody", "x")), /no such user, or the password is wrong/);
  assertMatch(await reason(endpoint, user("reader", "x")), /no such user, or the password is wrong/);
  assertMatch(
    await reason(endpoint, { ...user("reader", "reader"), prefix: "/other/" }),
    /permission denied: the role of this user may not read \/other\//,
  );
  assertEquals(await reason(endpoint, user("reader", "reader")), "usable");
  // One member that can be used is enough.
  const endpoints = ["http://127.0.0.1:1", endpoint];
  assertEquals(await whyUnreachable({ endpoints, prefix: "/cwm/", ...user("reader", "reader") }), undefined);
  assertMatch(await reason(endpoint.replace("http", "https")), /before TLS is agreed on: write http/);
  server.freeze();
  assertMatch(await reason(endpoint, user("reader", "reader")), /no answer within/);
  server.thaw();
});

Deno.test("etcd over TLS says what is wrong with which certificate", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1");
  await certificates.issue("client", "DNS:client.example");
  await using strangers = await TestCertificates.create();
  await strangers.issue("client", "DNS:client.example");
  await using server = await EtcdServer.start({ tls: { certificates, name: "server", clientAuth: true } });
  const { endpoint } = server;
  const caFile = certificates.ca;
  const pair = (from: TestCertificates) => ({
    caFile,
    certFile: from.certificateOf("client"),
    keyFile: from.keyOf("client"),
  });
  assertEquals(await reason(endpoint, { tls: pair(certificates) }), "usable");
  assertMatch(await reason(endpoint), /authority that issued its certificate is not known: see ETCD_TLS_CA/);
  assertMatch(
    await reason(endpoint, { tls: { caFile } }),
    /it wants a client certificate: set ETCD_TLS_CERT/,
  );
  assertMatch(await reason(endpoint, { tls: pair(strangers) }), /does not accept the client certificate/);
  assertMatch(await reason(endpoint.replace("https", "http")), /write https:\/\/ if it wants TLS/);
  assertMatch(
    await reason(endpoint.replace("127.0.0.1", "localhost"), { tls: pair(certificates) }),
    /its certificate is for another name or address/,
  );
});

Deno.test("cwm check names each member of etcd that cannot be reached, and why", async () => {
  const env = { CONFIG_BACKEND: "etcd", ETCD_ENDPOINTS: "http://127.0.0.1:1,http://etcd.invalid:2379" };
  const error = await assertRejects(
    () => check(loadSettings(env, { logIsTerminal: false }), env, { probe: false, print: () => {} }),
    StartupError,
  );
  assertEquals(error.code, "backend_unreachable");
  assert(error.problems.some((line) => /127\.0\.0\.1:1: connection refused/.test(line)));
  assert(
    error.problems.some((line) =>
      /etcd\.invalid:2379: the name (is not found|cannot be looked up)/.test(line)
    ),
  );
});
