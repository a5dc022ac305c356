import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { rabbitmqModule } from "../../src/modules/rabbitmq/rabbitmq.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RabbitmqDesk } from "../support/rabbitmq/desk.ts";
import { RABBITMQ_USERS, RabbitmqServer } from "../support/rabbitmq/server.ts";
import { sharedRabbitmq } from "../support/rabbitmq/shared.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** How long the network is silent, in milliseconds: six times what the output waits. */
const FROZEN_MS = 3_000;

const QUICK = { retry: { initial_delay: 0.1, max_delay: 0.5, max_attempts: 1000 } };

/** A queue of the shared server, and a network in between. */
async function open(settings: Readonly<Record<string, unknown>> = {}) {
  await using undo = new AsyncDisposableStack();
  const server = await sharedRabbitmq();
  const desk = undo.use(new RabbitmqDesk(server.port));
  const network = undo.use(TcpProxy.start({ port: server.port }));
  const connection = { host: "127.0.0.1", port: network.port, timeout: 0.5, ...settings };
  const output = undo.use(await OpenOutput.open(rabbitmqModule, connection));
  const queue = await desk.makeQueue();
  const resources = undo.move();
  const close = () => resources.disposeAsync();
  return { server, desk, network, connection, output, queue, [Symbol.asyncDispose]: close };
}

/** How often each event is in a queue, by its id; the queue is empty then. */
async function counts(
  desk: RabbitmqDesk,
  queue: string,
  into = new Map<string, number>(),
): Promise<Map<string, number>> {
  for (const { properties: { messageId } } of await desk.take(queue)) {
    into.set(messageId, (into.get(messageId) ?? 0) + 1);
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

Deno.test("a server of RabbitMQ with TLS, which is killed under load", async (test) => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1,DNS:rabbit.test");
  await certificates.issue("client", "DNS:client");
  await using server = await RabbitmqServer.start({ tls: { certificates, name: "server" } });
  const { ca } = certificates;
  const [cert, key] = [certificates.certificateOf("client"), certificates.keyOf("client")];

  await test.step("is reached with a certificate, when it is the one that is meant", async () => {
    await using desk = new RabbitmqDesk(server.port);
    const queue = await desk.makeQueue();
    const attempts: readonly [settings: object, outcome: string][] = [
      [{ host: "127.0.0.1", tls: { ca, cert, key } }, "delivered"],
      [{ host: "localhost", tls: { ca, cert, key, servername: "rabbit.test" } }, "delivered"],
      [{ host: "127.0.0.1", tls: { cert, key, insecure_skip_verify: true } }, "delivered"],
      [{ host: "127.0.0.1", tls: { ca } }, "output_unavailable"],
      [{ host: "localhost", tls: { ca, cert, key } }, "output_unavailable"],
      [{ host: "127.0.0.1", tls: { cert, key } }, "output_unavailable"],
      [{ host: "127.0.0.1", tls: { ca, cert, key: "/nowhere" } }, "output_unavailable"],
      [{ host: "127.0.0.1", timeout: 2 }, "output_unavailable"],
    ];
    for (const [settings, outcome] of attempts) {
      const connection = { port: server.tlsPort, ...settings };
      await using output = await OpenOutput.open(rabbitmqModule, connection);
      const attempt = await output.attempt(verifiedEvent(), { queue_name: queue });
      const expected = attempt === "output_timeout" ? "output_unavailable" : attempt;
      assertEquals(expected, outcome, JSON.stringify(settings));
    }
  });

  await test.step("has every event that was accepted, once it is back", async () => {
    const queues = { kept: RabbitmqDesk.name(), waited: RabbitmqDesk.name() };
    const hook = (queue_name: string) => ({ module: "rabbitmq", "module-config": { queue_name } });
    await using gateway = await TestGateway.start({
      webhooks: {
        kept: { ...hook(queues.kept), ...QUICK },
        waited: { ...hook(queues.waited), accept: "delivered" },
      },
      connections: { rabbit: { type: "rabbitmq", host: "127.0.0.1", port: server.port } },
    });
    const senders = Object.keys(queues).map((id) => new Sender(gateway, `/webhook/${id}`));
    await eventually(() => senders.every(({ ids }) => ids.length > 20), { timeoutMs: 60_000 });
    // Mnesia buffers its log: a queue that was made a moment before may be gone whole after a kill.
    await server.control("eval", "mnesia:sync_log().");
    await server.kill();
    await server.restart();
    const accepted = await Promise.all(senders.map((sender) => sender.stop()));
    await using desk = new RabbitmqDesk(server.port);
    for (const [index, queue] of Object.values(queues).entries()) {
      desk.clean(queue);
      const found = new Map<string, number>();
      await eventually(async () => {
        await counts(desk, queue, found);
        assertEquals(accepted[index]!.filter((id) => !found.has(id)), []);
      }, { timeoutMs: 60_000 });
    }
  });
});

Deno.test("a RabbitMQ that is silent for three seconds holds up no other webhook, and loses nothing", async () => {
  await using world = await open();
  await using gateway = await TestGateway.start({
    webhooks: {
      jobs: { module: "rabbitmq", ...QUICK, "module-config": { queue_name: world.queue } },
      printed: { module: "log" },
    },
    connections: { rabbit: { type: "rabbitmq", ...world.connection } },
  });
  const found = new Map<string, number>();
  const sender = new Sender(gateway, "/webhook/jobs");
  await eventually(async () => assert((await counts(world.desk, world.queue, found)).size > 0));
  world.network.freeze();
  const thawsAt = performance.now() + FROZEN_MS;
  let printed = 0;
  for (; performance.now() < thawsAt; printed++) {
    assertEquals((await gateway.post("/webhook/printed", "{}")).status, 200);
  }
  assert(printed > 10);
  const accepted = await sender.stop();
  world.network.thaw();
  await eventually(async () => {
    await counts(world.desk, world.queue, found);
    assertEquals(accepted.filter((id) => !found.has(id)), []);
  }, { timeoutMs: 60_000 });
});

Deno.test("what was stored although its confirmation got lost arrives again, with the same message id", async () => {
  await using world = await open();
  const config = { queue_name: world.queue };
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  await counts(world.desk, world.queue);
  world.network.freeze("to_client");
  const events = Array.from({ length: 20 }, () => verifiedEvent());
  const results = await world.output.deliver(events, config);
  for (const result of results) assertEquals((result as DeliveryError).code, "output_timeout");
  world.network.thaw("to_client");
  await eventually(async () => {
    const again = await world.output.deliver(events, config);
    assertEquals(again.filter((result) => result !== "delivered"), []);
  });
  const found = await counts(world.desk, world.queue);
  assertEquals([...found.keys()].sort(), events.map(({ id }) => id).sort());
  assert([...found.values()].every((times) => times === 2));
});

Deno.test("connections that are cut again and again lose no event", async () => {
  await using world = await open();
  const waiting = new Set(Array.from({ length: 300 }, () => verifiedEvent()));
  while (waiting.size > 0) {
    const some = [...waiting].slice(0, 30);
    const sent = world.output.deliver(some, { queue_name: world.queue });
    if (waiting.size % 2 === 0) world.network.cut();
    for (const [index, result] of (await sent).entries()) {
      if (result === "delivered") waiting.delete(some[index]!);
    }
    if (waiting.size === 150) world.network.cut();
  }
  assertEquals((await counts(world.desk, world.queue)).size, 300);
});

Deno.test("a RabbitMQ without memory pauses its connection, says why, and goes on when it has some", async () => {
  await using world = await open();
  const config = { queue_name: world.queue };
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  await world.server.control("set_vm_memory_high_watermark", "absolute", "1");
  try {
    await eventually(async () => {
      const [result] = await world.output.deliver([verifiedEvent()], config);
      assert(result instanceof DeliveryError);
      assertEquals(result.code, "output_unavailable");
      assertStringIncludes(result.message, "takes no messages for the moment: low on memory");
    });
    await assertRejects(() => world.output.probe(), DeliveryError, "low on memory");
    // A new connection learns of it when it sends something.
    await using other = await OpenOutput.open(rabbitmqModule, world.connection);
    await assertRejects(() => other.probe(), DeliveryError, "low on memory");
  } finally {
    await world.server.control("set_vm_memory_high_watermark", "absolute", "1GB");
  }
  await eventually(async () =>
    assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered")
  );
});

Deno.test("a password that was changed keeps events for later, until it is right again", async () => {
  await using world = await open({ user: "writer", pass: RABBITMQ_USERS.writer });
  const config = { queue_name: world.queue };
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  await world.server.control("change_password", "writer", "another");
  world.network.cut();
  await eventually(async () => {
    const [result] = await world.output.deliver([verifiedEvent()], config);
    assert(result instanceof DeliveryError);
    assertEquals(result.code, "output_unavailable");
    assertStringIncludes(result.message, "did not let the gateway in");
    assert(!Deno.inspect(result, { depth: 9 }).includes(RABBITMQ_USERS.writer));
  });
  await world.server.control("change_password", "writer", RABBITMQ_USERS.writer);
  await eventually(async () =>
    assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered")
  );
});
