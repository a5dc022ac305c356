/** What happens to a PostgreSQL server while events are stored in it: nothing is lost, and nothing is there twice. */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { postgresqlOutput } from "../support/postgres/output.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import type { SqlOutputUnderTest } from "../support/sql/output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const TABLE = "create table webhook_events (id text primary key, payload jsonb)";

function events(count: number): VerifiedEvent[] {
  return Array.from({ length: count }, () => verifiedEvent());
}

function assertFailed(result: DeliveryResult | undefined, code: DeliveryError["code"]): DeliveryError {
  assertInstanceOf(result, DeliveryError);
  assertEquals(result.code, code);
  return result;
}

async function deliverInTheEnd(output: SqlOutputUnderTest, event: VerifiedEvent): Promise<void> {
  await eventually(async () => assertEquals(await output.deliver(event), ["delivered"]));
}

Deno.test("postgresql loses nothing of a server that is killed under load, frozen or locked", async (test) => {
  await using server = await PostgresServer.start({ settings: { max_connections: "20" } });
  await using database = await server.createDatabase();
  await database.query(TABLE);
  await using output = await postgresqlOutput(database, {});
  const count = async (ids: readonly VerifiedEvent[]) => {
    const sql = "select count(*)::int as count from webhook_events where id = any($1)";
    return (await database.query(sql, [ids.map(({ id }) => id)]))[0]?.count;
  };

  await test.step("killed and restarted under load: each accepted event is there once", async () => {
    await using gateway = await TestGateway.start({
      webhooks: { orders: { module: "postgres", accept: "durable", "module-config": {} } },
      connections: {
        db: { type: "postgres", host: "127.0.0.1", port: server.port, database: database.name },
      },
    });
    const rows = async () => Number((await database.query("select count(*) from webhook_events"))[0]?.count);
    const before = await rows();
    let [posted, isBack] = [0, false];
    const load = (async () => {
      do {
        const posts = Array.from({ length: 20 }, () => gateway.post("/webhook/orders", "{}"));
        assertEquals((await Promise.all(posts)).map(({ status }) => status), Array(20).fill(200));
        posted += posts.length;
      } while (!isBack);
    })();
    try {
      await eventually(async () => assert(await rows() > before));
      await server.kill();
      await server.restart();
    } finally {
      isBack = true;
      await load;
    }
    await eventually(async () => assertEquals(await rows() - before, posted));
  });

  await test.step("frozen: the attempt is given up, and its repeat finds the rows there", async () => {
    const batch = events(3);
    await deliverInTheEnd(output, verifiedEvent());
    await server.freeze();
    for (const result of await output.deliverWithin(200, ...batch)) assertFailed(result, "output_timeout");
    await server.thaw();
    for (const event of batch) await deliverInTheEnd(output, event);
    assertEquals(await count(batch), 3);
  });

  await test.step("locked: the attempt is given up, and each event is there once when the lock is gone", async () => {
    const batch = events(3);
    await using session = await database.session();
    await session.query("begin");
    await session.query("lock table webhook_events");
    for (const result of await output.deliverWithin(200, ...batch)) assertFailed(result, "output_timeout");
    await session.query("rollback");
    for (const event of batch) await deliverInTheEnd(output, event);
    assertEquals(await count(batch), 3);
  });

  await test.step("a connection that is cut is opened again", async () => {
    await database.terminateSessions();
    await deliverInTheEnd(output, verifiedEvent());
  });

  await test.step("the table dropped and made again with another column", async () => {
    await database.query("drop table webhook_events");
    const event = verifiedEvent();
    const [missing] = await output.deliver(event);
    assertStringIncludes(assertFailed(missing, "output_failed").message, "42P01");
    assertStringIncludes(
      assertFailed((await output.deliver(event))[0], "output_failed").message,
      "does not exist",
    );
    await assertRejects(() => output.probe(), DeliveryError, "does not exist");
    await database.query(`${TABLE}; alter table webhook_events add webhook_id text not null`);
    assertEquals(await output.deliver(event), ["delivered"]);
    await database.query("alter table webhook_events add later text not null default 'x'");
    await database.query("alter table webhook_events alter later drop default");
    assertFailed((await output.deliver(verifiedEvent()))[0], "output_failed");
    await database.query("alter table webhook_events drop later");
    assertEquals(await output.deliver(verifiedEvent()), ["delivered"]);
  });

  await test.step("a right that is revoked pauses, and is named by the probe", async () => {
    await database.query("create role gateway login");
    await database.query("grant select on webhook_events to gateway");
    await using limited = await postgresqlOutput(database, {}, { user: "gateway" });
    const event = verifiedEvent();
    const [refused] = await limited.deliver(event);
    assertStringIncludes(assertFailed(refused, "output_unavailable").message, "grant INSERT and SELECT");
    await assertRejects(() => limited.probe(), DeliveryError, "42501");
    assertStringIncludes((await limited.inspect())[0] ?? "", "grant INSERT and SELECT");
    await database.query("grant insert on webhook_events to gateway");
    await limited.probe();
    assertEquals(await limited.deliver(event), ["delivered"]);
  });

  await test.step("a standby that does not answer: neither the commit nor its repeat is delivered", async () => {
    const event = verifiedEvent();
    await server.set("synchronous_standby_names", "nobody");
    try {
      let isSettled = false;
      const pending = output.deliver(event).finally(() => isSettled = true);
      await eventually(async () => {
        // It is committed here, and its wait is given up as by an operator.
        await server.query(
          "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'",
        );
        assert(isSettled);
      });
      assertStringIncludes(assertFailed((await pending)[0], "output_unavailable").message, "standby");
      assertEquals(await count([event]), 1);
      assertFailed((await output.deliverWithin(200, event))[0], "output_timeout");
    } finally {
      await server.set("synchronous_standby_names");
    }
    await deliverInTheEnd(output, event);
    assertEquals(await count([event]), 1);
  });
});

Deno.test("postgresql wants the server's certificate, shows its own, and logs in by password", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1");
  await certificates.issue("postgres", "DNS:client");
  await certificates.issue("stranger", "DNS:db.internal");
  await using server = await PostgresServer.start({
    tls: { certificates, name: "server" },
    access: [
      "host all postgres 127.0.0.1/32 trust",
      "hostssl all gateway 127.0.0.1/32 scram-sha-256 clientcert=verify-ca",
    ],
  });
  await server.query(TABLE);
  await server.query("create role gateway login password 'first-password'");
  await server.query("grant insert, select on webhook_events to gateway");
  const files = { ssl_cert: certificates.certificateOf("postgres"), ssl_key: certificates.keyOf("postgres") };
  const open = (connection: object) =>
    postgresqlOutput({ name: "postgres", server }, {}, {
      user: "gateway",
      password: "first-password",
      ...connection,
    });
  const ssl = { ssl: true, ssl_ca_cert: certificates.ca, ...files };
  await using output = await open(ssl);
  assertEquals(await output.deliver(verifiedEvent()), ["delivered"]);
  const failures: readonly (readonly [connection: object, reason: string])[] = [
    [{ ssl: true, ...files }, "SELF_SIGNED_CERT_IN_CHAIN"],
    [{ ssl: true, ssl_ca_cert: certificates.ca }, "28000"],
    [{}, "28000"],
    [{ ...ssl, password: "second-password" }, "28P01"],
    [{ ...ssl, password: "" }, "wants a password"],
    [{ ...ssl, database: "missing" }, "3D000"],
    [{ tls: { ca: certificates.ca, servername: "db.internal" } }, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ];
  for (const [connection, reason] of failures) {
    await using failing = await open(connection);
    const error = assertFailed((await failing.deliver(verifiedEvent()))[0], "output_unavailable");
    assertStringIncludes(error.message, reason);
    assert(!Deno.inspect(error, { depth: 20 }).includes("-password"), "the password is shown");
  }
  await server.query("alter role gateway password 'second-password'");
  await using changed = await open({ ...ssl, password: "second-password" });
  assertEquals(await changed.deliver(verifiedEvent()), ["delivered"]);
  const query = new URLSearchParams({
    sslmode: "verify-full",
    sslrootcert: certificates.ca,
    sslcert: files.ssl_cert,
    sslkey: files.ssl_key,
  });
  await using byUrl = await postgresqlOutput({ name: "", server }, {}, {
    connection_string:
      `postgresql://gateway:second-password@127.0.0.1:1,127.0.0.1:${server.port}/postgres?${query}`,
  });
  assertEquals(await byUrl.deliver(verifiedEvent()), ["delivered"]);
});
