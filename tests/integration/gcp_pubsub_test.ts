import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { DeliveryError } from "../../src/errors.ts";
import { gcpPubsubModule } from "../../src/modules/gcp_pubsub/gcp_pubsub.ts";
import type { DeliveryResult, OutputModule } from "../../src/modules/module.ts";
import { outputModulesWithin } from "../../src/modules/registry.ts";
import { loadOutputBounds, loadSettings } from "../../src/settings/load.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { startTlsFront } from "../support/http/secure_front.ts";
import { HttpTarget } from "../support/http/target.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { TEST_CA } from "../support/http/test_certificate.ts";
import { OpenOutput } from "../support/open_output.ts";
import { PROJECT, sharedAccount, TestAccount } from "../support/pubsub/account.ts";
import { PubsubServer } from "../support/pubsub/server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const CONFIG = { topic: "orders" };

/** A server with a topic that takes the tokens of an account, and how it is reached. */
async function start(
  settings: Readonly<Record<string, unknown>> = { credentials: sharedAccount().document() },
) {
  await using undo = new AsyncDisposableStack();
  const account = sharedAccount();
  const server = undo.use(await PubsubServer.start({ account }));
  server.setTopic("orders", "open");
  const network = undo.use(TcpProxy.start({ port: server.port }));
  const directory = undo.use(await TempDir.create());
  const tls = { ca: await directory.writeText("ca.crt", TEST_CA), servername: "orders.test" };
  const connection = { endpoint: `https://127.0.0.1:${network.port}`, tls, ...settings };
  const output = undo.use(await OpenOutput.open(gcpPubsubModule, connection));
  const resources = undo.move();
  const close = () => resources.disposeAsync();
  return { account, server, network, directory, connection, output, [Symbol.asyncDispose]: close };
}

function codesOf(results: readonly DeliveryResult[]): string[] {
  return results.map((result) => result === "delivered" ? result : result.code);
}

Deno.test("gcp_pubsub signs a token that Google's library takes and would make itself, and keeps it", async () => {
  const document = sharedAccount().document();
  const escaped = { ...document, private_key: document["private_key"]!.replaceAll("\n", "\\n") };
  await using world = await start({ credentials: JSON.stringify(escaped) });
  for (let number = 0; number < 3; number++) {
    assertEquals(await world.output.attempt(verifiedEvent(), CONFIG), "delivered");
  }
  assertEquals(world.server.tokens.size, 1);
  const [token = ""] = world.server.tokens;
  const { header, claims, own_header, own_claims } = await world.account.checkWithGoogleAuth(token);
  assertEquals(header, own_header);
  const withoutTimes = ({ iat: _iat, exp: _exp, ...rest }: Readonly<Record<string, unknown>>) => rest;
  assertEquals(withoutTimes(claims), withoutTimes(own_claims));
  assertEquals(Number(claims["exp"]) - Number(claims["iat"]), 3600);
});

Deno.test("gcp_pubsub publishes bodies and attributes as they are, and none that Pub/Sub would refuse", async () => {
  await using world = await start();
  const headers = {
    "content-type": "application/json",
    "x-shop": "Zo\u00c3\u00ab",
    "x-long": "x".repeat(1025),
    "goog-name": "g",
    __proto__: "p",
    authorization: "Bearer s3cret",
    ...Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`y-${index}`, ""])),
  };
  const event = verifiedEvent({
    namespace: "shop",
    type: "order.paid",
    headers,
    body: '{"order":{"id":12345678901234567890,"place":"Zoë/\\u0000 \\ud800"}}',
  });
  const config = {
    ...CONFIG,
    forward_headers: true,
    attributes: { origin: "gateway", "x-shop": "ours" },
    ordering_key: "{namespace}/{/order/id}/{/order/place}",
  };
  assertEquals(await world.output.attempt(event, config), "delivered");
  const [{ data, attributes, orderingKey }] = world.server.published as [typeof world.server.published[0]];
  assertEquals(data, event.body.bytes);
  assertEquals(orderingKey, "shop/12345678901234567890/Zoë/\0 \ufffd");
  const expected = {
    "cwm-event-id": event.id,
    "cwm-namespace": "shop",
    "cwm-webhook": "orders",
    "cwm-received-at": "2026-01-02T03:04:05.678Z",
    "cwm-event-type": "order.paid",
    "content-type": "application/json",
    origin: "gateway",
    "x-shop": "ours",
  };
  for (const [name, value] of Object.entries(expected)) assertEquals(attributes[name], value, name);
  assertEquals([attributes["x-long"], attributes["goog-name"], attributes["authorization"]], [
    undefined,
    undefined,
    undefined,
  ]);
  assert(Object.keys(attributes).length <= 100);
});

Deno.test("gcp_pubsub packs as many events into a request as Pub/Sub takes, and rejects larger ones", async () => {
  await using world = await start();
  const events = (count: number, bytes: number) =>
    Array.from({ length: count }, () => verifiedEvent({ body: new Uint8Array(bytes) }));
  assertEquals(
    new Set(await world.output.deliver(events(1000, 10), CONFIG)),
    new Set<DeliveryResult>(["delivered"]),
  );
  assertEquals(
    new Set(await world.output.deliver(events(10, 1_500_000), CONFIG)),
    new Set<DeliveryResult>(["delivered"]),
  );
  assertEquals(world.server.requests, [1000, 4, 4, 2]);
  const sizes = [7_499_000, 7_500_000];
  const results = await world.output.deliver(sizes.flatMap((size) => events(1, size)), CONFIG);
  assertEquals(codesOf(results), ["delivered", "output_rejected"]);
});

Deno.test("gcp_pubsub finds what makes a request refused, and the others of its batch arrive in order", async () => {
  await using world = await start();
  const config = { ...CONFIG, forward_headers: true, ordering_key: "{webhook_id}" };
  const batch = Array.from(
    { length: 200 },
    (_, index) =>
      verifiedEvent({
        headers: index === 17 || index === 150 ? { "x-refuse": "1" } : {},
        body: String(index),
      }),
  );
  const results = await world.output.deliver(batch, config);
  const expected = batch.map((_, index) => index === 17 || index === 150 ? "output_rejected" : "delivered");
  assertEquals(codesOf(results), expected);
  const numbers = world.server.published.map(({ data }) => Number(new TextDecoder().decode(data)));
  assertEquals(numbers, [...batch.keys()].filter((index) => expected[index] === "delivered"));
});

Deno.test("gcp_pubsub sends nothing behind what failed, so that nothing overtakes it", async () => {
  await using world = await start();
  const batch = Array.from({ length: 10 }, () => verifiedEvent({ body: new Uint8Array(1_500_000) }));
  world.server.answerNext("UNAVAILABLE");
  const results = await world.output.deliver(batch, CONFIG);
  assertEquals(new Set(codesOf(results)), new Set(["output_failed"]));
  assertEquals(world.server.published, []);
});

Deno.test("gcp_pubsub says of each error whether to try again, to reject or to pause", async () => {
  await using world = await start();
  const words = {
    UNAVAILABLE: "output_failed",
    INTERNAL: "output_failed",
    RESOURCE_EXHAUSTED: "output_throttled",
    INVALID_ARGUMENT: "output_rejected",
    NOT_FOUND: "output_unavailable",
    PERMISSION_DENIED: "output_unavailable",
    UNAUTHENTICATED: "output_unavailable",
    FAILED_PRECONDITION: "output_unavailable",
  } as const;
  for (const [word, code] of Object.entries(words)) {
    world.server.answerNext(word as keyof typeof words, { "retry-after": "7" });
    const [result] = await world.output.deliver([verifiedEvent({ body: "s3cret" })], CONFIG);
    assert(result instanceof DeliveryError);
    assertEquals([result.code, result.isPartial, result.retryAfterSeconds], [code, false, 7], word);
    assertStringIncludes(result.message, `(${word})`);
  }
  const pages: readonly (readonly [status: number, code: string])[] = [
    ...[[200, "output_unavailable"], [307, "output_unavailable"], [401, "output_unavailable"]] as const,
    ...[[403, "output_unavailable"], [404, "output_unavailable"], [413, "output_rejected"]] as const,
    ...[[429, "output_throttled"], [502, "output_failed"]] as const,
  ];
  for (const [status, code] of pages) {
    world.server.answerNextWith(status, "<html>a page of something in between</html>");
    assertEquals(await world.output.attempt(verifiedEvent(), CONFIG), code, String(status));
  }
  assertEquals(world.server.published, []);
});

Deno.test("gcp_pubsub reaches an endpoint over TLS with files of its own", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1,DNS:pubsub.test");
  await certificates.issue("client", "DNS:client");
  await using server = await PubsubServer.start();
  server.setTopic("orders", "open");
  await using front = await startTlsFront(certificates, "server", server.port);
  const { ca } = certificates;
  const [cert, key] = [certificates.certificateOf("client"), certificates.keyOf("client")];
  const attempts: readonly [host: string, tls: object, outcome: string][] = [
    ["127.0.0.1", { ca, cert, key }, "delivered"],
    ["localhost", { ca, cert, key, servername: "pubsub.test" }, "delivered"],
    ["127.0.0.1", { cert, key, insecure_skip_verify: true }, "delivered"],
    ["127.0.0.1", { ca }, "output_unavailable"],
    ["127.0.0.1", { cert, key }, "output_unavailable"],
    ["localhost", { ca, cert, key }, "output_unavailable"],
    ["127.0.0.1", { ca: "/nowhere/ca.crt" }, "output_unavailable"],
  ];
  for (const [host, tls, outcome] of attempts) {
    const endpoint = `https://${host}:${front.port}`;
    const connection = { endpoint, tls, credentials: sharedAccount().document() };
    await using output = await OpenOutput.open(gcpPubsubModule, connection);
    assertEquals(await output.attempt(verifiedEvent(), CONFIG), outcome, JSON.stringify({ host, tls }));
  }
});

Deno.test("gcp_pubsub takes another key as soon as its file has one, and pauses until then", async () => {
  await using directory = await TempDir.create();
  const path = await directory.writeJson("key.json", sharedAccount().document());
  await using world = await start({ credentials_path: path });
  assertEquals(await world.output.attempt(verifiedEvent(), CONFIG), "delivered");
  const next = new TestAccount("key-2");
  world.server.account = next;
  const [refused] = await world.output.deliver([verifiedEvent()], CONFIG);
  assertEquals((refused as DeliveryError).code, "output_unavailable");
  assertMatch((refused as DeliveryError).message, /does not take the credentials .*UNAUTHENTICATED/);
  await assertRejects(() => world.output.probe(), DeliveryError, "does not take the credentials");
  await Deno.writeTextFile(path, JSON.stringify(next.document()));
  assertEquals(await world.output.attempt(verifiedEvent(), CONFIG), "delivered");
  world.server.account = null;
  assertEquals(await world.output.attempt(verifiedEvent(), CONFIG), "output_unavailable");
  const problems = { "PKCS#1": JSON.stringify(next.document("pkcs1")), "Not a document in JSON": "no JSON" };
  for (const [words, text] of Object.entries(problems)) {
    await Deno.writeTextFile(path, text);
    const [result] = await world.output.deliver([verifiedEvent()], CONFIG);
    assertStringIncludes((result as DeliveryError).message, words);
  }
  await Deno.remove(path);
  const [missing] = await world.output.deliver([verifiedEvent()], CONFIG);
  assertStringIncludes(
    (missing as DeliveryError).message,
    `Cannot read ${path}, the file of credentials_path`,
  );
});

Deno.test("gcp_pubsub asks the metadata server for tokens where it has no credentials", async () => {
  await using metadata = await HttpTarget.start();
  await using world = await start({ project_id: PROJECT, metadata_host: `127.0.0.1:${metadata.port}` });
  world.server.account = { accepts: (token: string) => token === "of-the-machine" };
  const [refused] = await world.output.deliver([verifiedEvent()], CONFIG);
  assertStringIncludes((refused as DeliveryError).message, "gives no token: it answered 200");
  metadata.answer({
    status: 200,
    body: '{"access_token":"of-the-machine","expires_in":3599,"token_type":"Bearer"}',
  });
  for (let number = 0; number < 2; number++) {
    assertEquals(await world.output.attempt(verifiedEvent(), CONFIG), "delivered");
  }
  const [, asked, ...more] = metadata.requests;
  assertEquals(more, []);
  assertEquals(asked!.target, "/computeMetadata/v1/instance/service-accounts/default/token");
  assertEquals(asked!.headers.get("metadata-flavor"), "Google");
});

Deno.test("PUBSUB_EMULATOR_HOST leads connections to an emulator that do not say where they lead", async () => {
  await using emulator = await PubsubServer.start();
  emulator.setTopic("orders", "open");
  const bounds = loadOutputBounds({ PUBSUB_EMULATOR_HOST: `127.0.0.1:${emulator.port}` });
  const module = outputModulesWithin(bounds).find(({ name }) => name === "gcp_pubsub") as OutputModule;
  const settings = { project_id: PROJECT, credentials: {} };
  await using output = await OpenOutput.open(module, settings);
  assertEquals(await output.attempt(verifiedEvent(), CONFIG), "delivered");
  await using own = await OpenOutput.open(gcpPubsubModule, {
    ...settings,
    emulator_host: `127.0.0.1:${emulator.port}`,
  });
  assertEquals(await own.attempt(verifiedEvent(), { topic: "missing" }), "output_unavailable");
  await using elsewhere = await OpenOutput.open(module, {
    ...settings,
    credentials: sharedAccount().document(),
    endpoint: "https://127.0.0.1:1",
  });
  assertEquals(await elsewhere.attempt(verifiedEvent(), CONFIG), "output_unavailable");
  assertEquals([emulator.published.length, emulator.tokens.size], [1, 0]);
});

/** What `cwm check --probe` finds with one webhook, in its last lines. */
async function probe(connection: object, config: object): Promise<readonly string[]> {
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    hook: { module: "gcp_pubsub", connection: "main", "module-config": config },
  });
  await directory.writeJson("connections.json", { main: { type: "gcp_pubsub", ...connection } });
  const lines: string[] = [];
  const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
  await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
  return lines.slice(lines.findIndex((line) => line.startsWith("0 problems in ")) + 1);
}

Deno.test("cwm check --probe asks Pub/Sub for the right to publish, and names the topic", async () => {
  await using world = await start();
  world.server.setTopic("closed", "closed");
  assertEquals(await probe(world.connection, CONFIG), [
    "connection main: gcp_pubsub can take events",
    "0 connections of 1 cannot take events",
  ]);
  for (const topic of ["closed", "missing"]) {
    const [line] = await probe(world.connection, { topic });
    assertStringIncludes(
      line!,
      `has no topic '${topic}', or does not give the credentials pubsub.topics.publish`,
    );
  }
  const other = { ...world.connection, credentials: new TestAccount().document() };
  const [line] = await probe(other, CONFIG);
  assertStringIncludes(line!, "does not take the credentials of the connection");
  assertEquals(world.server.published, []);
});

Deno.test("a Pub/Sub that is silent for three seconds and then gone holds up nobody and loses nothing", async () => {
  await using world = await start();
  const retry = { initial_delay: 0.1, max_delay: 0.5, max_attempts: 1000 };
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "gcp_pubsub", retry, "module-config": { ...CONFIG, timeout: 0.5 } },
      printed: { module: "log" },
    },
    connections: { pubsub: { type: "gcp_pubsub", ...world.connection } },
  });
  const accepted: string[] = [];
  const send = async () => {
    const answer = await gateway.post("/webhook/orders", "{}");
    assertEquals(answer.status, 200);
    accepted.push(JSON.parse(answer.text).event_id);
  };
  await send();
  await eventually(() => assertEquals(world.server.published.length, 1));
  world.network.freeze();
  const thawsAt = performance.now() + 3_000;
  while (performance.now() < thawsAt) {
    await send();
    assertEquals((await gateway.post("/webhook/printed", "{}")).status, 200);
  }
  await world.network.refuse();
  world.network.cut();
  world.network.thaw();
  await send();
  world.network.accept();
  await eventually(() => {
    const arrived = new Set(world.server.published.map(({ attributes }) => attributes["cwm-event-id"]));
    assertEquals(accepted.filter((id) => !arrived.has(id)), []);
  }, { timeoutMs: 60_000 });
});
