import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hash } from "node:crypto";
import { check } from "../../src/cli/check.ts";
import { DeliveryError } from "../../src/errors.ts";
import { s3Module } from "../../src/modules/aws/s3/s3.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { BucketDesk } from "../support/aws/buckets.ts";
import { makeUser, motoConnection, permit, revoke, s3Writer } from "../support/aws/moto.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { startTlsFront } from "../support/http/secure_front.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { OpenOutput } from "../support/open_output.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** A bucket of the shared server, and a network in between. */
async function open() {
  await using undo = new AsyncDisposableStack();
  const desk = undo.use(await BucketDesk.open());
  const network = undo.use(TcpProxy.start({ port: desk.place.port }));
  const connection = motoConnection(desk.place, await s3Writer(), network.port);
  const output = undo.use(await OpenOutput.open(s3Module, connection));
  const bucket = await desk.makeBucket(BucketDesk.name("open"));
  const resources = undo.move();
  const close = () => resources.disposeAsync();
  return { desk, network, connection, output, bucket, [Symbol.asyncDispose]: close };
}

Deno.test("an object is what boto3 expects: body, media type, metadata and checksum", async () => {
  await using world = await open();
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "x-shop": "Zo\u00eb  & co",
    cookie: "s3cret",
  };
  const event = verifiedEvent({ headers, body: '{"total":1.0}', type: "paid" });
  const config = { bucket: world.bucket, include_headers: true, storage_class: "STANDARD_IA" };
  assertEquals(await world.output.attempt(event, config), "delivered");
  const [object] = await world.desk.readByBoto(world.bucket);
  assert(object !== undefined);
  assertMatch(
    object.key,
    /^webhooks\/2026\/01\/02\/03\/webhook_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json$/,
  );
  assertEquals(object.body, event.body.bytes);
  assertEquals(object.content_type, "application/json; charset=utf-8");
  assertEquals(object.storage_class, "STANDARD_IA");
  assertEquals(object.checksum, hash("sha256", event.body.bytes, "base64"));
  assertEquals(object.metadata, {
    "cwm-event-id": event.id,
    "cwm-event-type": "paid",
    "cwm-namespace": "default",
    "cwm-received-at": "2026-01-02T03:04:05.678Z",
    "cwm-webhook": "orders",
    content_type: "application/json; charset=utf-8",
    x_shop: "Zo%C3%AB & co",
  });
});

Deno.test("values of an event reach the part of the key that the pattern has for them, and no other", async () => {
  await using world = await open();
  const values = ["a b+c%2F", "../../etc", "?x#y", "Zoë/🎉", "'!(*)'", "<&>", ".a."];
  const config = { bucket: world.bucket, key: "shop/{/name}/{event_id}" };
  const events = values.map((name) => verifiedEvent({ body: JSON.stringify({ name }) }));
  assertEquals(await world.output.deliver(events, config), values.map(() => "delivered"));
  const keys = await world.desk.readByBoto(world.bucket);
  const expected = events.map(({ id }, index) => `shop/${encodeURIComponent(values[index]!)}/${id}`);
  assertEquals(keys.map(({ key }) => key).sort(), expected.sort());
});

Deno.test("events without a key that servers keep as it is are dead letters, alone", async () => {
  await using world = await open();
  const config = { bucket: world.bucket, key: "shop/{/name}/{event_id}" };
  const names = [".", "..", "", "x".repeat(200), { a: 1 }, "good"];
  const events = names.map((name) => verifiedEvent({ body: JSON.stringify({ name }) }));
  const results = await world.output.deliver(events, config);
  const codes = results.map((result) => result === "delivered" ? result : result.code);
  assertEquals(codes, [...new Array(5).fill("output_rejected"), "delivered"]);
  const [long] = await world.output.deliver([events[5]!], {
    ...config,
    key: `${"x".repeat(250)}{/name}/{uuid}`,
  });
  assertEquals(long, "delivered");
  const [longer] = await world.output.deliver([events[5]!], {
    ...config,
    key: `${"x".repeat(252)}{/name}/{uuid}`,
  });
  assertStringIncludes((longer as DeliveryError).message, "a part of more than 255 bytes");
});

Deno.test("an event whose answer got lost meets its own object, and is delivered", async () => {
  await using world = await open();
  const events = Array.from({ length: 10 }, () => verifiedEvent());
  const config = { bucket: world.bucket, timeout: 0.5 };
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  world.network.freeze("to_client");
  const signal = AbortSignal.timeout(500);
  for (const result of await world.output.deliver(events, config, { signal })) {
    assertEquals((result as DeliveryError).code, "output_timeout");
  }
  await eventually(async () => assertEquals((await world.desk.keys(world.bucket)).length, 11));
  world.network.thaw("to_client");
  const again = await world.output.deliver(events, config);
  assertEquals(again.filter((result) => result !== "delivered"), []);
  assertEquals((await world.desk.keys(world.bucket)).length, 11);
});

Deno.test("of twenty attempts at once one stores the object, and all are delivered", async () => {
  await using world = await open();
  const event = verifiedEvent();
  const attempts = Array.from({ length: 20 }, () => world.output.attempt(event, { bucket: world.bucket }));
  assertEquals(await Promise.all(attempts), attempts.map(() => "delivered"));
  assertEquals((await world.desk.keys(world.bucket)).length, 1);
});

Deno.test("rights, keys and buckets that are taken away keep events for later, and are named", async () => {
  await using world = await open();
  const { place } = world.desk;
  const user = BucketDesk.name("user");
  const all = { Action: "s3:*", Resource: "*" };
  const credentials = await makeUser(place, user, all);
  await using output = await OpenOutput.open(s3Module, motoConnection(place, credentials));
  const config = { bucket: world.bucket };
  const isRefused = async (reason: RegExp) => {
    const [result] = await output.deliver([verifiedEvent()], config);
    assert(result instanceof DeliveryError);
    assertEquals(result.code, "output_unavailable");
    assertMatch(result.message, reason);
    assert(!Deno.inspect(result, { depth: 9 }).includes(credentials.aws_secret_access_key));
  };
  assertEquals(await output.attempt(verifiedEvent(), config), "delivered");
  await permit(place, user, { Action: "s3:GetObject", Resource: "*" });
  await isRefused(
    /does not permit it to the credentials of the connection: bucket 'open-.*' \(AccessDenied, 403\)/,
  );
  await permit(place, user, all);
  assertEquals(await output.attempt(verifiedEvent(), config), "delivered");
  await world.desk.removeBucket(world.bucket);
  await isRefused(/has no such bucket: bucket 'open-.*' \(NoSuchBucket, 404\)/);
  await world.desk.makeBucket(world.bucket);
  assertEquals(await output.attempt(verifiedEvent(), config), "delivered");
  await revoke(place, user, credentials);
  await isRefused(/does not take the credentials of the connection: .*\(InvalidAccessKeyId, 403\)/);
  const wrong = { ...credentials, aws_secret_access_key: "wrong" };
  await using other = await OpenOutput.open(
    s3Module,
    motoConnection(place, { ...await s3Writer(), ...pick(wrong) }),
  );
  const [result] = await other.deliver([verifiedEvent()], config);
  assertMatch((result as DeliveryError).message, /\(SignatureDoesNotMatch, 403\)/);
});

function pick({ aws_secret_access_key }: { readonly aws_secret_access_key: string }) {
  return { aws_secret_access_key };
}

Deno.test("credentials that change in the connection are used without a restart", async () => {
  await using world = await open();
  const { place } = world.desk;
  const user = BucketDesk.name("user");
  const first = await makeUser(place, user, { Action: "s3:*", Resource: "*" });
  const connection = (credentials: typeof first) => ({
    s3: { type: "s3", ...motoConnection(place, credentials) },
  });
  await using gateway = await TestGateway.start({
    webhooks: { jobs: { module: "s3", accept: "delivered", "module-config": { bucket: world.bucket } } },
    connections: connection(first),
  });
  assertEquals((await gateway.post("/webhook/jobs", "{}")).status, 200);
  await revoke(place, user, first);
  assertEquals((await gateway.post("/webhook/jobs", "{}")).status, 503);
  await gateway.writeConnections(
    connection(await makeUser(place, `${user}2`, { Action: "s3:*", Resource: "*" })),
  );
  await gateway.reload();
  await eventually(async () => assertEquals((await gateway.post("/webhook/jobs", "{}")).status, 200));
});

Deno.test("a service of S3 with TLS is reached with a certificate, when it is the one that is meant", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1,DNS:s3.test");
  await certificates.issue("client", "DNS:client");
  await using world = await open();
  await using front = await startTlsFront(certificates, "server", world.desk.place.port);
  const { ca } = certificates;
  const [cert, key] = [certificates.certificateOf("client"), certificates.keyOf("client")];
  const attempts: readonly [host: string, tls: object, outcome: string][] = [
    ["127.0.0.1", { ca, cert, key }, "delivered"],
    ["localhost", { ca, cert, key, servername: "s3.test" }, "delivered"],
    ["127.0.0.1", { cert, key, insecure_skip_verify: true }, "delivered"],
    ["127.0.0.1", { ca }, "output_unavailable"],
    ["localhost", { ca, cert, key }, "output_unavailable"],
    ["127.0.0.1", { cert, key }, "output_unavailable"],
    ["127.0.0.1", { ca, cert, key: "/nowhere" }, "output_unavailable"],
  ];
  for (const [host, tls, outcome] of attempts) {
    const connection = { ...world.connection, endpoint_url: `https://${host}:${front.port}`, tls };
    await using output = await OpenOutput.open(s3Module, connection);
    assertEquals(
      await output.attempt(verifiedEvent(), { bucket: world.bucket }),
      outcome,
      JSON.stringify(tls),
    );
  }
});

/** What `cwm check --probe` finds, without the line of its name. */
async function probe(connection: object, configs: readonly object[]) {
  await using directory = await TempDir.create();
  const hooks = configs.map((config, index) => [`hook${index}`, { module: "s3", "module-config": config }]);
  await directory.writeJson("webhooks.json", Object.fromEntries(hooks));
  await directory.writeJson("connections.json", { main: { type: "s3", ...connection } });
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  const lines: string[] = [];
  const code = await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  return { code, lines: lines.filter((line) => line.startsWith("connection main: ")) };
}

Deno.test("cwm check --probe names missing buckets and rights, and leaves nothing behind", async () => {
  await using world = await open();
  const closed = await world.desk.makeBucket(BucketDesk.name("closed"));
  const good = { bucket: world.bucket };
  assertEquals(await probe(world.connection, [good, { ...good, key: "a/{event_id}" }]), {
    code: 0,
    lines: ["connection main: s3 can take events"],
  });
  const { code, lines } = await probe(world.connection, [good, { bucket: "open-missing" }, {
    bucket: closed,
  }]);
  assertEquals([code, lines.length], [1, 2]);
  assertMatch(lines[0]!, /has no such bucket: bucket 'open-missing'/);
  assertMatch(lines[1]!, /does not permit it to the credentials of the connection: bucket 'closed-/);
  const wrong = await probe({ ...world.connection, aws_secret_access_key: "wrong" }, [good]);
  assertMatch(wrong.lines[0]!, /does not take the credentials of the connection/);
  assertEquals([await world.desk.keys(world.bucket), await world.desk.unfinished(world.bucket)], [[], 0]);
});
