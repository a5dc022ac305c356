/** Repeats that come to several gateways, of webhooks that answer once they have delivered. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createHmac } from "node:crypto";
import { DeliveryError } from "../../src/errors.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, errorCode, TestGateway } from "../support/gateway.ts";
import type { TestDatabase } from "../support/postgres/access.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { ProbeModule } from "../support/probe_module.ts";

const SECRET = "whsec_1";
const WEBHOOKS = {
  signed: { module: "probe", signature: { provider: "github", secret: SECRET } },
  keyed: { module: "probe", idempotency: { header: "Order" } },
  open: { module: "probe", signature: { provider: "github", secret: SECRET, replay: false } },
};

/** Two gateways that share a journal and an output. */
class Pair implements AsyncDisposable {
  private constructor(
    readonly database: TestDatabase,
    readonly probe: ProbeModule,
    readonly gateways: readonly [TestGateway, TestGateway],
    readonly resources: AsyncDisposableStack,
  ) {}

  static async start(): Promise<Pair> {
    await using resources = new AsyncDisposableStack();
    const database = resources.use(await (await sharedPostgres()).createDatabase());
    const probe = new ProbeModule();
    const start = async () =>
      resources.use(
        await TestGateway.start({
          webhooks: WEBHOOKS,
          modules: [probe.module],
          environment: { JOURNAL: database.url, JOURNAL_BEAT_MS: "100" },
        }),
      );
    const gateways = [await start(), await start()] as const;
    return new Pair(database, probe, gateways, resources.move());
  }

  /** Sends a signed event to one of them. */
  send(gateway: 0 | 1, body: string, webhook: "signed" | "open" = "signed") {
    const signature = createHmac("sha256", SECRET).update(body).digest("hex");
    return this.gateways[gateway].post(`/webhook/${webhook}`, body, {
      "X-Hub-Signature-256": `sha256=${signature}`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources.disposeAsync();
  }
}

/** Sends as senders do: again, where the event is under way elsewhere for long, as on a slow machine. */
async function answered(send: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await send();
    if (answer.status !== 503 || errorCode(answer) !== "repeat_under_way") return answer;
  }
}

Deno.test("of one signed event that comes to two gateways in the same moment, one is delivered", async () => {
  await using pair = await Pair.start();
  const { probe } = pair;
  const bodies = Array.from({ length: 20 }, (_, index) => `{"number":${index}}`);
  const [here, there] = await Promise.all([
    Promise.all(bodies.map((body) => answered(() => pair.send(0, body)))),
    Promise.all(bodies.toReversed().map((body) => answered(() => pair.send(1, body)))),
  ]);
  assertEquals(here.map(({ status }) => status), bodies.map(() => 200));
  assertEquals(there.toReversed().map(({ text }) => text), here.map(({ text }) => text));
  assertEquals(probe.events.map(({ text }) => text).toSorted(), bodies.toSorted());
  const again = await pair.send(1, bodies[0]!);
  assertEquals(again.text, here[0]!.text);
  assertEquals(probe.events.length, bodies.length);
});

Deno.test("an event of one key that comes to two gateways in the same moment is delivered once", async () => {
  await using pair = await Pair.start();
  const answers = await Promise.all(
    [0, 1, 0, 1].map((gateway) =>
      answered(() => pair.gateways[gateway]!.post("/webhook/keyed", `{"to":${gateway}}`, { Order: "7" }))
    ),
  );
  assertEquals(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1);
  assertEquals(pair.probe.events.length, 1);
});

Deno.test("a signed event that one gateway could not deliver is delivered by another", async () => {
  await using pair = await Pair.start();
  const { probe } = pair;
  probe.behaviour = () => new DeliveryError("output_rejected", "No");
  assertEquals((await pair.send(0, "{}")).status, 502);
  probe.behaviour = () => "delivered";
  assertEquals((await pair.send(1, "{}")).status, 200);
  assertEquals((await pair.send(0, "{}")).status, 200);
  assertEquals(probe.events.length, 2);
});

Deno.test("a repeat waits for the gateway that delivers the event, and for no more than two seconds", async () => {
  await using pair = await Pair.start();
  const { probe } = pair;
  const held = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => held.promise;
  const first = pair.send(0, "{}");
  await eventually(() => assertEquals(probe.events.length, 1));
  const sentAt = performance.now();
  const tooLate = await pair.send(1, "{}");
  assertEquals([tooLate.status, errorCode(tooLate), tooLate.headers.get("retry-after")], [
    503,
    "repeat_under_way",
    "1",
  ]);
  assert(performance.now() - sentAt >= 1_000, "It has waited");
  const repeat = answered(() => pair.send(1, "{}"));
  held.resolve("delivered");
  assertEquals((await repeat).text, (await first).text);
  assertEquals(probe.events.length, 1);
});

Deno.test("what a gateway had claimed that has ended is delivered by another", async () => {
  await using pair = await Pair.start();
  const { database, probe } = pair;
  const delivered = await pair.send(0, "{}");
  await eventually(async () => {
    const rows = await database.query("select * from cwm.idempotency where claimer is null");
    assertEquals(rows.length, 1);
  });
  const left =
    "update cwm.idempotency set event_id = 'left', claimer = 999999, until = clock_timestamp() + interval";
  await database.query(`${left} '1 minute'`);
  const again = await pair.send(1, "{}");
  assertNotEquals(again.text, delivered.text);
  assertEquals([again.status, probe.events.length], [200, 2]);
});

Deno.test("while the server is away, events that may be repeats are refused, and others are not", async () => {
  await using pair = await Pair.start();
  const { database, probe } = pair;
  const first = await pair.send(0, '{"number":1}');
  const allow = (isAllowed: boolean) =>
    database.server.query(`alter database ${database.name} allow_connections ${isAllowed}`);
  await allow(false);
  await database.terminateSessions();
  const [refused, known, open] = await Promise.all([
    pair.send(0, '{"number":2}'),
    pair.send(0, '{"number":1}'),
    pair.send(0, "{}", "open"),
  ]);
  assertEquals([refused.status, errorCode(refused)], [503, "journal_unavailable"]);
  assertEquals([known.status, known.text, open.status], [200, first.text, 200]);
  await allow(true);
  await eventually(async () => assertEquals((await pair.send(1, '{"number":2}')).status, 200));
  assertEquals(probe.events.filter(({ text }) => text.includes("2")).length, 1);
});
