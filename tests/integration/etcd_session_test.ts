import { assertEquals, assertRejects } from "@std/assert";
import type { IWatchRequest } from "etcd3";
import { EtcdCallError } from "../../src/config/etcd/wire/connection.ts";
import { SessionEnd } from "../../src/config/etcd/session_end.ts";
import { assertInStep } from "../support/etcd/assertions.ts";
import { SessionSubject } from "../support/etcd/session_subject.ts";
import { PREFIX } from "../support/etcd/test_provider.ts";
import { eventually } from "../support/eventually.ts";

const key = (id: string) => `${PREFIX}default/webhooks/${id}`;

async function endOf(session: Promise<never>): Promise<string> {
  return (await assertRejects(() => session, SessionEnd)).reason;
}

Deno.test("a session finds by reconciliation what its watch has kept from it, and lists", async () => {
  await using subject = await SessionSubject.create();
  const { server, sink } = subject;
  let isDeaf = false;
  const ended = endOf(subject.run(
    // Too long a silence would end the session before the comparison finds the reason.
    { reconcileIntervalMs: 100, callTimeoutMs: 200, silenceMs: 60_000 },
    { watch: () => subject.deafStream(() => isDeaf) },
  ));
  await eventually(() => assertEquals(subject.lists, ["start"]));
  await server.gateway.putJson(key("a"), {});
  await eventually(() => assertInStep(sink, server.gateway, PREFIX));
  isDeaf = true;
  await server.gateway.putJson(key("b"), {});
  await server.gateway.delete(key("a"));
  await eventually(() => assertEquals(subject.lists, ["start", "reconciliation"]));
  await assertInStep(sink, server.gateway, PREFIX);
  await server.kill();
  await ended;
});

Deno.test("a session ends when its stream has died on a connection that lives", async () => {
  await using subject = await SessionSubject.create();
  const { server } = subject;
  let isDeaf = false;
  const ended = endOf(subject.run(
    { checkIntervalMs: 50, silenceMs: 300 },
    {
      watch: async () => {
        const stream = await subject.deafStream(() => isDeaf);
        // Once the session has seen that requests for progress are answered, which it measures silence by.
        stream.on("data", ({ isProgressAnswer }) => queueMicrotask(() => isDeaf ||= isProgressAnswer));
        return stream;
      },
    },
  ));
  // The watch has nothing to answer for before its first revision.
  await eventually(() => assertEquals(subject.lists, ["start"]));
  await server.gateway.putJson(key("a"), {});
  assertEquals(await ended, "silent");
  assertEquals(subject.habit.answers, true);
});

Deno.test("a session gives up asking for progress that is never answered, and still misses nothing", async () => {
  await using subject = await SessionSubject.create();
  const { server, sink } = subject;
  let asked = 0;
  let isDeaf = false;
  const ended = endOf(subject.run(
    { checkIntervalMs: 20, silenceMs: 100, callTimeoutMs: 100 },
    {
      watch: async () => {
        const stream = await subject.deafStream(() => isDeaf);
        const write = stream.write.bind(stream);
        return Object.assign(stream, {
          write: (request: IWatchRequest) => "progress_request" in request ? asked++ >= 0 : write(request),
        });
      },
    },
  ));
  await eventually(() => assertEquals(subject.lists, ["start"]));
  await server.gateway.putJson(key("a"), {});
  await eventually(() => assertInStep(sink, server.gateway, PREFIX));
  const { inStep } = subject;
  await eventually(() => subject.inStep > inStep + 20);
  assertEquals(asked, 3);
  isDeaf = true;
  await server.gateway.putJson(key("b"), {});
  assertEquals(await ended, "silent");
});

Deno.test("a session ends after two proofs of life in a row that took too long, and not after one", async () => {
  await using subject = await SessionSubject.create();
  const { connection } = subject;
  const late = new EtcdCallError("timeout", "The answer took too long");
  const script = ["late", "in time", "late", "in time", "late", "late"];
  let probes = 0;
  const ended = endOf(subject.run({ checkIntervalMs: 10 }, {
    probe: async () => {
      if (script[probes++] === "late") throw late;
      return await connection.probe();
    },
  }));
  assertEquals(await ended, "silent");
  assertEquals(probes, script.length);
});

Deno.test("a session ends at once when a proof of life is refused", async () => {
  await using subject = await SessionSubject.create();
  let probes = 0;
  const ended = endOf(subject.run({ checkIntervalMs: 10 }, {
    probe: () => {
      probes++;
      return Promise.reject(new EtcdCallError("denied", "The token is not valid"));
    },
  }));
  assertEquals([await ended, probes], ["denied", 1]);
});

Deno.test("a session ends when a proof of life comes from another history", async () => {
  for (
    const [difference, reason] of [
      [{ clusterId: "1" }, "cluster_changed"],
      [{ revision: 0 }, "revision_regressed"],
      [{ term: 1 }, "history_rewound"],
    ] as const
  ) {
    await using subject = await SessionSubject.create();
    const { connection } = subject;
    const ended = endOf(subject.run({ checkIntervalMs: 10 }, {
      probe: async () => ({ ...await connection.probe(), ...difference }),
    }));
    assertEquals(await ended, reason);
  }
});

Deno.test("a session is not misled by a proof of life that events have overtaken", async () => {
  await using subject = await SessionSubject.create();
  const { server, connection, mirror } = subject;
  let overtaken = 0;
  const ended = endOf(subject.run({ checkIntervalMs: 10 }, {
    probe: async () => {
      const header = await connection.probe();
      if (overtaken >= 3) throw new EtcdCallError("denied", "The test is over");
      const revision = await server.gateway.putJson(key("a"), {});
      await eventually(() => mirror.position.revision >= revision);
      overtaken++;
      return header;
    },
  }));
  assertEquals(await ended, "denied");
});

Deno.test("a session ends at once when it is stopped, also while it waits for a frozen etcd", async () => {
  await using subject = await SessionSubject.create();
  const { server } = subject;
  const waiting = Promise.withResolvers<void>();
  const ended = assertRejects(() =>
    subject.run({ callTimeoutMs: 600_000, keepAlive: { intervalMs: 600_000, timeoutMs: 600_000 } }, {
      watch: async () => {
        server.freeze();
        const stream = await subject.connection.watch();
        waiting.resolve();
        return stream;
      },
    })
  );
  await waiting.promise;
  subject.stop();
  await ended;
  server.thaw();
});
