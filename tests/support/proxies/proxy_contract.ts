/** What senders, connectors and operators may expect of a gateway behind each of the proxies. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHmac } from "node:crypto";
import { request } from "node:http";
import { oauth1Credentials } from "../auth/oauth1_client.ts";
import { eventually } from "../eventually.ts";
import { type Answer, errorCode, TestGateway } from "../gateway.ts";
import { ProbeModule } from "../probe_module.ts";
import { formatChunk, formatRequest, RawHttpConnection, type RawResponse } from "../http/raw_http.ts";
import { relayHeaders, RelayStream } from "../relay/stream.ts";
import { gatewayWebhooks, RELAY_ADMIN_TOKEN } from "../relay/world.ts";
import { type ProxyProgram, ReverseProxy } from "./reverse_proxy.ts";
import { restartUnderLoad } from "./rolling_restart.ts";

/** What differs between proxies. */
export interface ProxyContractOptions {
  /** Whether headers with `_` in their names get through as the configuration stands. @default true */
  readonly keepsUnderscores?: boolean;
  /** How long each gateway serves on, in milliseconds. @default 8000, the gateway's own default */
  readonly graceMs?: number;
}

const SECRET = "It's a Secret to Everybody";

/** Not in the shortest form and not in ASCII alone: whoever parses and writes it again changes it. */
const EVENT = '{ "zen" : "Grüße \\u00fc", "n":1.50, "n2": 1e2 }\n';

const WEBHOOKS = {
  github: { module: "probe", hmac: { secret: SECRET, header: "X-Hub-Signature-256" } },
  legacy: { module: "probe", hmac: { secret: SECRET, header: "X_Hub_Signature" } },
  listed: { module: "probe", ip_whitelist: ["127.0.0.9"] },
  signed: { module: "probe", oauth1: { consumer_key: "shop", consumer_secret: SECRET } },
  ...gatewayWebhooks(),
};

/** A gateway behind a proxy, both of its addresses the same. */
class World implements AsyncDisposable {
  private constructor(
    readonly gateway: TestGateway,
    readonly proxy: ReverseProxy,
    readonly probe: ProbeModule,
  ) {}

  static async start(program: ProxyProgram): Promise<World> {
    await using undo = new AsyncDisposableStack();
    const probe = new ProbeModule();
    const gateway = undo.use(
      await TestGateway.start({
        webhooks: WEBHOOKS,
        modules: [probe.module],
        environment: { ADMIN_TOKEN: RELAY_ADMIN_TOKEN, TRUSTED_PROXIES: "127.0.0.1" },
      }),
    );
    const proxy = await ReverseProxy.start(program, [gateway.port, gateway.port]);
    undo.move();
    return new World(gateway, proxy, probe);
  }

  /** What the proxy answers to bytes. */
  async send(request: Uint8Array): Promise<RawResponse> {
    await using connection = await RawHttpConnection.open(this.proxy.port);
    await connection.write(request);
    return await connection.readResponse();
  }

  /** The reason and client of the webhook's last refusal. */
  async lastRefusal(webhook: string): Promise<{ readonly reason: string; readonly client: string }> {
    const { text } = await this.gateway.request(`/admin/webhooks/default/${webhook}`, {
      headers: { authorization: `Bearer ${RELAY_ADMIN_TOKEN}` },
    });
    return JSON.parse(text).refusals[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.gateway[Symbol.asyncDispose]();
  }
}

function signature(body: string | Uint8Array): string {
  return `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
}

/** Runs the contract of one proxy. */
export function proxyContract(program: ProxyProgram, options: ProxyContractOptions = {}): void {
  const { keepsUnderscores = true, graceMs = 8_000 } = options;

  Deno.test(`a gateway behind ${program.name} gets what senders signed, and knows who they are`, async (t) => {
    await using world = await World.start(program);
    await t.step("an event as GitHub sends it", () => takesSigned(world, {}, EVENT));
    await t.step("a body in chunks", () => takesChunked(world));
    await t.step("a head of 20 KB", () => takesSigned(world, longHead(), EVENT));
    await t.step("a body of 3 MB", () => takesSigned(world, {}, JSON.stringify("x".repeat(3_000_000))));
    await t.step(
      "an event of a sender that offers HTTP/2 by an upgrade",
      () =>
        takesSigned(world, {
          Connection: "Upgrade, HTTP2-Settings",
          Upgrade: "h2c",
          "HTTP2-Settings": "AAMAAABk",
        }, EVENT),
    );
    await t.step("refusals are the gateway's own", async () => {
      const answer = await world.send(formatRequest("POST", "/webhook/github", { body: EVENT }));
      assertEquals([answer.status, errorCode(answer as unknown as Answer)], [401, "unauthorized"]);
    });
    await t.step("a sender cannot choose its address", async () => {
      await postFrom("127.0.0.9", `${world.proxy.url}/webhook/github`, { "X-Forwarded-For": "192.0.2.66" });
      assertEquals((await world.lastRefusal("github")).client, "127.0.0.9");
    });
    await t.step("an ip_whitelist lets in who is in it, and nobody who says so", async () => {
      const url = `${world.proxy.url}/webhook/listed`;
      assertEquals(await postFrom("127.0.0.9", url, {}), 200);
      assertEquals(await postFrom("127.0.0.8", url, { "X-Forwarded-For": "127.0.0.9" }), 403);
      assertEquals((await world.lastRefusal("listed")).client, "127.0.0.8");
    });
    await t.step(
      "a signature over the URL that the sender used, and over no other",
      () => takesSignedUrl(world),
    );
    await t.step("a signature in a header with an underscore", () => underscores(world, keepsUnderscores));
    await t.step("a connector gets its events by WebSocket", () => relaysByWebSocket(world));
    await t.step("a connector gets its events by Server-Sent Events", () => relaysByEventStream(world));
  });

  Deno.test(`two gateways behind ${program.name} are restarted under load, and no sender is refused`, async () => {
    const { answered, refused, missing, repeated, statuses } = await restartUnderLoad(program, graceMs);
    assert(answered > 0);
    assertEquals({ refused, missing, repeated, statuses }, {
      refused: [],
      missing: [],
      repeated: [],
      statuses: [0, 0],
    });
  });
}

async function takesSigned(world: World, more: Record<string, string>, body: string): Promise<void> {
  const count = world.probe.events.length;
  const headers = { "X-Hub-Signature-256": signature(body), "Content-Type": "application/json", ...more };
  const answer = await world.send(formatRequest("POST", "/webhook/github", { headers, body }));
  assertEquals(answer.status, 200, answer.text);
  assertEquals(world.probe.events.slice(count).map(({ text }) => text), [body]);
}

async function takesChunked(world: World): Promise<void> {
  const count = world.probe.events.length;
  await using connection = await RawHttpConnection.open(world.proxy.port);
  const headers = { "X-Hub-Signature-256": signature(EVENT), "Transfer-Encoding": "chunked" };
  await connection.write(formatRequest("POST", "/webhook/github", { headers }));
  for (const part of [EVENT.slice(0, 7), EVENT.slice(7), ""]) await connection.write(formatChunk(part));
  assertEquals((await connection.readResponse()).status, 200);
  assertEquals(world.probe.events.slice(count).map(({ text }) => text), [EVENT]);
}

/** Headers of 20 KB: none of them longer than a browser's cookies. */
function longHead(): Record<string, string> {
  return Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`X-Long-${n}`, "x".repeat(4_000)]));
}

/** Sends a request from an address of the loopback network, and returns the status of its answer. */
async function postFrom(localAddress: string, url: string, headers: Record<string, string>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = request(url, { method: "POST", localAddress, headers, agent: false }, (answer) => {
    answer.resume();
    answer.on("end", () => resolve(answer.statusCode ?? 0));
  });
  sent.on("error", reject);
  sent.end(EVENT);
  return await promise;
}

/** A sender that writes the headers of proxies itself must not choose the URL that is signed. */
async function takesSignedUrl(world: World): Promise<void> {
  const target = "/webhook/signed?source=a%20b&page=2";
  const post = (origin: string, headers: Record<string, string>) => {
    const client = { consumerKey: "shop", consumerSecret: SECRET };
    const Authorization = oauth1Credentials(client, { method: "POST", url: origin + target });
    return postFrom("127.0.0.1", world.proxy.url + target, { Authorization, ...headers });
  };
  const other = "https://staging.example.com";
  const spoofed = { "X-Forwarded-Proto": "https", "X-Forwarded-Host": "staging.example.com" };
  assertEquals(await post(world.proxy.url, {}), 200);
  assertEquals(await post(world.proxy.url, spoofed), 200);
  assertEquals(await post(other, spoofed), 401);
  assertEquals(await post(other, {}), 401);
  // Without the proxy nobody who is trusted says which URL it was.
  const direct = await world.gateway.post(target, EVENT, {
    Authorization: oauth1Credentials({ consumerKey: "shop", consumerSecret: SECRET }, {
      method: "POST",
      url: world.gateway.url(target),
    }),
  });
  assertEquals(direct.status, 401);
  assertStringIncludes((await world.lastRefusal("signed")).reason, "set PUBLIC_URL");
}

async function underscores(world: World, areKept: boolean): Promise<void> {
  const headers = { X_Hub_Signature: signature(EVENT) };
  const { status } = await world.send(formatRequest("POST", "/webhook/legacy", { headers, body: EVENT }));
  assertEquals(status, areKept ? 200 : 401);
  if (areKept) return;
  assertStringIncludes((await world.lastRefusal("legacy")).reason, "a proxy may have dropped it");
}

async function relaysByWebSocket(world: World): Promise<void> {
  await using stream = await RelayStream.open(world.proxy.url);
  await world.gateway.post("/webhook/orders", '{"by":"websocket"}');
  const [message] = await stream.waitForWebhooks(1);
  assertEquals(stream.bodies, ['{"by":"websocket"}']);
  stream.ack(message!);
}

async function relaysByEventStream(world: World): Promise<void> {
  const response = await fetch(`${world.proxy.url}/connect/stream/inbox/sse`, { headers: relayHeaders() });
  assertEquals(response.status, 200);
  let received = "";
  const reading = (async () => {
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      received += text;
      if (received.includes("event-stream-event")) return;
    }
  })();
  await eventually(() => assert(received.includes("connected")));
  await world.gateway.post("/webhook/refunds", '{"by":"event-stream-event"}');
  await reading;
}
