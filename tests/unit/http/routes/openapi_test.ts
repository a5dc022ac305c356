import { assert, assertEquals } from "@std/assert";
import { Validator } from "@seriousme/openapi-schema-validator";
import { DeliveryError } from "../../../../src/errors.ts";
import { OPERATIONS } from "../../../../src/http/routes/api/operations.ts";
import { DescribedAnswers } from "../../../support/http/described_answers.ts";
import { eventually } from "../../../support/eventually.ts";
import { ProbeModule } from "../../../support/probe_module.ts";
import { RelayStream } from "../../../support/relay/stream.ts";
import { RELAY_TOKEN } from "../../../support/relay/world.ts";
import { type Answer, errorCode, TestGateway } from "../../../support/gateway.ts";

const ADMIN_TOKEN = "a-token-for-this-test";

const PROTOCOL = { "cwm-relay-protocol": "2" };

/** A description with the gateway that gave it, and its answers to described operations. */
class DescribedGateway implements AsyncDisposable {
  readonly document: Readonly<Record<string, unknown>>;
  readonly answers: DescribedAnswers;
  readonly #gateway: TestGateway;

  private constructor(gateway: TestGateway, document: Readonly<Record<string, unknown>>) {
    this.#gateway = gateway;
    this.document = document;
    this.answers = new DescribedAnswers(document);
  }

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<DescribedGateway> {
    const probe = new ProbeModule({ acceptance: "durable" });
    probe.behaviour = () => new DeliveryError("output_rejected", "It says no");
    const gateway = await TestGateway.start({
      webhooks: {
        orders: { module: "log", methods: ["POST", "PUT", "PATCH"], probes: true },
        guarded: { module: "log", authorization: "Bearer of-the-sender" },
        lost: { module: "probe" },
        tasks: { module: "log", signature: { provider: "asana" } },
        inbox: {
          module: "webhook_connect",
          "module-config": { channel: "inbox", channel_token: RELAY_TOKEN },
        },
        broken: { module: "lgo" },
      },
      modules: [probe.module],
      environment: { ADMIN_TOKEN, ...environment },
    });
    const { text } = await gateway.request("/openapi.json");
    return new DescribedGateway(gateway, JSON.parse(text));
  }

  post(path: string, body: string, headers: HeadersInit): Promise<Answer> {
    return this.#gateway.post(path, body, headers);
  }

  url(path: string): string {
    return this.#gateway.url(path);
  }

  /** Makes a request of an operation, and holds its answer to the description. */
  async ask(id: string, options: Asked = {}): Promise<Answer> {
    const { parameters = {}, query = "", headers = {}, body, token = ADMIN_TOKEN } = options;
    const { method, path } = this.answers.operations.get(id)!;
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => parameters[name]!);
    const answer = await this.#gateway.request(`${filled}${query}`, {
      method,
      headers: { ...headers, authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    this.answers.hold(id, answer);
    return answer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#gateway[Symbol.asyncDispose]();
  }
}

interface Asked {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly token?: string;
}

Deno.test("the description of the routes is valid OpenAPI 3.1, and each operation has its own id", async () => {
  await using gateway = await DescribedGateway.start();
  const { valid, errors } = await new Validator().validate(gateway.document as Record<string, unknown>);
  assertEquals([valid, errors], [true, undefined]);
  assertEquals(gateway.document["openapi"], "3.1.0");
  assertEquals([...gateway.answers.operations.keys()].sort(), OPERATIONS.map(({ id }) => id).sort());
});

Deno.test("what the settings switch off is not described, and all that is described is answered", async () => {
  await using gateway = await DescribedGateway.start({ METRICS: "off" });
  const { operations } = gateway.answers;
  assertEquals([operations.has("getMetrics"), operations.has("getHealth")], [false, true]);
  const parameters = { namespace: "default", webhook_id: "orders", channel: "inbox" };
  for (const [id, { path }] of operations) {
    // Without what the operation needs: an error of the route itself shows that there is one.
    const answer = await gateway.ask(id, { parameters, token: "of-nobody" });
    const codes = answer.status < 400 ? "none" : errorCode(answer);
    assert(!["method_not_allowed", "webhook_not_found"].includes(codes), `${id} ${path}: ${codes}`);
  }
});

Deno.test("every operation answers as it is described, with no member that is not", async () => {
  await using gateway = await DescribedGateway.start({ JOURNAL_RETENTION_MS: "3600000" });
  const orders = { parameters: { namespace: "default", webhook_id: "orders" } };
  for (const prefix of ["send", "put", "patch"]) {
    for (const suffix of ["", "InDefaultNamespace"]) {
      await gateway.ask(`${prefix}Event${suffix}`, { ...orders, body: { n: 1 } });
      await gateway.ask(`${prefix}Event${suffix}`, { ...orders, body: "no JSON" });
    }
  }
  for (const suffix of ["", "InDefaultNamespace"]) {
    await gateway.ask(`askWebhook${suffix}`, orders);
    await gateway.ask(`probeWebhook${suffix}`, orders);
  }
  for (const id of ["getIdentity", "checkIdentity", "getLiveness", "checkLiveness", "getMetrics"]) {
    await gateway.ask(id);
  }
  for (const id of ["getReadiness", "checkReadiness", "getHealth", "getDescription"]) await gateway.ask(id);
  await askConnector(gateway);
  await askPull(gateway);
  await askEvents(gateway);
  await askOperator(gateway);
  const { operations, answered } = gateway.answers;
  const others = [...operations.keys()].filter((id) => !answered.has(id));
  assertEquals(others, ["salvageJournal"], "There is no file that was set aside");
});

async function askConnector(gateway: DescribedGateway): Promise<void> {
  const channel = { parameters: { channel: "inbox" }, token: RELAY_TOKEN, headers: PROTOCOL };
  await gateway.ask("sendEvent", { parameters: { namespace: "default", webhook_id: "inbox" }, body: {} });
  const { connection_id: connection } = JSON.parse((await gateway.ask("pollMessages", channel)).text);
  const headers = { ...PROTOCOL, "last-event-id": `${connection}.0` };
  const { messages } = JSON.parse((await gateway.ask("pollMessages", { ...channel, headers })).text);
  const acks = messages.map(({ message_id: id }: { message_id: string }) => ({
    type: "ack",
    message_id: id,
  }));
  assertEquals(acks.length, 1);
  const report = { channel: "inbox", connection_id: connection, messages: acks };
  await gateway.ask("settleMessages", { ...channel, body: { ...report, end: true } });
  await gateway.ask("getChannelStatus", channel);
  await gateway.ask("getChannelStatus", { ...channel, token: "of-nobody" });
  await gateway.ask("getChannelStatus", { ...channel, headers: {} });
  await gateway.ask("settleMessages", { ...channel, body: { ...report, messages: [] } });
  await gateway.ask("openWebSocket", channel);
  const response = await fetch(gateway.url("/connect/stream/inbox/sse"), {
    headers: { authorization: `Bearer ${RELAY_TOKEN}`, ...PROTOCOL },
  });
  await response.body?.cancel();
  gateway.answers.hold("openEventStream", { status: response.status, headers: response.headers, text: "" });
  await using _stream = await RelayStream.open(gateway.url(""));
  const { text } = await gateway.ask("listConnectors");
  const [connector] = JSON.parse(text).connectors as readonly { id: string }[];
  await gateway.ask("endConnector", { query: `?id=${connector!.id}` });
  await gateway.ask("endConnector", { query: "?id=none" });
  gateway.answers.hold("openWebSocket", { status: 101, headers: new Headers(), text: "" });
}

async function askPull(gateway: DescribedGateway): Promise<void> {
  const channel = { parameters: { channel: "inbox" }, token: RELAY_TOKEN };
  for (let n = 1; n <= 3; n++) {
    await gateway.ask("sendEvent", {
      parameters: { namespace: "default", webhook_id: "inbox" },
      body: { n },
    });
  }
  const { events } = JSON.parse((await gateway.ask("pullReceive", { ...channel, body: { n: 10 } })).text);
  const handles = (events as { handle: string }[]).map(({ handle }) => handle);
  assertEquals(handles.length, 3);
  await gateway.ask("pullExtend", { ...channel, body: { handles, lease: 60 } });
  await gateway.ask("pullAck", { ...channel, body: { handles: handles.slice(0, 1) } });
  await gateway.ask("pullRelease", { ...channel, body: { handles: handles.slice(1, 2), delay: 60 } });
  await gateway.ask("pullReject", { ...channel, body: { handles: handles.slice(2), reason: "No" } });
  await gateway.ask("pullAck", { ...channel, body: { handles } });
  await gateway.ask("pullAck", { ...channel, body: { handles: ["none"] } });
  await gateway.ask("pullAck", { ...channel, body: {} });
}

async function askEvents(gateway: DescribedGateway): Promise<void> {
  await gateway.ask("sendEvent", { parameters: { namespace: "default", webhook_id: "lost" }, body: {} });
  await gateway.ask("sendEvent", { parameters: { namespace: "default", webhook_id: "guarded" }, body: {} });
  const letter = await eventually(async () => {
    const { text } = await gateway.ask("listDeadLetters", { query: "?webhook=lost" });
    const [first] = (JSON.parse(text) as { dead_letters: { id: string }[] }).dead_letters;
    assert(first !== undefined);
    return first;
  });
  await gateway.ask("listDeadLetters", { query: "?reason=" });
  await gateway.ask("getDeadLetter", { query: `?id=${letter.id}` });
  await gateway.ask("getDeadLetter", { query: "?id=none" });
  await gateway.ask("listEvents", { query: "?contents=true" });
  await gateway.ask("listEvents", { query: "?state=refused" });
  await gateway.ask("listEvents", { query: "?state=none" });
  await gateway.ask("replayEvents", { query: "?state=dead_letter&webhook=lost" });
  await gateway.ask("replayEvents", { query: "?all=true&to=default/broken" });
  await gateway.ask("replayEvents", { query: "?all=true&to=default/none" });
  await gateway.ask("dropEvents", { query: "?webhook=none" });
  await gateway.ask("dropEvents", { query: "?webhook=none&confirm=true" });
  await gateway.ask("dropEvents");
  await gateway.ask("retryEvents", { query: "?all=true" });
  await gateway.ask("retryEvents");
  await gateway.ask("listWebhooks", { query: "?search=orders&limit=1" });
  await gateway.ask("listWebhooks", { query: "?color=red" });
  await gateway.ask("listChanges");
  await gateway.ask("listChanges", { query: "?limit=0" });
  await gateway.ask("sendTestEvent", { body: { webhook: "default/orders", body: { n: 1 } } });
  await gateway.ask("sendTestEvent", { body: { webhook: "default/none" } });
  await gateway.ask("listRequests");
  await gateway.ask("listRequests", { query: "?refused=no" });
  const tail = await fetch(gateway.url("/admin/tail"), {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  await tail.body?.cancel();
  gateway.answers.hold("tailRequests", { status: tail.status, headers: tail.headers, text: "" });
  await gateway.ask("tailRequests", { query: "?refused=no" });
  await gateway.ask("replayDeadLetters", { query: "?all=true" });
  await gateway.ask("dropDeadLetters", { query: "?all=true" });
  await gateway.ask("dropDeadLetters");
  await gateway.ask("explainEvent", { body: { webhook: "default/orders", body: { n: 1 } } });
  await gateway.ask("explainEvent", { body: { webhook: "default/none", body: {} } });
  await gateway.ask("explainEvent", { body: "no JSON" });
}

async function askOperator(gateway: DescribedGateway): Promise<void> {
  for (
    const id of [
      "getConfiguration",
      "getConnections",
      "getStatus",
      "getProcessStats",
      "getStatistics",
      "reload",
    ]
  ) {
    await gateway.ask(id);
  }
  await gateway.ask("getConfiguration", { token: "of-nobody" });
  for (const webhook_id of ["orders", "guarded", "broken", "none"]) {
    await gateway.ask("getWebhook", { parameters: { namespace: "default", webhook_id } });
  }
  for (const id of ["pauseWebhook", "getStops", "resumeWebhook"]) {
    await gateway.ask(id, { query: id === "getStops" ? "" : "?webhook=default/orders" });
  }
  await gateway.ask("pauseWebhook", { query: "?webhook=default/none" });
  const query = "?webhook=default/tasks";
  await gateway.ask("openHandshake", { query: `${query}&seconds=600` });
  await gateway.post("/webhook/tasks", "{}", { "x-hook-secret": "b537207f20cbfa02357cf448134da559" });
  for (const id of ["getHandshake", "showHandshake", "showHandshake", "forgetHandshake"]) {
    await gateway.ask(id, { query });
  }
  await gateway.ask("getJournal");
  const { hold } = JSON.parse((await gateway.ask("holdJournal")).text);
  await gateway.ask("releaseJournal", { query: `?hold=${hold}` });
  await gateway.ask("releaseJournal");
  await gateway.ask("salvageJournal", { query: "?file=none" });
}
