import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gunzipSync } from "node:zlib";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import type { DeliveryError } from "../../src/errors.ts";
import { s3Module } from "../../src/modules/aws/s3/s3.ts";
import { BucketDesk, type FoundObject } from "../support/aws/buckets.ts";
import { motoConnection, s3Writer } from "../support/aws/moto.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { OpenOutput } from "../support/open_output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** Longer than a test takes: what comes earlier was not waited for. */
const LONG = 300;

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

/** The lines of an object, as its media type and coding say. */
function linesOf({ body, headers }: FoundObject): readonly string[] {
  assertEquals([headers["content-type"], headers["content-encoding"]], ["application/x-ndjson", "gzip"]);
  const text = gunzipSync(body).toString();
  assert(text.endsWith("\n"));
  return text.slice(0, -1).split("\n");
}

function idsIn(object: FoundObject): readonly string[] {
  return linesOf(object).map((line) => JSON.parse(line).event_id);
}

function events(count: number, shop = "a"): VerifiedEvent[] {
  return Array.from(
    { length: count },
    (_, index) => verifiedEvent({ body: `{"n":${index},"shop":"${shop}"}` }),
  );
}

Deno.test("the events of a batch are the lines of one object, each with its own text", async () => {
  await using world = await open();
  const batch = [
    verifiedEvent({ body: '{\r\n "total": 1.0,\n "id": 12345678901234567890\n}' }),
    ...events(2),
  ];
  const config = { bucket: world.bucket, batch: {} };
  assertEquals(await world.output.deliver(batch, config), batch.map(() => "delivered"));
  const [object, ...others] = await world.desk.objects(world.bucket);
  assert(object !== undefined && others.length === 0);
  assertMatch(
    object.key,
    /^webhooks\/2026\/01\/02\/03\/webhook_2026-01-02T03-04-05\.678Z_[0-9a-f]{32}\.ndjson\.gz$/,
  );
  const [first] = linesOf(object);
  assertEquals(
    first,
    `{"event_id":"${batch[0]!.id}","namespace":"default","webhook":"orders",` +
      '"received_at":"2026-01-02T03:04:05.678Z","headers":{},"payload":{  "total": 1.0,  "id": 12345678901234567890 }}',
  );
  assertEquals(idsIn(object), batch.map(({ id }) => id));
  const plain = { ...config, compression: "none", key: "plain/{batch_id}", batch: { line: "body" } };
  assertEquals(await world.output.attempt(batch[1]!, plain), "delivered");
  const found = (await world.desk.objects(world.bucket)).find(({ key }) => key.startsWith("plain/"));
  assertEquals(new TextDecoder().decode(found?.body), '{"n":0,"shop":"a"}\n');
});

Deno.test("bytes that are no JSON are lines, too, and events without a line are dead letters, alone", async () => {
  await using world = await open();
  const body = new Uint8Array([0, 10, 255]);
  const blob = verifiedEvent({ body });
  const config = { bucket: world.bucket, batch: {} };
  assertEquals(await world.output.deliver([blob], config, { dataType: "blob" }), ["delivered"]);
  const [object] = await world.desk.objects(world.bucket);
  assertEquals(JSON.parse(linesOf(object!)[0]!).body_base64, body.toBase64());
  const results = await world.output.deliver([...events(1), blob, ...events(1)], config);
  assertEquals(results.map((result) => result === "delivered"), [true, false, true]);
  assertEquals((results[1] as DeliveryError).code, "output_rejected");
});

Deno.test("events whose keys differ are in objects of their own", async () => {
  await using world = await open();
  const config = { bucket: world.bucket, key: "{/shop}/{batch_id}", batch: {} };
  const batch = [...events(3, "a"), ...events(2, "b/c"), verifiedEvent({ body: "{}" })];
  const results = await world.output.deliver(batch, config);
  assertEquals(results.map((result) => result === "delivered"), [true, true, true, true, true, false]);
  const found = await world.desk.objects(world.bucket);
  assertEquals(found.map(({ key }) => key.split("/")[0]).sort(), ["a", "b%2Fc"]);
  assertEquals(found.flatMap(idsIn).length, 5);
});

Deno.test("an object whose storing was not confirmed is sent again as it was, however its events come", async () => {
  await using world = await open();
  const config = { bucket: world.bucket, batch: {} };
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  for (const direction of ["to_client", "to_server"] as const) {
    const batch = events(10);
    world.network.freeze(direction);
    const lost = await world.output.deliver(batch, config, { signal: AbortSignal.timeout(300) });
    assertEquals(lost.filter((result) => result === "delivered"), []);
    world.network.thaw(direction);
    world.network.cut();
    // Three of them with others, then all with more.
    const mixed = [...batch.slice(0, 3), ...events(2)];
    await eventually(async () => {
      const results = await world.output.deliver(mixed, config);
      assertEquals(results.filter((result) => result !== "delivered"), []);
    });
    const all = await world.output.deliver([...events(1), ...batch.slice(3)], config);
    assertEquals(all.filter((result) => result !== "delivered"), []);
    const found = await world.desk.objects(world.bucket);
    const counts = Map.groupBy(found.flatMap(idsIn), (id) => id);
    for (const { id } of batch) assertEquals(counts.get(id)?.length, 1, direction);
  }
});

Deno.test("the same events have the same key in another process, and others never have it", async () => {
  await using world = await open();
  const config = { bucket: world.bucket, batch: {} };
  const [first, second, third] = events(3) as [VerifiedEvent, VerifiedEvent, VerifiedEvent];
  assertEquals(await world.output.deliver([first, second], config), ["delivered", "delivered"]);
  await using restarted = await OpenOutput.open(s3Module, world.connection);
  assertEquals(await restarted.deliver([first, second], config), ["delivered", "delivered"]);
  assertEquals((await world.desk.keys(world.bucket)).length, 1);
  assertEquals(await restarted.deliver([first, third], config), ["delivered", "delivered"]);
  const ids = (await world.desk.objects(world.bucket)).flatMap(idsIn);
  assertEquals(ids.filter((id) => id === third.id).length, 1);
});

/** Sends so many events and returns their ids. */
async function send(gateway: TestGateway, count: number): Promise<readonly string[]> {
  return await Promise.all(Array.from({ length: count }, async (_, index) => {
    const answer = await gateway.post("/webhook/jobs", `{"n":${index}}`);
    assertEquals(answer.status, 200);
    return JSON.parse(answer.text).event_id as string;
  }));
}

Deno.test("an object is written when it is full, by events or by bytes, and not before", async () => {
  await using world = await open();
  for (const bounds of [{ max_events: 10 }, { max_bytes: 70 }]) {
    const bucket = await world.desk.makeBucket(BucketDesk.name("open"));
    const batch = { max_seconds: LONG, ...bounds };
    await using gateway = await TestGateway.start({
      webhooks: { jobs: { module: "s3", "module-config": { bucket, batch } } },
      connections: { s3: { type: "s3", ...world.connection } },
    });
    await send(gateway, 9);
    assertEquals(await world.desk.keys(bucket), []);
    await send(gateway, 1);
    const [object] = await eventually(async () => {
      const found = await world.desk.objects(bucket);
      assertEquals(found.length, 1);
      return found;
    });
    assertEquals(idsIn(object!).length, 10, JSON.stringify(bounds));
  }
});

Deno.test("an object is written when its first event has waited long enough", async () => {
  await using world = await open();
  await using gateway = await TestGateway.start({
    webhooks: {
      jobs: {
        module: "s3",
        accept: "delivered",
        "module-config": { bucket: world.bucket, batch: { max_seconds: 0.3 } },
      },
    },
    connections: { s3: { type: "s3", ...world.connection } },
  });
  const ids = await send(gateway, 5);
  const [object, ...others] = await world.desk.objects(world.bucket);
  assertEquals(others, []);
  assertEquals(idsIn(object!).toSorted(), ids.toSorted());
});

Deno.test("cut connections lose no event of a batch, and store none twice", async () => {
  await using world = await open();
  await using gateway = await TestGateway.start({
    webhooks: {
      jobs: {
        module: "s3",
        retry: { initial_delay: 0.05, max_delay: 0.2, max_attempts: 1000 },
        "module-config": { bucket: world.bucket, timeout: 0.5, batch: { max_events: 20, max_seconds: 0.1 } },
      },
    },
    connections: { s3: { type: "s3", ...world.connection } },
  });
  const accepted: string[] = [];
  for (let round = 0; round < 10; round++) {
    accepted.push(...await send(gateway, 30));
    world.network.cut();
  }
  const found = new Map<string, FoundObject>();
  await eventually(async () => {
    for (const object of await world.desk.objects(world.bucket, found)) found.set(object.key, object);
    assertEquals([...found.values()].flatMap(idsIn).toSorted(), accepted.toSorted());
  }, { timeoutMs: 60_000 });
});

Deno.test("what is wrong with a configuration is said before events come", () => {
  const problemsOf = (config: object) =>
    s3Module.configSchema.safeParse({ bucket: "events", ...config }).error?.issues
      .map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ") ?? "";
  assertStringIncludes(
    problemsOf({ filename_pattern: "a.json" }),
    "filename_pattern: Without {event_id} or {uuid}",
  );
  assertStringIncludes(
    problemsOf({ filename_pattern: "a/{uuid}" }),
    "filename_pattern: A file name cannot contain slashes",
  );
  assertStringIncludes(
    problemsOf({ key: "{event_id}", batch: {} }),
    "key: An object of a batch has several events",
  );
  assertStringIncludes(problemsOf({ key: "all", batch: {} }), "key: Without {batch_id}");
  assertStringIncludes(problemsOf({ key: "/{uuid}" }), "key: A key neither begins nor ends with a slash");
  assertStringIncludes(problemsOf({ key: "a/../{uuid}" }), "key: A key cannot have a part '..'");
  assertStringIncludes(problemsOf({ key: "a//{uuid}" }), "key: A key cannot have an empty part");
  assertStringIncludes(
    problemsOf({ key: `${"x".repeat(256)}/{uuid}` }),
    "key: A key cannot have a part of more than 255",
  );
  assertStringIncludes(problemsOf({ key: "{uuid}", prefix: "a" }), "prefix: key says the whole of it");
  assertStringIncludes(problemsOf({ key: "{nothing}/{uuid}" }), "key: Placeholder {nothing} is not known");
  assertStringIncludes(problemsOf({ bucket: "../x" }), "bucket: Not the name of a bucket");
  assertStringIncludes(problemsOf({ kms_key_id: "k" }), "kms_key_id: Is of no use");
  assertEquals(problemsOf({ prefix: "", filename_pattern: "{/order/id}-{event_id}" }), "");
});
