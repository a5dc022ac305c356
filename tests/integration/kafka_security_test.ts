import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { KafkaFront, type KafkaFrontOptions } from "../support/kafka/front.ts";
import { codes, type ConfiguredEvent, KafkaOutputDriver } from "../support/kafka/output.ts";
import { KafkaServer } from "../support/kafka/server.ts";

const LOGIN = { username: "cwm,=ü", password: "pa$$=w,örd" };
const SASL = { sasl_username: LOGIN.username, sasl_password: LOGIN.password };

async function start(options: KafkaFrontOptions) {
  await using undo = new AsyncDisposableStack();
  const kafka = undo.use(await KafkaServer.start({ brokers: 2 }));
  await kafka.createTopic("orders", 4);
  const front = undo.use(await KafkaFront.start(kafka, options));
  const resources = undo.move();
  return { kafka, front, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** An authority, and a server with a certificate for 127.0.0.1 that asks for one of the authority's. */
async function startWithTls(login?: KafkaFrontOptions["login"]) {
  await using undo = new AsyncDisposableStack();
  const certificates = undo.use(await TestCertificates.create());
  await certificates.issue("server", "IP:127.0.0.1");
  await certificates.issue("client", "DNS:cwm");
  const read = (path: string) => Deno.readTextFile(path);
  const tls = {
    cert: await read(certificates.certificateOf("server")),
    key: await read(certificates.keyOf("server")),
    ca: await read(certificates.ca),
    requestCert: true,
    rejectUnauthorized: true,
  };
  const world = undo.use(await start({ tls, ...(login === undefined ? {} : { login }) }));
  const client = { cert: certificates.certificateOf("client"), key: certificates.keyOf("client") };
  const resources = undo.move();
  return { ...world, ca: certificates.ca, client, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** Delivers an event over a connection of its own, and returns its result. */
async function deliverOver(bootstrap_servers: string, settings: Readonly<Record<string, unknown>>) {
  await using output = await KafkaOutputDriver.open({ bootstrap_servers, ...settings });
  return await output.deliver({ body: "1" }, { topic: "orders" });
}

Deno.test("events go over TLS, with a certificate on both sides", async () => {
  await using world = await startWithTls();
  const over = (tls: object) => deliverOver(world.front.bootstrap, { security_protocol: "SSL", tls });
  assertEquals(await over({ ca: world.ca, ...world.client }), "delivered");
  assertEquals(await over({ insecure_skip_verify: true, ...world.client }), "delivered");
  assertEquals((await world.kafka.consume("orders")).length, 2);
});

Deno.test("no event goes to a server whose certificate is untrusted or misnamed, or that refuses ours", async () => {
  await using world = await startWithTls();
  const over = (tls: object) => deliverOver(world.front.bootstrap, { security_protocol: "SSL", tls });
  const results = await Promise.all([
    over(world.client),
    over({ ca: world.ca, servername: "kafka.test", ...world.client }),
    over({ ca: world.ca }),
    deliverOver(world.front.bootstrap, {}),
  ]);
  assertEquals(codes(results), results.map(() => "output_unavailable"));
  assertEquals(await world.kafka.consume("orders"), []);
});

Deno.test("a TLS file that is not there fails deliveries until it is", async () => {
  await using world = await startWithTls();
  const tls = { ca: `${world.ca}.new`, ...world.client };
  await using output = await KafkaOutputDriver.open({
    bootstrap_servers: world.front.bootstrap,
    security_protocol: "SSL",
    tls,
  });
  const [failed] = await output.deliverBatch([[{}, { topic: "orders" }]]);
  assertEquals(codes([failed!]), ["output_unavailable"]);
  assertStringIncludes(String(failed), `Cannot read ${tls.ca}`);
  await Deno.copyFile(world.ca, tls.ca);
  assertEquals(await output.deliver({}, { topic: "orders" }), "delivered");
});

for (const mechanism of ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]) {
  Deno.test(`events go to brokers that ask for a login with ${mechanism}`, async () => {
    await using world = await start({ login: LOGIN });
    const settings = { security_protocol: "SASL_PLAINTEXT", sasl_mechanism: mechanism, ...SASL };
    assertEquals(await deliverOver(world.front.bootstrap, settings), "delivered");
  });

  Deno.test(`a wrong password for ${mechanism} fails events for now, and shows in no error`, async () => {
    await using world = await start({ login: LOGIN });
    const settings = { security_protocol: "SASL_PLAINTEXT", sasl_mechanism: mechanism, ...SASL };
    const result = await deliverOver(world.front.bootstrap, { ...settings, sasl_password: "wr0ng-s3cret" });
    assertEquals(codes([result]), ["output_unavailable"]);
    assertStringIncludes(String(result), "Kafka refused the user name or password");
    const shown = Deno.inspect(result, { depth: Infinity, strAbbreviateSize: Infinity });
    assertEquals(shown.includes("wr0ng-s3cret"), false);
    assertEquals(await world.kafka.consume("orders"), []);
  });
}

Deno.test("events go over TLS to brokers that ask for a login", async () => {
  await using world = await startWithTls(LOGIN);
  const settings = { security_protocol: "SASL_SSL", sasl_mechanism: "SCRAM-SHA-512", ...SASL };
  const tls = { ca: world.ca, ...world.client };
  assertEquals(await deliverOver(world.front.bootstrap, { ...settings, tls }), "delivered");
});

Deno.test("brokers that ask for a login get no event without one", async () => {
  await using world = await start({ login: LOGIN });
  assertEquals(codes([await deliverOver(world.front.bootstrap, {})]), ["output_unavailable"]);
});

Deno.test("records over a topic's limit go to the dead letters, all others arrive once, in order", async () => {
  const maxMessageBytes = 2_000;
  await using world = await start({ maxMessageBytes });
  await using output = await KafkaOutputDriver.open({ bootstrap_servers: world.front.bootstrap });
  const tooLarge = new Set([7, 20, 21, 39]);
  // Four partitions get ten events each, which together exceed the limit even without those that are too large.
  const events = Array.from({ length: 40 }, (_, number): ConfiguredEvent => {
    const padding = "x".repeat(tooLarge.has(number) ? maxMessageBytes : 100);
    return [{ body: `${number} ${padding}` }, { topic: "orders", partition: number % 4 }];
  });
  assertEquals(
    codes(await output.deliverBatch(events)),
    events.map((_, number) => tooLarge.has(number) ? "output_rejected" : "delivered"),
  );
  const arrived = (await world.kafka.consume("orders")).map(({ value }) =>
    parseInt(new TextDecoder().decode(value))
  );
  const expected = events.map((_, number) => number).filter((number) => !tooLarge.has(number));
  assertEquals(arrived, expected.toSorted((one, other) => one % 4 - other % 4 || one - other));
});
