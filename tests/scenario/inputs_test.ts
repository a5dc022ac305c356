/** Small inputs of real senders and operators on which gateways go wrong, sent to a running one. */

import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { eventually } from "../support/eventually.ts";
import { type Input, runInputs } from "../support/inputs/input_table.ts";
import { describe, InputWorld, TOKEN } from "../support/inputs/input_world.ts";
import { formatRequest, RawHttpConnection } from "../support/http/raw_http.ts";
import { postOverHttp2 } from "../support/http/raw_http2.ts";

const TABLES = [
  "CREATE TABLE t_date (id String, webhook_id String, timestamp Date, payload String, headers String) " +
  "ENGINE = MergeTree ORDER BY id",
  "CREATE TABLE t_unix (id String, webhook_id String, timestamp UInt64, payload String, headers String) " +
  "ENGINE = MergeTree ORDER BY id",
];

/** A request whose lines stand as they are; what is sent is shown without its body. */
function lines(path: string, headers: readonly string[], body: string): string {
  return [`POST ${path} HTTP/1.1`, "Host: x", ...headers, "", body].join("\r\n");
}

/** The bytes of a text in ISO 8859-1. */
function latin1(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

const framing: readonly Input[] = [
  {
    name: "two equal lengths",
    sent: "Content-Length: 3, twice",
    right: "200, 0 bytes held",
    async see(world) {
      const answer = await world.send(
        lines("/webhook/small", ["Content-Length: 3", "Content-Length: 3"], "abc"),
      );
      return `${describe(answer)}, ${await world.metric("cwm_inflight_bytes")} bytes held`;
    },
  },
  {
    name: "two equal lengths over the limit",
    sent: "Content-Length: 1001, twice",
    right: "413 body_too_large",
    async see(world) {
      const headers = ["Content-Length: 1001", "Content-Length: 1001"];
      return describe(await world.send(lines("/webhook/small", headers, "x".repeat(1001))));
    },
  },
  {
    name: "two equal lengths to /connect/ack without a token",
    sent: "Content-Length: 3, twice",
    right: "401 unauthorized",
    async see(world) {
      return describe(
        await world.send(lines("/connect/ack", ["Content-Length: 3", "Content-Length: 3"], "abc")),
      );
    },
  },
  {
    name: "two equal lengths over HTTP/2",
    sent: "content-length: 3, twice",
    right: "200",
    async see(world) {
      const headers = [["content-length", "3"], ["content-length", "3"]] as const;
      return String(await postOverHttp2(world.gateway.port, "/webhook/small", headers, "abc"));
    },
  },
  {
    name: "an offer of h2c",
    sent: "Upgrade: h2c",
    right: "400 of the runtime, empty",
    async see(world) {
      const headers = { Connection: "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAEAAEAA", Upgrade: "h2c" };
      const answer = await world.send(formatRequest("POST", "/webhook/plain", { headers, body: `{"a":1}` }));
      return answer.headers.has("x-request-id")
        ? describe(answer)
        : `${answer.status} of the runtime, ${answer.text === "" ? "empty" : answer.text}`;
    },
  },
  {
    name: "a sender that half-closes",
    sent: "a request, then the end of the sender's half",
    right: "the event is delivered",
    async see(world) {
      await using connection = await RawHttpConnection.open(world.gateway.port);
      await connection.write(formatRequest("POST", "/webhook/plain", { body: `"half-closed"` }));
      await connection.closeWrite();
      await world.gateway.waitForLine(/"payload":"half-closed"/);
      return "the event is delivered";
    },
  },
  {
    name: "an empty Content-Encoding",
    sent: "Content-Encoding:",
    right: "200",
    see: async (world) =>
      describe(await world.send(lines("/webhook/plain", ["Content-Encoding:", "Content-Length: 1"], "1"))),
  },
  {
    name: "a Content-Encoding of nothing",
    sent: "Content-Encoding: identity,",
    right: "200",
    see: (world) => world.post("plain", "1", { "Content-Encoding": "identity," }),
  },
];

const bodies: readonly Input[] = [
  {
    name: "ids of more than 53 bits",
    sent: "1050118621198921728, …729, …700",
    right: "3 events of 3",
    see: (world) =>
      world.postEach("by-id", [
        `{"id":1050118621198921728}`,
        `{"id":1050118621198921729}`,
        `{"id":1050118621198921700}`,
      ]),
  },
  {
    name: "an empty id",
    sent: `{"id":""}, twice`,
    right: "2 events of 2",
    see: (world) => world.postEach("by-id", [`{"id":"","n":1}`, `{"id":"","n":2}`]),
  },
  {
    name: "an empty header as id",
    sent: "X-Event-Id:, twice",
    right: "2 events",
    async see(world) {
      const request = lines("/webhook/by-header", ["X-Event-Id:", "Content-Length: 7"], `{"n":1}`);
      const texts = [(await world.send(request)).text, (await world.send(request)).text];
      return `${new Set(texts).size} events`;
    },
  },
  {
    name: "the length of a list as id",
    sent: "[1,2], [3,4] by /length",
    right: "2 events of 2",
    see: (world) => world.postEach("by-length", ["[1,2]", "[3,4]"]),
  },
  {
    name: "JSON that is not UTF-8",
    sent: `{"id":"ann\\xe9e"}`,
    right: "400 invalid_json",
    see: (world) => world.post("by-id", latin1(`{"id":"année"}`)),
  },
  {
    name: "JSON in a declared charset",
    sent: `{"name":"Jos\\xe9"}; charset=iso-8859-1`,
    right: `200, {"name":"José"}, application/json`,
    async see(world) {
      const messages = await world.redis.subscribe("published");
      const status = await world.post("published", latin1(`{"name":"José"}`), {
        "Content-Type": "application/json; charset=iso-8859-1",
      });
      await eventually(() => assertEquals(messages.length, 1));
      const { payload, headers } = JSON.parse(new TextDecoder().decode(messages[0])) as {
        readonly payload: unknown;
        readonly headers: Readonly<Record<string, string>>;
      };
      return `${status}, ${JSON.stringify(payload)}, ${headers["content-type"]}`;
    },
  },
  {
    name: "a form of two charsets",
    sent: "multipart, caf\\xe9, to a webhook for bytes",
    right: "200, every byte kept",
    async see(world) {
      const body = latin1(
        `--b\r\nContent-Disposition: form-data; name="text"\r\n\r\ncafé\r\n--b--\r\n`,
      );
      const status = await world.post("forward-bytes", body, {
        "Content-Type": "multipart/form-data; boundary=b",
      });
      const kept = Buffer.compare(world.target.requests.at(-1)?.body ?? new Uint8Array(), body) === 0;
      return `${status}, ${kept ? "every byte kept" : "changed"}`;
    },
  },
  {
    name: "a digest of the compressed body",
    sent: "Content-Encoding: gzip, Content-Digest",
    right: `200, {"n":1} without a digest`,
    async see(world) {
      const body = gzipSync(`{"n":1}`);
      const status = await world.post("forward", new Uint8Array(body), {
        "Content-Encoding": "gzip",
        "Content-Digest": `sha-256=:${createHash("sha256").update(body).digest("base64")}:`,
      });
      const request = world.target.requests.at(-1);
      const digest = request?.headers.has("content-digest") ? "with" : "without";
      return `${status}, ${request?.text} ${digest} a digest`;
    },
  },
];

const outputs: readonly Input[] = [
  {
    name: "keys of Kafka that are large numbers",
    sent: "1050118621198921728, …729, 1 and 23 zeros, 1E400",
    right: "1050118621198921728 1050118621198921729 100000000000000000000000 1E400",
    async see(world) {
      const numbers = ["1050118621198921728", "1050118621198921729", "100000000000000000000000", "1E400"];
      for (const number of numbers) await world.post("keyed", `{"id":${number}}`);
      const records = await world.kafka.consume("keyed");
      return records.map(({ key }) => key === null ? "none" : new TextDecoder().decode(key)).join(" ");
    },
  },
  {
    name: "a Retry-After with a fraction",
    sent: "429, Retry-After: 32.5, by the destination",
    right: "503 output_throttled, Retry-After: 33",
    async see(world) {
      world.target.answerNext({ status: 429, headers: { "Retry-After": "32.5" } });
      const answer = await world.send(formatRequest("POST", "/webhook/forward", { body: "{}" }));
      return `${describe(answer)}, Retry-After: ${answer.headers.get("retry-after")}`;
    },
  },
  ...["date", "unix"].map((webhook): Input => ({
    name: `a time column: ${webhook}`,
    sent: webhook === "date" ? "timestamp Date" : "timestamp UInt64",
    right: "200, the time of receipt",
    async see(world) {
      const status = await world.post(webhook, "{}");
      const [seconds, oldest] = webhook === "date"
        ? ["toUInt32(toDateTime(timestamp, 'UTC'))", 2 * 86400]
        : ["timestamp", 600];
      const time = `${seconds} BETWEEN toUInt32(now()) - ${oldest} AND toUInt32(now())`;
      const rows = await world.clickhouse.query(`SELECT count() FROM t_${webhook} WHERE ${time}`);
      return `${status}, ${rows === "1" ? "the time of receipt" : `${rows} rows of that time`}`;
    },
  })),
];

/** A webhook with a problem: whatever credential comes, it is not let in. */
function problem(name: string, sent: string, found: string): Input {
  return {
    name: `webhook ${name}`,
    sent,
    right: `503 webhook_misconfigured, ${found}`,
    async see(world) {
      const answer = await world.post(name, "{}", { Authorization: `Bearer ${sent}` });
      return `${answer}, ${await world.findings("problems", `webhook default/${name}`)}`;
    },
  };
}

/** A text that looks like a reference and is none, which is a warning. */
function warned(name: string, sent: string): Input {
  return {
    name: `webhook ${name}`,
    sent,
    right: "a warning: shell_variable at authorization",
    see: async (world) => `a warning: ${await world.findings("warnings", `webhook default/${name}`)}`,
  };
}

/** A webhook that is as good as any. */
function served(name: string, sent: string, headers: Readonly<Record<string, string>> = {}): Input {
  return { name: `webhook ${name}`, sent, right: "200", see: (world) => world.post(name, "{}", headers) };
}

const configurations: readonly Input[] = [
  problem("vault-hmac", "{$vault:webhooks/auth#hmac}", "secret_misconfigured at hmac.secret"),
  problem("vault-bearer", "{$vault:webhooks/auth#bearer_token}", "secret_misconfigured at authorization"),
  problem("vault-default", "{$vault:webhooks/none#token:dflt}", "secret_misconfigured at authorization"),
  problem("file-bearer", "{$file:/run/secrets/token}", "secret_misconfigured at authorization"),
  problem(
    "vault-relay",
    "{$vault:relay/inbox#token}",
    "secret_misconfigured at module-config.channel_token",
  ),
  served("env-bearer", "{$env:TOKEN}", { Authorization: `Bearer ${TOKEN}` }),
  problem("dash", "{$MY-TOKEN}", "invalid_reference at authorization"),
  problem("dot", "{$MY.TOKEN}", "invalid_reference at authorization"),
  problem("digit", "{$1TOKEN}", "invalid_reference at authorization"),
  problem("space", "{$TOKEN }", "invalid_reference at authorization"),
  problem("question", "{$TOKEN?}", "invalid_reference at authorization"),
  problem("unclosed", "{$TOKEN", "invalid_reference at authorization"),
  problem("nested", "{$TOKEN:{$OTHER:x}}", "invalid_reference at authorization"),
  problem("brace", "{$TOKEN:a}b}", "invalid_reference at authorization"),
  warned("shell", "${TOKEN}"),
  warned("dollar", "$TOKEN"),
  problem("newline", "top-secret\\n", "schema at hmac.secret"),
  problem("twice", "authorization, twice", "invalid_json at authorization"),
  problem("twice-inside", "hmac.secret, twice", "invalid_json at hmac.secret"),
  served("x-twitter", "an id that begins with x-"),
  served("described", "a description, $schema and // beside it"),
  served("published-without-password", `password: "{$NO_PASSWORD:}"`),
  {
    name: "connection hosturl",
    sent: `host: "redis://localhost:6379"`,
    right: "schema at host",
    see: (world) => world.findings("problems", "connection hosturl"),
  },
  {
    name: "connection case",
    sent: `type: "Kafka"`,
    right: "schema at type",
    see: (world) => world.findings("problems", "connection case"),
  },
  {
    name: "a byte order mark in etcd",
    sent: `\\xef\\xbb\\xbf{"module":"log"}`,
    right: "200",
    async see(world) {
      const key = Buffer.from("/cwm/default/webhooks/bom");
      await world.etcd.gateway.putBytes(key, Buffer.from(`\ufeff{"module":"log"}`));
      return await eventually(async () => {
        const answer = await fetch(`${world.etcdGateway.url}/webhook/bom`, { method: "POST", body: "{}" });
        const seen = describe({ status: answer.status, text: await answer.text() });
        if (seen === "404 webhook_not_found") throw new Error("The value in etcd is not served yet");
        return seen;
      });
    },
  },
];

Deno.test("inputs that gateways go wrong on get what is right", async () => {
  await using world = await InputWorld.start(TABLES);
  const rows = await runInputs([...framing, ...bodies, ...outputs, ...configurations], world);
  assertEquals(rows.filter(({ seen, right }) => seen !== right), []);
});
