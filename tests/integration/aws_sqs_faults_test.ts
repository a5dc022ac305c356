import { assert, assertEquals, assertMatch } from "@std/assert";
import type { DeliveryError } from "../../src/errors.ts";
import { awsSqsModule } from "../../src/modules/aws/sqs/aws_sqs.ts";
import { FauxqsProcess, serveFauxqs } from "../support/aws/fauxqs.ts";
import { eventIdOf, QueueDesk } from "../support/aws/queue_desk.ts";
import { refusalOf, ServiceFront } from "../support/aws/service_front.ts";
import { KEYS } from "../support/aws/sqs_world.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { startTlsFront } from "../support/http/secure_front.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { OpenOutput } from "../support/open_output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const QUICK = { retry: { initial_delay: 0.1, max_delay: 0.5, max_attempts: 1000 } };

/** How often each event is among what was taken out of a queue, by its id. */
async function count(
  desk: QueueDesk,
  url: string,
  into = new Map<string, number>(),
): Promise<Map<string, number>> {
  for (const id of (await desk.take(url)).map(eventIdOf)) into.set(id, (into.get(id) ?? 0) + 1);
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

Deno.test("an SQS that is killed under load has every event that was accepted, once it is back", async () => {
  await using server = await FauxqsProcess.start({ persistent: true });
  await using desk = new QueueDesk(server.port);
  const names = { kept: QueueDesk.name(), waited: QueueDesk.name(), ordered: QueueDesk.name(".fifo") };
  const urls = await Promise.all(Object.values(names).map((name) => desk.make(name)));
  const hook = (queue_name: string) => ({ module: "aws_sqs", "module-config": { queue_name } });
  await using gateway = await TestGateway.start({
    webhooks: {
      kept: { ...hook(names.kept), ...QUICK },
      waited: { ...hook(names.waited), accept: "delivered" },
      ordered: { ...hook(names.ordered), ...QUICK },
    },
    connections: { sqs: { type: "aws_sqs", endpoint_url: `http://127.0.0.1:${server.port}`, ...KEYS } },
  });
  const senders = Object.keys(names).map((id) => new Sender(gateway, `/webhook/${id}`));
  await eventually(() => senders.every(({ ids }) => ids.length > 20), { timeoutMs: 60_000 });
  await server.kill();
  await server.restart();
  const accepted = await Promise.all(senders.map((sender) => sender.stop()));
  const found = urls.map(() => new Map<string, number>());
  await eventually(async () => {
    for (const [index, url] of urls.entries()) await count(desk, url, found[index]);
    for (const [index, ids] of accepted.entries()) {
      assertEquals(ids.filter((id) => !found[index]!.has(id)), []);
    }
  }, { timeoutMs: 60_000 });
  // In its order; the server does not remember past its end what it has stored once.
  assertEquals([...found[2]!.keys()].filter((id) => accepted[2]!.includes(id)), accepted[2]);
});

Deno.test("connections that are cut again and again lose no event of SQS", async () => {
  await using server = await serveFauxqs();
  await using desk = new QueueDesk(server.port);
  await using network = TcpProxy.start({ port: server.port });
  await using output = await OpenOutput.open(awsSqsModule, {
    endpoint_url: `http://${network.address}`,
    ...KEYS,
  });
  const queue_name = QueueDesk.name();
  const url = await desk.make(queue_name);
  const waiting = new Set(Array.from({ length: 200 }, () => verifiedEvent()));
  let rounds = 0;
  while (waiting.size > 0) {
    const some = [...waiting].slice(0, 10);
    const sent = output.deliver(some, { queue_name });
    if (rounds++ % 2 === 0) network.cut();
    for (const [index, result] of (await sent).entries()) {
      if (result === "delivered") waiting.delete(some[index]!);
    }
  }
  assertEquals((await count(desk, url)).size, 200);
});

Deno.test("what SQS stored although its answer got lost arrives again, and in a FIFO queue once", async () => {
  await using server = await serveFauxqs();
  await using desk = new QueueDesk(server.port);
  await using network = TcpProxy.start({ port: server.port });
  await using output = await OpenOutput.open(awsSqsModule, {
    endpoint_url: `http://${network.address}`,
    ...KEYS,
  });
  for (const [end, times] of [["", 2], [".fifo", 1]] as const) {
    const config = { queue_name: QueueDesk.name(end), timeout: 60 };
    const url = await desk.make(config.queue_name);
    assertEquals(await output.attempt(verifiedEvent(), config), "delivered");
    await count(desk, url);
    network.freeze("to_client");
    const events = Array.from({ length: 10 }, () => verifiedEvent());
    const found = new Map<string, number>();
    const results = output.deliver(events, config, { signal: AbortSignal.timeout(500) });
    await eventually(async () => assertEquals((await count(desk, url, found)).size, 10));
    for (const result of await results) assertEquals((result as DeliveryError).code, "output_timeout");
    network.thaw("to_client");
    await eventually(async () =>
      assertEquals((await output.deliver(events, config)).every((result) => result === "delivered"), true)
    );
    await count(desk, url, found);
    assertEquals([...found], events.map(({ id }) => [id, times]));
  }
});

Deno.test("a queue that is deleted and made again gets the events that waited, others go on meanwhile", async () => {
  await using server = await serveFauxqs();
  await using desk = new QueueDesk(server.port);
  const names = { gone: QueueDesk.name(), there: QueueDesk.name() };
  const urls = { gone: await desk.make(names.gone), there: await desk.make(names.there) };
  const hook = (queue_name: string) => ({ module: "aws_sqs", ...QUICK, "module-config": { queue_name } });
  await using gateway = await TestGateway.start({
    webhooks: { gone: hook(names.gone), there: hook(names.there) },
    connections: { sqs: { type: "aws_sqs", endpoint_url: `http://127.0.0.1:${server.port}`, ...KEYS } },
  });
  const post = async (id: string) => JSON.parse((await gateway.post(`/webhook/${id}`, "{}")).text).event_id;
  const found = { gone: new Map<string, number>(), there: new Map<string, number>() };
  const arrives = (id: keyof typeof names, event: string) =>
    eventually(async () => assert((await count(desk, urls[id], found[id])).has(event)));
  await arrives("gone", await post("gone"));
  await desk.remove(urls.gone);
  const waiting = await post("gone");
  await arrives("there", await post("there"));
  // Smaller messages than before.
  await desk.make(names.gone, { MaximumMessageSize: "2048" });
  await arrives("gone", waiting);
  await gateway.writeWebhooks({ gone: { ...hook(names.gone), accept: "delivered" } });
  await eventually(async () => {
    const answer = await gateway.post("/webhook/gone", `"${"x".repeat(3000)}"`);
    assertMatch(answer.text, /output_rejected/);
  });
});

Deno.test("events wait until credentials are right, which count once the configuration has them", async () => {
  await using server = await serveFauxqs();
  await using desk = new QueueDesk(server.port);
  await using front = await ServiceFront.start(server.port);
  let valid = "FIRST";
  front.answer = ({ keyId }) => keyId === valid ? undefined : refusalOf("InvalidClientTokenId", 403);
  const queue_name = QueueDesk.name();
  const url = await desk.make(queue_name);
  const connection = { type: "aws_sqs", endpoint_url: front.url, aws_secret_access_key: "s3cret" };
  const connections = (aws_access_key_id: string) => ({ sqs: { ...connection, aws_access_key_id } });
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "aws_sqs", ...QUICK, "module-config": { queue_name } } },
    connections: connections("FIRST"),
  });
  const post = async () => JSON.parse((await gateway.post("/webhook/orders", "{}")).text).event_id;
  const found = new Map<string, number>();
  const arrives = (event: string) =>
    eventually(async () => assert((await count(desk, url, found)).has(event)), { timeoutMs: 60_000 });
  await arrives(await post());
  valid = "SECOND";
  const before = front.requests.length;
  const waiting = await post();
  await eventually(() => assert(front.requests.length > before));
  await gateway.writeConnections(connections("SECOND"));
  await arrives(waiting);
});

Deno.test("an SQS with TLS is reached with a certificate, when its own is the one that is meant", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1,DNS:queues.test");
  await certificates.issue("client", "DNS:client");
  await using server = await serveFauxqs();
  await using desk = new QueueDesk(server.port);
  await using front = await startTlsFront(certificates, "server", server.port);
  const queue_name = QueueDesk.name();
  await desk.make(queue_name);
  const { ca } = certificates;
  const own = { cert: certificates.certificateOf("client"), key: certificates.keyOf("client") };
  const attempts: readonly [tls: object | undefined, host: string, outcome: string][] = [
    [{ ca, ...own }, "127.0.0.1", "delivered"],
    [{ ca, ...own, servername: "queues.test" }, "localhost", "delivered"],
    [{ ...own, insecure_skip_verify: true }, "127.0.0.1", "delivered"],
    [{ ca, ...own, servername: "others.test" }, "127.0.0.1", "output_unavailable"],
    [own, "127.0.0.1", "output_unavailable"],
    [{ ca }, "127.0.0.1", "output_unavailable"],
    [{ ca: "/nowhere", ...own }, "127.0.0.1", "output_unavailable"],
    [undefined, "127.0.0.1", "output_unavailable"],
  ];
  for (const [tls, host, outcome] of attempts) {
    const endpoint_url = `https://${host}:${front.port}`;
    await using output = await OpenOutput.open(awsSqsModule, { endpoint_url, ...(tls && { tls }), ...KEYS });
    assertEquals(await output.attempt(verifiedEvent(), { queue_name }), outcome, JSON.stringify(tls));
  }
});
