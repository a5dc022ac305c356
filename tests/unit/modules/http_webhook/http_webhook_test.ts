import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { DeliveryError } from "../../../../src/errors.ts";
import { httpWebhookModuleWith } from "../../../../src/modules/http_webhook/http_webhook.ts";
import { HttpWebhookClient } from "../../../../src/io/http_client.ts";
import type { Resolver } from "../../../../src/io/name_lookups.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { eventually } from "../../../support/eventually.ts";
import { type Answer, HttpTarget, redirectTo } from "../../../support/http/target.ts";
import { TEST_CA, TEST_CERTIFICATE } from "../../../support/http/test_certificate.ts";
import { type EventParts, verifiedEvent } from "../../../support/verified_event.ts";

const NOTHING_TO_PRINT = {
  write: () => Promise.reject(new Error("This module does not print")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** An open output that tests deliver through, one event at a time. */
async function openOutput(client: ConstructorParameters<typeof HttpWebhookClient>[0] = {}) {
  const module = httpWebhookModuleWith(() => new HttpWebhookClient(client));
  const output = await module.open(undefined, {
    name: module.name,
    logger: getLogger(["cwm", "test"]),
    lines: NOTHING_TO_PRINT,
  });
  return {
    async deliver(
      config: unknown,
      event: EventParts = {},
      signal: AbortSignal = new AbortController().signal,
    ): Promise<DeliveryResult> {
      const delivery = { event: verifiedEvent(event), config: module.configSchema.parse(config) };
      const [result] = await output.deliver([delivery], { number: 1, signal });
      assert(result !== undefined);
      return result;
    },
    [Symbol.asyncDispose]: () => output[Symbol.asyncDispose](),
  };
}

/** Delivers one event to a target that gives this answer. */
async function deliverTo(answer: Answer): Promise<DeliveryResult> {
  await using target = await HttpTarget.start();
  await using output = await openOutput();
  target.answer(answer);
  return await output.deliver({ url: target.url, allowed_hosts: ["127.0.0.1"] });
}

/** The headers that a target gets for an event. */
async function headersSent(config: object, event: EventParts): Promise<Headers> {
  await using target = await HttpTarget.start();
  await using output = await openOutput();
  assertEquals(
    await output.deliver({ url: target.url, allowed_hosts: ["127.0.0.1"], ...config }, event),
    "delivered",
  );
  return target.requests[0]!.headers;
}

function assertFailed(result: DeliveryResult, code: DeliveryError["code"]): DeliveryError {
  assertInstanceOf(result, DeliveryError);
  assertEquals(result.code, code, result.message);
  return result;
}

/** A resolver that gives one answer after the other, and the last one from then on. */
function resolving(...answers: readonly (readonly string[])[]): Resolver & { readonly asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolver = (hostname, _options, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    callback(null, addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));
  };
  return Object.assign(resolve, { asked });
}

Deno.test("http_webhook gives a request on a kept connection up for good when its time is over", async () => {
  await using target = await HttpTarget.start();
  await using output = await openOutput();
  const config = { url: target.url, allowed_hosts: ["127.0.0.1"] };
  assertEquals(await output.deliver(config), "delivered");
  target.answer("hang");
  const deadline = new AbortController();
  const late = output.deliver(config, {}, deadline.signal);
  await target.waitForRequests(2);
  deadline.abort(new DeliveryError("output_timeout"));
  assertFailed(await late, "output_timeout");
  target.answer({ status: 200 });
  assertEquals(await output.deliver(config), "delivered");
  assertEquals(target.requests.length, 3);
});

Deno.test("http_webhook sends the event with its path, query and method", async () => {
  await using target = await HttpTarget.start();
  await using output = await openOutput();
  const url = `${target.url}/in/orders?source=cwm&x=%20#fragment`;
  assertEquals(await output.deliver({ url, method: "put", allowed_hosts: ["127.0.0.1"] }), "delivered");
  const [request] = target.requests;
  assertEquals(request?.method, "PUT");
  assertEquals(request?.target, "/in/orders?source=cwm&x=%20");
});

Deno.test("http_webhook names the event in headers of its own", async () => {
  const headers = await headersSent({}, {
    id: "event-1",
    namespace: "team-a",
    webhook: "orders",
    receivedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    headers: { "content-type": "application/cloudevents+json; charset=utf-8" },
    body: "{}",
  });
  assertEquals(headers.get("cwm-event-id"), "event-1");
  assertEquals(headers.get("cwm-namespace"), "team-a");
  assertEquals(headers.get("cwm-webhook"), "orders");
  assertEquals(headers.get("cwm-received-at"), "2026-01-02T03:04:05.678Z");
  assertEquals(headers.get("content-type"), "application/cloudevents+json; charset=utf-8");
  assertEquals(headers.get("content-length"), "2");
});

Deno.test("http_webhook sends configured headers, which win over forwarded ones", async () => {
  const config = {
    headers: { Authorization: "Bearer t", "X-Source": " configured " },
    forward_headers: true,
  };
  const headers = await headersSent(config, {
    headers: { "x-source": "received", "x_source": "received", "x.source": "received" },
  });
  assertEquals(headers.get("authorization"), "Bearer t");
  assertEquals(headers.get("x-source"), "configured");
  assertEquals([headers.get("x_source"), headers.get("x.source")], [null, null]);
});

Deno.test("http_webhook forwards no received header unless told to", async () => {
  const headers = await headersSent({ allowed_headers: ["x-request-id"] }, {
    headers: { "x-request-id": "1" },
  });
  assertEquals(headers.get("x-request-id"), null);
});

const RECEIVED_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/plain",
  "x-github-event": "push",
  "x-request-id": "r-1",
  "user-agent": "GitHub-Hookshot/1",
  authorization: "Bearer s3cret",
  cookie: "id=s3cret",
  "proxy-authorization": "Basic s3cret",
  "x-api-key": "s3cret",
  "x-hub-signature-256": "sha256=s3cret",
  connection: "close, X-Hop",
  "x-hop": "1",
  "keep-alive": "timeout=5",
  te: "trailers",
  trailer: "x-checksum",
  "transfer-encoding": "gzip",
  upgrade: "h2c",
  host: "gateway.example",
  expect: "100-continue",
  "content-encoding": "gzip",
  "content-length": "9999",
  "cwm-event-id": "forged",
  "cwm-verified": "forged",
  "cwm_event_id": "forged",
  "x-jwt": "s3cret",
  "x-forwarded-client-cert": "By=spiffe://mesh/gateway;Hash=1",
};

/** What is sent whatever the webhook forwards. */
const ALWAYS_SENT = [
  "connection",
  "content-length",
  "content-type",
  "cwm-attempt",
  "cwm-event-id",
  "cwm-namespace",
  "cwm-received-at",
  "cwm-webhook",
  "host",
  "user-agent",
];

Deno.test("http_webhook forwards headers but those of the connection, the message and credentials", async () => {
  const headers = await headersSent({ forward_headers: "true" }, {
    id: "event-1",
    headers: RECEIVED_HEADERS,
  });
  assertEquals([...headers.keys()].sort(), [...ALWAYS_SENT, "x-github-event", "x-request-id"].sort());
  assertEquals(headers.get("cwm-event-id"), "event-1");
  assertEquals(headers.get("user-agent"), "GitHub-Hookshot/1");
  assert(headers.get("host")?.startsWith("127.0.0.1:"));
});

Deno.test("http_webhook forwards only allowed headers, and never a forbidden one that is allowed", async () => {
  const config = {
    forward_headers: true,
    allowed_headers: ["X-GitHub-Event", "x-absent", "x-hop", ...Object.keys(RECEIVED_HEADERS).slice(4)],
  };
  const headers = await headersSent(config, { id: "event-1", headers: RECEIVED_HEADERS });
  assertEquals([...headers.keys()].sort(), [...ALWAYS_SENT, "x-github-event"].sort());
  assertEquals(headers.get("cwm-event-id"), "event-1");
});

Deno.test("http_webhook forwards nothing when the list of allowed headers is empty", async () => {
  const config = { forward_headers: true, allowed_headers: [] };
  const headers = await headersSent(config, { headers: RECEIVED_HEADERS });
  assertEquals([...headers.keys()].sort(), ALWAYS_SENT);
});

Deno.test("http_webhook does not follow a redirect and names nothing but its host", async () => {
  await using elsewhere = await HttpTarget.start();
  for (const status of [301, 302, 303, 307, 308] as const) {
    const location = `http://user:s3cret@127.0.0.1:${elsewhere.port}/path?token=s3cret`;
    const error = assertFailed(await deliverTo(redirectTo(location, status)), "output_failed");
    assertStringIncludes(error.message, `127.0.0.1:${elsewhere.port}`);
    assert(!error.message.includes("s3cret"));
  }
  assertEquals(elsewhere.requests, []);
});

Deno.test("http_webhook passes on how long its destination wants to be left alone", async () => {
  const retryAfter = async (value: string, status = 429) => {
    const result = await deliverTo({ status, headers: { "retry-after": value } });
    return result === "delivered" ? [result] : [result.code, result.retryAfterSeconds];
  };
  assertEquals(await retryAfter("0"), ["output_throttled", 0]);
  assertEquals(await retryAfter("120"), ["output_throttled", 120]);
  assertEquals(await retryAfter("32.5"), ["output_throttled", 33]);
  assertEquals(await retryAfter("Fri, 31 Dec 1999 23:59:59 GMT"), ["output_throttled", 0]);
  assertEquals(await retryAfter("-1"), ["output_failed", undefined]);
  assertEquals(await retryAfter("120", 503), ["output_throttled", 120]);
  for (const status of [301, 403, 500]) assertEquals(await retryAfter("120", status), ["output_failed", 120]);
});

Deno.test("http_webhook reports an answer that is not HTTP", async () => {
  using server = rawServer((connection) => write(connection, "SSH-2.0-OpenSSH_9.2\r\n"));
  await using output = await openOutput();
  const result = await output.deliver({ url: server.url, allowed_hosts: ["127.0.0.1"] });
  assertStringIncludes(assertFailed(result, "output_failed").message, "did not answer in HTTP");
});

Deno.test("http_webhook has an event tried again whose destination switched to another protocol", async () => {
  using server = rawServer((connection) =>
    write(connection, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
  );
  await using output = await openOutput();
  assertFailed(await output.deliver({ url: server.url, allowed_hosts: ["127.0.0.1"] }), "output_failed");
});

Deno.test("http_webhook waits for the final answer behind a few interim ones", async () => {
  using server = rawServer((connection) =>
    write(
      connection,
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" +
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    )
  );
  await using output = await openOutput();
  assertEquals(await output.deliver({ url: server.url, allowed_hosts: ["127.0.0.1"] }), "delivered");
});

for (
  const [size, interim] of [
    ["small", "HTTP/1.1 102 Processing\r\n\r\n"],
    ["large", `HTTP/1.1 103 Early Hints\r\nlink: ${"a".repeat(7_000)}\r\n\r\n`],
  ] as const
) {
  Deno.test(`http_webhook gives up a destination that sends ${size} interim answers without end`, async () => {
    using server = rawServer(async (connection) => {
      try {
        while (true) await write(connection, interim);
      } finally {
        connection.close();
      }
    });
    await using output = await openOutput();
    const result = await output.deliver({ url: server.url, allowed_hosts: ["127.0.0.1"] });
    assertStringIncludes(assertFailed(result, "output_failed").message, "interim (1xx) answers without end");
    await eventually(() => server.openConnections === 0);
  });
}

Deno.test("http_webhook goes by the status when the body never ends", async () => {
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(16 * 1024)) });
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(endless),
  );
  await using output = await openOutput();
  const url = `http://127.0.0.1:${server.addr.port}`;
  assertEquals(await output.deliver({ url, allowed_hosts: ["127.0.0.1"] }), "delivered");
});

Deno.test("http_webhook goes by the status when the body breaks off", async () => {
  using server = rawServer(async (connection) => {
    await write(connection, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    connection.close();
  });
  await using output = await openOutput();
  assertEquals(await output.deliver({ url: server.url, allowed_hosts: ["127.0.0.1"] }), "delivered");
});

Deno.test("http_webhook goes by the status when the body stalls", async () => {
  using server = rawServer((connection) =>
    write(connection, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
  );
  await using output = await openOutput();
  assertEquals(await output.deliver({ url: server.url, allowed_hosts: ["127.0.0.1"] }), "delivered");
});

Deno.test("http_webhook uses one connection for events that follow each other", async () => {
  await using target = await HttpTarget.start();
  const resolve = resolving(["127.0.0.1"]);
  await using output = await openOutput({ resolve });
  const config = { url: `http://orders.test:${target.port}`, allowed_hosts: ["orders.test"] };
  for (let index = 0; index < 5; index++) assertEquals(await output.deliver(config), "delivered");
  assertEquals(resolve.asked, ["orders.test"]);
});

Deno.test("http_webhook closes its kept connections when it is closed", async () => {
  using server = rawServer((connection) => write(connection, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
  {
    await using output = await openOutput();
    assertEquals(await output.deliver({ url: server.url, allowed_hosts: ["127.0.0.1"] }), "delivered");
    assertEquals(server.openConnections, 1);
  }
  await eventually(() => server.openConnections === 0);
});

Deno.test("http_webhook delivers over a new connection when a kept one was closed", async () => {
  let requests = 0;
  using server = rawServer(async (connection, isFirst) => {
    requests++;
    if (!isFirst) return connection.close();
    await write(connection, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  });
  await using output = await openOutput();
  const config = { url: server.url, allowed_hosts: ["127.0.0.1"] };
  assertEquals([await output.deliver(config), await output.deliver(config)], ["delivered", "delivered"]);
  assertEquals(requests, 3);
});

Deno.test("http_webhook sends nothing when a name resolves to a private address", async () => {
  await using target = await HttpTarget.start();
  for (
    const address of ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00:ec2::254"]
  ) {
    await using output = await openOutput({ resolve: resolving([address]) });
    const error = assertFailed(
      await output.deliver({ url: `http://orders.test:${target.port}` }),
      "output_rejected",
    );
    assertStringIncludes(error.message, `resolves to ${address}`);
  }
  assertEquals(target.requests, []);
});

Deno.test("http_webhook sends nothing when only one of several addresses is private", async () => {
  await using target = await HttpTarget.start();
  await using output = await openOutput({ resolve: resolving(["93.184.215.14", "127.0.0.1"]) });
  assertFailed(await output.deliver({ url: `http://orders.test:${target.port}` }), "output_rejected");
  assertEquals(target.requests, []);
});

Deno.test("http_webhook connects to the address that was judged, whatever the name resolves to later", async () => {
  await using target = await HttpTarget.start();
  target.answer({ status: 200, headers: { connection: "close" } });
  const resolve = resolving(["127.0.0.1"], ["169.254.169.254"]);
  await using output = await openOutput({ resolve });
  const config = { url: `http://orders.test:${target.port}`, allowed_hosts: ["127.0.0.1"] };
  assertEquals(await output.deliver(config), "delivered");
  assertEquals(resolve.asked.length, 1, "A second resolution could give another address than the judged one");
  const error = assertFailed(await output.deliver(config), "output_rejected");
  assertStringIncludes(error.message, "resolves to 169.254.169.254");
  assertEquals(target.requests.length, 1);
});

Deno.test("http_webhook does not lend a kept connection to a webhook that may not make it", async () => {
  await using target = await HttpTarget.start();
  await using output = await openOutput({ resolve: resolving(["127.0.0.1"]) });
  const url = `http://orders.test:${target.port}`;
  assertEquals(await output.deliver({ url, allowed_hosts: ["orders.test"] }), "delivered");
  assertFailed(await output.deliver({ url }), "output_rejected");
  assertEquals(target.requests.length, 1);
});

Deno.test("http_webhook judges names from the hosts file too", async () => {
  await using target = await HttpTarget.start();
  await using output = await openOutput();
  const url = `http://localhost:${target.port}`;
  assertEquals(await output.deliver({ url, allowed_hosts: ["127.0.0.1", "::1"] }), "delivered");
  assertFailed(await output.deliver({ url, allowed_hosts: ["10.0.0.0/8"] }), "output_rejected");
  assertEquals(target.requests.length, 1);
});

Deno.test("http_webhook reports a name that does not resolve as unavailable", async () => {
  const resolve: Resolver = (_hostname, _options, callback) =>
    callback(Object.assign(new Error("not found"), { code: "ENOTFOUND" }), []);
  await using output = await openOutput({ resolve });
  const error = assertFailed(await output.deliver({ url: "http://orders.test" }), "output_unavailable");
  assertStringIncludes(error.message, "ENOTFOUND");
});

Deno.test("http_webhook checks a certificate against the host's name, not its address", async () => {
  const options = { port: 0, hostname: "127.0.0.1", onListen() {}, ...TEST_CERTIFICATE };
  await using server = Deno.serve(options, (request) => new Response(request.url));
  const resolve = resolving(["127.0.0.1"]);
  const configFor = (host: string) => ({ url: `https://${host}:${server.addr.port}`, allowed_hosts: [host] });

  await using trusting = await openOutput({ resolve, ca: TEST_CA });
  assertEquals(await trusting.deliver(configFor("orders.test")), "delivered");
  assertEquals(await trusting.deliver(configFor("orders.test.")), "delivered");
  const otherName = assertFailed(await trusting.deliver(configFor("other.test")), "output_unavailable");
  assertStringIncludes(otherName.message, "ERR_TLS_CERT_ALTNAME_INVALID");

  await using distrusting = await openOutput({ resolve });
  assertFailed(await distrusting.deliver(configFor("orders.test")), "output_unavailable");
});

/**
 * A TCP server that reads one request at a time and hands the connection to the test for the answer. It
 * closes no connection by itself before the end of the test.
 */
function rawServer(answer: (connection: Deno.Conn, isFirst: boolean) => void | Promise<void>): RawServer {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const connections = new Set<Deno.Conn>();
  const serve = async (connection: Deno.Conn) => {
    const buffer = new Uint8Array(64 * 1024);
    connections.add(connection);
    try {
      // A small request arrives in one piece on loopback.
      for (let isFirst = true; await connection.read(buffer) !== null; isFirst = false) {
        await answer(connection, isFirst);
      }
      connection.close();
    } catch {
      // The test or the other side has closed it.
    } finally {
      connections.delete(connection);
    }
  };
  (async () => {
    for await (const connection of listener) serve(connection);
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    get openConnections() {
      return connections.size;
    },
    [Symbol.dispose]: () => {
      listener.close();
      for (const connection of connections) connection.close();
    },
  };
}

interface RawServer extends Disposable {
  readonly url: string;
  readonly openConnections: number;
}

async function write(connection: Deno.Conn, text: string): Promise<void> {
  await connection.write(new TextEncoder().encode(text));
}
