import { assert, assertEquals, assertRejects } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { activemqModule } from "../../src/modules/activemq/activemq.ts";
import { activemqConnectionSchema } from "../../src/modules/activemq/connection.ts";
import { StompLink } from "../../src/modules/activemq/link.ts";
import { ActivemqDesk } from "../support/activemq/desk.ts";
import { ACTIVEMQ_USERS, FULL } from "../support/activemq/server.ts";
import { sharedActivemq } from "../support/activemq/shared.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { OpenOutput } from "../support/open_output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** How long the broker is silent, in milliseconds: six times what the output waits. */
const FROZEN_MS = 3_000;

const QUICK = { retry: { initial_delay: 0.1, max_delay: 0.5, max_attempts: 1000 } };

/** A queue of the shared broker, and a network in between. */
async function open(queue = ActivemqDesk.name()) {
  await using undo = new AsyncDisposableStack();
  const broker = await sharedActivemq();
  const network = undo.use(TcpProxy.start({ port: broker.port }));
  const login = { user: "writer", password: ACTIVEMQ_USERS.writer };
  const connection = { host: "127.0.0.1", port: network.port, timeout: 0.5, ...login };
  const output = undo.use(await OpenOutput.open(activemqModule, connection));
  const resources = undo.move();
  const close = () => resources.disposeAsync();
  return { broker, network, connection, output, queue, [Symbol.asyncDispose]: close };
}

/** How often each event is in a queue, by its id; the queue is empty then. */
async function counts(
  port: number,
  queue: string,
  into = new Map<string, number>(),
): Promise<Map<string, number>> {
  await using desk = await ActivemqDesk.open(port);
  for (const { headers } of await desk.take(queue)) {
    const id = headers["cwm-event-id"]!;
    into.set(id, (into.get(id) ?? 0) + 1);
  }
  return into;
}

/** Sends events one after the other, until it is stopped. */
class Sender {
  /** The events that were answered with 200. */
  readonly ids: string[] = [];
  readonly #sending: Promise<void>;
  #goesOn = true;

  constructor(gateway: TestGateway, path: string) {
    this.#sending = this.#send(gateway, path);
  }

  async stop(): Promise<readonly string[]> {
    this.#goesOn = false;
    await this.#sending;
    return this.ids;
  }

  async #send(gateway: TestGateway, path: string): Promise<void> {
    while (this.#goesOn) {
      const answer = await gateway.post(path, `{"number":${this.ids.length}}`);
      if (answer.status === 200) this.ids.push(JSON.parse(answer.text).event_id);
    }
  }
}

Deno.test("an ActiveMQ that is killed under load has every event that was accepted, once it is back", async () => {
  await using world = await open();
  const queues = { kept: ActivemqDesk.name(), waited: ActivemqDesk.name() };
  const hook = (destination: string) => ({ module: "activemq", "module-config": { destination } });
  await using gateway = await TestGateway.start({
    webhooks: {
      kept: { ...hook(queues.kept), ...QUICK },
      waited: { ...hook(queues.waited), accept: "delivered" },
    },
    connections: { broker: { type: "activemq", ...world.connection, timeout: 5 } },
  });
  const senders = Object.keys(queues).map((id) => new Sender(gateway, `/webhook/${id}`));
  await eventually(() => senders.every(({ ids }) => ids.length > 20), { timeoutMs: 60_000 });
  await world.broker.killAndRestart();
  const accepted = await Promise.all(senders.map((sender) => sender.stop()));
  for (const [index, queue] of Object.values(queues).entries()) {
    const found = new Map<string, number>();
    await eventually(async () => {
      await counts(world.broker.port, queue, found);
      assertEquals(accepted[index]!.filter((id) => !found.has(id)), []);
    }, { timeoutMs: 60_000 });
  }
});

Deno.test("an ActiveMQ that is frozen for three seconds holds up no other webhook and loses nothing", async () => {
  await using world = await open();
  await using gateway = await TestGateway.start({
    webhooks: {
      jobs: { module: "activemq", ...QUICK, "module-config": { destination: world.queue } },
      printed: { module: "log" },
    },
    connections: { broker: { type: "activemq", ...world.connection } },
  });
  const sender = new Sender(gateway, "/webhook/jobs");
  await eventually(() => assert(sender.ids.length > 20), { timeoutMs: 60_000 });
  await world.broker.freeze();
  const thawsAt = performance.now() + FROZEN_MS;
  let printed = 0;
  for (; performance.now() < thawsAt; printed++) {
    assertEquals((await gateway.post("/webhook/printed", "{}")).status, 200);
  }
  assert(printed > 10);
  const accepted = await sender.stop();
  await world.broker.thaw();
  const found = new Map<string, number>();
  await eventually(async () => {
    await counts(world.broker.port, world.queue, found);
    assertEquals(accepted.filter((id) => !found.has(id)), []);
  }, { timeoutMs: 60_000 });
});

Deno.test("what ActiveMQ stored although its receipt got lost arrives again, with the same event id", async () => {
  await using world = await open();
  const config = { destination: world.queue };
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  await counts(world.broker.port, world.queue);
  world.network.freeze("to_client");
  const events = Array.from({ length: 20 }, () => verifiedEvent());
  const results = await world.output.deliver(events, config);
  for (const result of results) assertEquals((result as DeliveryError).code, "output_timeout");
  world.network.thaw("to_client");
  await eventually(async () => {
    const again = await world.output.deliver(events, config);
    assertEquals(again.filter((result) => result !== "delivered"), []);
  });
  const found = await counts(world.broker.port, world.queue);
  assertEquals([...found.keys()].sort(), events.map(({ id }) => id).sort());
  assert([...found.values()].every((times) => times === 2));
});

Deno.test("connections to ActiveMQ that are cut again and again lose no event", async () => {
  await using world = await open();
  const waiting = new Set(Array.from({ length: 300 }, () => verifiedEvent()));
  while (waiting.size > 0) {
    const some = [...waiting].slice(0, 30);
    const sent = world.output.deliver(some, { destination: world.queue });
    if (waiting.size % 4 !== 0) world.network.cut();
    for (const [index, result] of (await sent).entries()) {
      if (result === "delivered") waiting.delete(some[index]!);
    }
    if (waiting.size === 150) world.network.cut();
  }
  assertEquals((await counts(world.broker.port, world.queue)).size, 300);
});

Deno.test("a queue of ActiveMQ that is full pauses, holds up no other, and goes on when it has room", async () => {
  await using world = await open(ActivemqDesk.name(FULL));
  const full = { destination: world.queue };
  const first = verifiedEvent();
  assertEquals(await world.output.attempt(first, full), "delivered");
  await eventually(async () =>
    assertEquals(await world.output.attempt(verifiedEvent(), full), "output_timeout")
  );
  await assertRejects(() => world.output.probe(), DeliveryError, "did not answer within 500 ms");
  await using other = await OpenOutput.open(activemqModule, world.connection);
  assertEquals(await other.attempt(verifiedEvent(), { destination: ActivemqDesk.name() }), "delivered");
  assert((await counts(world.broker.port, world.queue)).has(first.id));
  await eventually(async () => assertEquals(await world.output.attempt(verifiedEvent(), full), "delivered"));
});

Deno.test("a silent ActiveMQ is noticed by its missing signs of life, though nothing is sent", async () => {
  await using world = await open();
  const connection = activemqConnectionSchema.parse({ ...world.connection, timeout: 60, heartbeat: 1 });
  const { promise: lost, resolve } = Promise.withResolvers<DeliveryError>();
  const link = await StompLink.open(connection, { signal: new AbortController().signal, lost: resolve });
  world.network.freeze();
  assertEquals((await lost).code, "output_timeout");
  await link.close();
});
