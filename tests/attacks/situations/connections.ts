/** Connections, descriptors and what may stand in the head of a request or an answer. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import { HttpTarget } from "../../support/http/target.ts";
import { formatRequest, type RawHttpConnection } from "../../support/http/raw_http.ts";
import type { Attack } from "../attack.ts";
import {
  ADMIN_TOKEN,
  type Answer,
  answerOf,
  countAnswers,
  httpWebhook,
  MIB,
  mib,
  Victim,
} from "../victim.ts";

const OPEN_FILES = 256;

const descriptors: Attack = {
  name: "idle-connections",
  behaviour: "a gateway without free descriptors goes on, and takes connections when there is room",
  async run() {
    await using target = await HttpTarget.start();
    await using victim = await Victim.start({
      webhooks: { a: { module: "log" }, d: httpWebhook(target.url) },
      through: ["prlimit", `--nofile=${OPEN_FILES}:${OPEN_FILES}`],
    });
    const idle: RawHttpConnection[] = [];
    await using _closed = {
      [Symbol.asyncDispose]: () => Promise.resolve(idle.forEach((connection) => connection.close())),
    };
    const kept = await victim.connect();
    idle.push(kept);
    const event = formatRequest("POST", "/webhook/d", { body: "{}" });
    await kept.write(event);
    assertEquals((await kept.readResponse({ method: "POST" })).status, 200);
    for (let opened = 0; opened < 2 * OPEN_FILES; opened++) {
      try {
        idle.push(await victim.connect());
      } catch (error) {
        // A gateway may say at once that it has no room.
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      }
    }
    // Who was let in before is served on, and its events go out.
    await kept.write(event);
    assertEquals((await kept.readResponse({ method: "POST" })).status, 200);
    await target.waitForRequests(2);
    assert(victim.isAlive, victim.gateway.process.output);
    for (const connection of idle) connection.close();
    const begun = performance.now();
    await eventually(async () => assertEquals((await victim.post("a", "{}", {}, 2_000)).status, 200));
    const seconds = (performance.now() - begun) / 1000;
    assert(!/Uncaught|unhandled/i.test(victim.gateway.process.output), victim.gateway.process.output);
    return `${2 * OPEN_FILES} connections at ${OPEN_FILES} files; ${
      seconds.toFixed(1)
    } s after they went it answers`;
  },
};

const interim: Attack = {
  name: "interim-answers",
  behaviour: "interim answers of a destination without end are cut off",
  async run() {
    const figures: string[] = [];
    for (
      const head of [
        "HTTP/1.1 102 Processing\r\n\r\n",
        `HTTP/1.1 103 Early Hints\r\nLink: ${"l".repeat(4000)}\r\n\r\n`,
      ]
    ) {
      await using target = new EndlessAnswer(head);
      const webhooks = { a: httpWebhook(target.url, { accept: "delivered" }, { timeout: 8 }) };
      await using victim = await Victim.start({ webhooks });
      await using watch = await victim.watch();
      const { status } = await victim.post("a");
      const { firstBytes, peakBytes } = await watch.observe();
      assert(status >= 500, `it was answered ${status}`);
      assert(target.written < 16 * MIB, `${mib(target.written)} of interim answers were read`);
      assert(peakBytes - firstBytes < 64 * MIB, `${mib(peakBytes - firstBytes)} more`);
      figures.push(`${status} after ${(target.written / 1024).toFixed(0)} KiB`);
    }
    return figures.join("; ");
  },
};

/** A server that begins its answer again and again, until the client closes the connection. */
class EndlessAnswer implements AsyncDisposable {
  /** Bytes that were taken. */
  written = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #serving: Promise<void>;

  constructor(head: string) {
    this.#serving = this.#serve(new TextEncoder().encode(head.repeat(Math.ceil(16_384 / head.length))));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    await this.#serving;
  }

  async #serve(heads: Uint8Array): Promise<void> {
    const answers: Promise<void>[] = [];
    for await (const connection of this.#listener) answers.push(this.#answer(connection, heads));
    await Promise.all(answers);
  }

  async #answer(connection: Deno.TcpConn, heads: Uint8Array): Promise<void> {
    this.#connections.add(connection);
    try {
      await connection.read(new Uint8Array(4096));
      for (;;) this.written += await connection.write(heads);
    } catch {
      // The client has closed the connection, or the test is over.
      if (this.#connections.delete(connection)) ignoreClosed(connection);
    }
  }
}

function ignoreClosed(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

const hosts: Attack = {
  name: "host-with-path",
  behaviour: "what stands in Host never decides where a request goes",
  isShort: true,
  async run() {
    const webhooks = { open: { module: "log" }, internal: { module: "log" } };
    await using victim = await Victim.start({ webhooks });
    const wrong = [
      "x/webhook/internal?",
      "x/metrics?",
      "x#",
      "x@y/",
      "user@x",
      "x:port",
      "x\\metrics",
      "a b",
    ];
    for (const host of wrong) {
      const head = `POST /webhook/open HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\n\r\n{}`;
      const { status } = await victim.send(head);
      assertEquals(status, 400, `Host: ${host}`);
    }
    const right = await victim.send(
      "POST /webhook/open HTTP/1.1\r\nHost: name:80\r\nContent-Length: 2\r\n\r\n{}",
    );
    assertEquals(right.status, 200);
    const reached = victim.gateway.lines.some(({ text }) => text.includes('"webhook":"internal"'));
    assert(!reached, "the other webhook was reached");
    return `${wrong.length} values are 400`;
  },
};

const upgrades: Attack = {
  name: "offered-upgrade",
  behaviour: "the answer to a POST that offers an upgrade says what became of its event",
  isShort: true,
  async run() {
    await using target = await HttpTarget.start();
    await using victim = await Victim.start({
      webhooks: { a: httpWebhook(target.url, { accept: "delivered" }) },
    });
    const offers = [
      { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c", "http2-settings": "AAMAAABkAAQAoAAAAAIAAAAA" },
      { connection: "upgrade", upgrade: "websocket" },
    ];
    const answers: Answer[] = [];
    for (const headers of offers) answers.push(await victim.post("a", "{}", headers));
    for (const { status } of answers) assert(status === 200 || status === 400, countAnswers(answers));
    assertEquals(target.requests.length, answers.filter(({ status }) => status === 200).length);
    assertEquals((await victim.post("a")).status, 200);
    return `${countAnswers(answers)}; ${target.requests.length - 1} delivered`;
  },
};

const credentials: Attack = {
  name: "forwarded-credentials",
  behaviour: "headers that carry credentials, or could be taken for the gateway's own, are not forwarded",
  isShort: true,
  async run() {
    await using target = await HttpTarget.start();
    const webhooks = { a: httpWebhook(target.url, { accept: "delivered" }, { forward_headers: true }) };
    await using victim = await Victim.start({ webhooks });
    const names = [
      "x-jwt",
      "x-pass",
      "x-access-key",
      "x-forwarded-client-cert",
      "cwm_event_id",
      "cwm_webhook",
      "cookie",
    ];
    const headers = Object.fromEntries(names.map((name) => [name, "value-of-the-sender"]));
    assertEquals((await victim.post("a", "{}", { ...headers, "x-order": "42" })).status, 200);
    const [request] = await target.waitForRequests(1);
    assertEquals(request!.headers.get("x-order"), "42");
    assertEquals(names.filter((name) => request!.headers.has(name)), []);
    return `${names.length} names stay behind`;
  },
};

const adminTokens: Attack = {
  name: "admin-tokens",
  behaviour: "wrong admin tokens are counted, and the scheme's case does not matter",
  isShort: true,
  async run() {
    await using victim = await Victim.start({ webhooks: { a: { module: "log" } } });
    const counted = async () =>
      (await victim.get("/metrics")).text.split("\n")
        .filter((line) => /^cwm_\w+\{[^}]*unauthorized[^}]*\} |^cwm_admin\w* /.test(line))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    const before = await counted();
    for (let tried = 0; tried < 5; tried++) {
      const headers = { authorization: `Bearer wrong-token-${tried}-of-a-stranger` };
      assertEquals((await victim.get("/admin/config", headers)).status, 401);
    }
    assertEquals(await counted() - before, 5, "of 5 wrong tokens");
    for (const scheme of ["bearer", "BEARER", "Bearer"]) {
      assertEquals(
        (await victim.get("/admin/config", { authorization: `${scheme} ${ADMIN_TOKEN}` })).status,
        200,
      );
    }
    return "5 of 5 are counted";
  },
};

const precision: Attack = {
  name: "large-numbers",
  behaviour: "events that differ in a large number, or have no key, are different events",
  isShort: true,
  async run() {
    await using target = await HttpTarget.start();
    await using victim = await Victim.start({
      webhooks: {
        pointer: httpWebhook(target.url, { idempotency: { json_pointer: "/id" } }),
        header: httpWebhook(target.url, { idempotency: { header: "X-Delivery" } }),
      },
    });
    const ids = ["1234567890123456788", "1234567890123456789", "1234567890123456790"];
    for (const id of ids) assertEquals((await victim.post("pointer", `{"id":${id}}`)).status, 200);
    for (const n of [1, 2, 3]) {
      const { status } = answerOf(
        await victim.send(
          `POST /webhook/header HTTP/1.1\r\nHost: x\r\nX-Delivery:\r\nContent-Length: 7\r\n\r\n{"n":${n}}`,
        ),
      );
      assertEquals(status, 200);
    }
    const bodies = (await target.waitForRequests(6)).map(({ text }) => text).sort();
    assertEquals(bodies, [...ids.map((id) => `{"id":${id}}`), `{"n":1}`, `{"n":2}`, `{"n":3}`]);
    const again = await victim.post("pointer", `{"id":${ids[0]}}`);
    assertMatch(again.eventId!, /./);
    return "6 of 6 are delivered";
  },
};

/** Attacks by connections and heads. */
export const connectionAttacks: readonly Attack[] = [
  descriptors,
  interim,
  hosts,
  upgrades,
  credentials,
  adminTokens,
  precision,
];
