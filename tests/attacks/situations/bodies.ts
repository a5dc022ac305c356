/** Bodies that are sent in a way that costs more than they are long. */

import { setTimeout as sleep } from "node:timers/promises";
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { HttpTarget } from "../../support/http/target.ts";
import { formatRequest, type RawHttpConnection } from "../../support/http/raw_http.ts";
import type { Attack } from "../attack.ts";
import { type Answer, answerOf, countAnswers, gzip, httpWebhook, MIB, mib, Victim } from "../victim.ts";

const encoder = new TextEncoder();
const LIMITS = { MAX_INFLIGHT_BYTES: String(64 * MIB) };

const pieces: Attack = {
  name: "body-in-pieces",
  behaviour: "a body in 20,000 pieces takes the memory of its bytes",
  isShort: true,
  async run() {
    const webhooks = { signed: { module: "log", hmac: { secret: "s" } } };
    await using victim = await Victim.start({ webhooks });
    await victim.post("signed");
    await using watch = await victim.watch();
    const head = formatRequest("POST", "/webhook/signed", {
      headers: { "transfer-encoding": "chunked", "x-hmac-signature": `sha256=${"0".repeat(64)}` },
    });
    const body = encoder.encode("1\r\n \r\n".repeat(20_000) + "0\r\n\r\n");
    const { status } = await victim.send(joined(head, body));
    assertEquals(status, 401);
    const { firstBytes, peakBytes } = await watch.observe();
    assert(peakBytes - firstBytes < 64 * MIB, `${mib(peakBytes - firstBytes)} more`);
    return `${mib(peakBytes - firstBytes)} more`;
  },
};

const outsideTheWebhooks: Attack = {
  name: "connect-ack",
  behaviour: "a connector's route asks for the token before it reads the body",
  isShort: true,
  async run() {
    await using victim = await Victim.start({ webhooks: { a: { module: "log" } } });
    await using connections = new AsyncDisposableStack();
    await using watch = await victim.watch();
    const bytes = 4 * MIB;
    const request = joined(
      formatRequest("POST", "/connect/ack", { headers: { "content-length": String(bytes) } }),
      new Uint8Array(bytes - 10),
    );
    const answers: Answer[] = [];
    for (let sent = 0; sent < 60; sent++) {
      const connection = connections.use(await victim.connect());
      answers.push(await answerBeforeTheEnd(connection, request));
    }
    assertEquals(countAnswers(answers), "401 unauthorized: 60");
    const { firstBytes, peakBytes } = await watch.observe();
    assert(peakBytes - firstBytes < 64 * MIB, `${mib(peakBytes - firstBytes)} more`);
    return `60 of 4 MiB: ${mib(peakBytes - firstBytes)} more`;
  },
};

const lateBodies: Attack = {
  name: "late-bodies",
  behaviour: "a body that was given up on is let go of at once",
  async run() {
    const env = { ...LIMITS, BODY_TIMEOUT_MS: "500" };
    await using victim = await Victim.start({ webhooks: { a: { module: "log" } }, env });
    await victim.post("a");
    const before = victim.bytes;
    const files = openFiles(victim.pid);
    const bytes = 10 * MIB;
    const head = formatRequest("POST", "/webhook/a", { headers: { "content-length": String(bytes) } });
    await using connections = new AsyncDisposableStack();
    const late: RawHttpConnection[] = [];
    for (let round = 0; round < 8; round++) {
      await Promise.all(Array.from({ length: 3 }, async () => {
        const connection = connections.use(await victim.connect());
        const { code } = await answerBeforeTheEnd(connection, joined(head, new Uint8Array(bytes - 10)));
        assertEquals(code, "body_timeout");
        late.push(connection);
      }));
    }
    await eventually(async () => assertEquals(await victim.metric("cwm_inflight_bytes"), 0));
    await eventually(() => {
      assert(victim.bytes - before < 120 * MIB, `${mib(victim.bytes - before)} are held of 240 MiB`);
    }, { timeoutMs: 30_000 });
    const held = victim.bytes - before;
    // The runtime closes such a connection no sooner than its sender does.
    for (const connection of late) connection.close();
    await eventually(() => assert(openFiles(victim.pid) <= files, "connections stay open"));
    return `${mib(held)} more after 24 of 10 MiB`;
  },
};

const decodedBytes: Attack = {
  name: "decoded-bytes",
  behaviour: "bodies count as many bytes as they have when they are decoded",
  async run() {
    await using target = await HttpTarget.start();
    target.answer("hang");
    const webhooks = {
      a: httpWebhook(target.url, { accept: "delivered", data_type: "blob" }, { timeout: 4 }),
    };
    await using victim = await Victim.start({ webhooks, env: LIMITS });
    const body = gzip(new Uint8Array(10 * MIB));
    await using watch = await victim.watch();
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => victim.post("a", body, { "content-encoding": "gzip" })),
    );
    const { firstBytes, peakBytes } = await watch.observe();
    const refused = answers.filter(({ code }) => code === "overloaded").length;
    assert(refused >= 30, `of 400 MiB with room for 64: ${countAnswers(answers)}`);
    assert(peakBytes - firstBytes < 192 * MIB, `${mib(peakBytes - firstBytes)} more`);
    return `${mib(peakBytes - firstBytes)} more; ${countAnswers(answers)}`;
  },
};

/** How long a body may be worked on without giving way, in milliseconds of a processor. */
const MOST_OF_A_TURN_MS = 50;

const tinyChunks: Attack = {
  name: "tiny-chunks",
  behaviour:
    "bodies without end in chunks of a byte hold up nobody, while they are read and when they are cut",
  isShort: true,
  async run() {
    await using victim = await Victim.start({
      webhooks: {
        open: { module: "log", data_type: "blob" },
        guarded: { module: "log", authorization: "t" },
      },
      env: { BODY_TIMEOUT_MS: "1000" },
    });
    await using watch = await victim.watch();
    const answers = await Promise.all(
      Array.from(
        { length: 10 },
        (_, index) => floodUntilAnswered(victim, index % 2 === 0 ? "open" : "guarded"),
      ),
    );
    const { longestBusyMs, longestSilenceMs } = await watch.observe();
    assertEquals(countAnswers(answers), "408 body_timeout: 5, 401 unauthorized: 5");
    const figures = `/livez waited for ${longestBusyMs.toFixed(0)} of ${longestSilenceMs.toFixed(0)} ms`;
    assert(longestBusyMs < 3 * MOST_OF_A_TURN_MS, figures);
    return figures;
  },
};

/** Attacks by the way a body is sent. */
export const bodyAttacks: readonly Attack[] = [
  pieces,
  outsideTheWebhooks,
  lateBodies,
  decodedBytes,
  tinyChunks,
];

/** Sends chunks of a byte until there is an answer, and for a while longer. */
async function floodUntilAnswered(victim: Victim, webhook: string): Promise<Answer> {
  await using connection = await victim.connect();
  await connection.write(
    formatRequest("POST", `/webhook/${webhook}`, { headers: { "transfer-encoding": "chunked" } }),
  );
  const chunks = encoder.encode("1\r\nx\r\n".repeat(10_000));
  let written = 0;
  const flood = (async () => {
    // The gateway takes no more at some time, or cuts the connection.
    while (written++ < 200) await connection.write(chunks);
  })().catch(() => {});
  const answer = answerOf(await connection.readResponse({ method: "POST" }));
  const ending = new AbortController();
  await Promise.race([flood, sleep(500, undefined, { signal: ending.signal }).catch(() => {})]);
  ending.abort();
  connection.close();
  await flood;
  return answer;
}

/** The answer to a request whose end never comes, or is not taken. */
async function answerBeforeTheEnd(connection: RawHttpConnection, bytes: Uint8Array): Promise<Answer> {
  const [answer] = await Promise.all([
    connection.readResponse({ method: "POST" }),
    connection.write(bytes).catch(() => {}),
  ]);
  return answerOf(answer);
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

function openFiles(pid: number): number {
  return Array.from(Deno.readDirSync(`/proc/${pid}/fd`)).length;
}
