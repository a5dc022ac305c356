import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { DeliveryError } from "../../src/errors.ts";
import { natsModule } from "../../src/modules/nats/nats.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { makeOperator, makeUserKey } from "../support/nats/operator.ts";
import { DESK_USER, NatsServer } from "../support/nats/server.ts";
import { OpenOutput } from "../support/open_output.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const UNCONFIRMED = { subject: "orders.x", unconfirmed: true };

/** What comes of an event, with these keys of a connection. */
async function outcome(port: number, settings: object, host = "127.0.0.1"): Promise<string> {
  await using output = await OpenOutput.open(natsModule, { servers: `${host}:${port}`, ...settings });
  const [result] = await output.deliver([verifiedEvent()], UNCONFIRMED);
  return result instanceof DeliveryError ? `${result.code} ${result.message}` : String(result);
}

Deno.test("nats reaches a server over TLS with files of its own, and never without where it is set", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1,DNS:nats.test");
  await certificates.issue("client", "DNS:client");
  await using server = await NatsServer.start({ tls: { certificates, name: "server", clientAuth: true } });
  await using plain = await NatsServer.start();
  const { ca } = certificates;
  const own = { cert: certificates.certificateOf("client"), key: certificates.keyOf("client") };
  const attempts: readonly [port: number, settings: object, says: RegExp, host?: string][] = [
    [server.port, { tls: { ca, ...own } }, /^delivered$/],
    [server.port, { tls: { ca, ...own, servername: "nats.test" } }, /^delivered$/, "localhost"],
    [server.port, { tls: { ...own, insecure_skip_verify: true } }, /^delivered$/, "localhost"],
    [
      server.port,
      { tls: { ca } },
      /^output_unavailable .*(?:EPIPE|ECONNRESET|ALERT|EPERM|closed the connection)/,
    ],
    [server.port, { tls: true }, /^output_unavailable .*(?:SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/],
    [server.port, { tls: { ca, ...own } }, /^output_unavailable .*ERR_TLS_CERT_ALTNAME_INVALID/, "localhost"],
    [server.port, {}, /^output_unavailable .*asks for TLS: set tls/],
    [server.port, { tls: { ca: "/nowhere/ca.crt" } }, /^output_unavailable Cannot read \/nowhere\/ca\.crt/],
    [plain.port, { tls: { ca } }, /^output_unavailable .*does not offer TLS/],
  ];
  for (const [port, settings, says, host] of attempts) {
    assertMatch(await outcome(port, settings, host), says, JSON.stringify(settings));
  }
});

Deno.test("nats logs in with a token, a key's seed, and a JWT, also out of a file that changes", async () => {
  const key = makeUserKey();
  const operator = makeOperator();
  await using directory = await TempDir.create();
  const file = directory.file("gateway.creds");
  await using withToken = await NatsServer.start({ authorization: ["token: s3cret"] });
  await using withKey = await NatsServer.start({
    authorization: [`users: [ ${DESK_USER}, { nkey: ${key.publicKey} } ]`],
  });
  await using withJwt = await NatsServer.start({ lines: operator.lines });
  const { seed, jwt } = operator;
  assertEquals(await outcome(withToken.port, { token: "s3cret" }), "delivered");
  assertMatch(
    await outcome(withToken.port, { token: "wr0ng" }),
    /^output_unavailable .*does not let this user in$/,
  );
  assertEquals(await outcome(withKey.port, { nkey_secret: key.seed }), "delivered");
  assertMatch(await outcome(withKey.port, { nkey_secret: seed }), /does not let this user in$/);
  const noKey = `SU${"A".repeat(56)}`;
  const refused = await outcome(withKey.port, { nkey_secret: noKey });
  assertMatch(refused, /nkey_secret is not the seed of a user's NKey/);
  assertEquals(refused.includes(noKey), false);
  assertEquals(await outcome(withJwt.port, { nkey_secret: seed, jwt_token: jwt }), "delivered");
  await using output = await OpenOutput.open(natsModule, {
    servers: `127.0.0.1:${withJwt.port}`,
    credentials_file: file,
  });
  const messageOf = async () => {
    const [result] = await output.deliver([verifiedEvent()], UNCONFIRMED);
    return result instanceof DeliveryError ? result.message : String(result);
  };
  assertMatch(await messageOf(), /Cannot read .*gateway\.creds, the file of credentials_file: NotFound/);
  await directory.writeText("gateway.creds", "nothing of the kind");
  await eventually(async () => assertMatch(await messageOf(), /has no JWT with its seed/));
  await directory.writeText("gateway.creds", operator.credentials);
  await eventually(async () => assertEquals(await messageOf(), "delivered"));
});

/** What `cwm check --probe` finds with one webhook, in its last lines. */
async function probe(connection: object, config: object): Promise<readonly string[]> {
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    hook: { module: "nats", connection: "main", "module-config": config },
  });
  await directory.writeJson("connections.json", { main: { type: "nats", ...connection } });
  const lines: string[] = [];
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  return lines.slice(lines.findIndex((line) => line.startsWith("0 problems in ")) + 1);
}

Deno.test("cwm check --probe asks NATS what it would do with an event, and leaves nothing behind", async () => {
  const rights = '{ publish: ["orders.>", "free.>", "$JS.API.STREAM.INFO.*"], subscribe: ["_INBOX.>"] }';
  const deaf = '{ publish: ["orders.>"], subscribe: ["inbox.>"] }';
  await using server = await NatsServer.start({
    authorization: [
      `users: [ ${DESK_USER}, { user: gateway, password: s3cret, permissions: ${rights} },`,
      `{ user: deaf, password: s3cret, permissions: ${deaf} } ]`,
    ],
  });
  const desk = await server.desk();
  await desk.createStream("ORDERS", ["orders.>"]);
  const connection = { servers: `127.0.0.1:${server.port}`, username: "gateway", password: "s3cret" };
  const config = { subject: "orders.x", stream: "ORDERS" };
  const well = ["connection main: nats can take events", "0 connections of 1 cannot take events"];
  assertEquals(await probe(connection, config), well);
  assertEquals(await probe(connection, { subject: "orders.{webhook_id}", stream: "ORDERS" }), well);
  assertEquals(await probe(connection, { subject: "news", unconfirmed: true }), well);
  assertEquals(
    await probe({ ...connection, username: "deaf", inbox_prefix: "inbox" }, { subject: "orders.x" }),
    well,
  );
  const cases: readonly [connection: object, config: object, text: string][] = [
    [connection, { subject: "free.x" }, "has no stream that takes 'free.x'"],
    [connection, { subject: "closed" }, "does not permit the user to publish on 'closed'"],
    [connection, { ...config, stream: "OTHER" }, "another stream than the configured one"],
    [connection, { subject: "orders.{webhook_id}", stream: "OTHER" }, "has no stream 'OTHER'"],
    [{ ...connection, username: "deaf" }, config, "set inbox_prefix"],
    [{ ...connection, password: "wr0ng" }, config, "does not let this user in"],
  ];
  for (const [settings, of, text] of cases) {
    const [line] = await probe(settings, of);
    assertStringIncludes(line!, text);
    assertEquals(line!.includes("wr0ng"), false);
  }
  assertEquals(await desk.messages("ORDERS"), []);
});
