/** What happens to a MariaDB while events are stored in it: nothing is lost, and nothing is there twice. */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { mysqlOutput } from "../support/mariadb/output.ts";
import { MariadbServer } from "../support/mariadb/server.ts";
import type { SqlOutputUnderTest } from "../support/sql/output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const TABLE = "create table webhook_events (id varchar(64) primary key, payload json)";

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

Deno.test("mysql loses nothing of a server that is killed, frozen, locked or full", async (test) => {
  await using server = await MariadbServer.start({ settings: ["--max-allowed-packet=1M"] });
  await using database = await server.createDatabase();
  await database.sql(TABLE);
  await using output = await mysqlOutput(database, {});
  const rows = async () => Number((await database.sql("select count(*) from webhook_events"))[0]?.[0]);
  const count = async (batch: readonly VerifiedEvent[]) => {
    const ids = batch.map(({ id }) => `'${id}'`).join();
    return Number((await database.sql(`select count(*) from webhook_events where id in (${ids})`))[0]?.[0]);
  };

  await test.step("killed and restarted under load: each accepted event is there once", async () => {
    await using gateway = await TestGateway.start({
      webhooks: { orders: { module: "mariadb", accept: "durable", "module-config": {} } },
      connections: {
        db: { type: "mariadb", host: "127.0.0.1", port: server.port, database: database.name },
      },
    });
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
    server.thaw();
    for (const event of batch) await deliverInTheEnd(output, event);
    assertEquals(await count(batch), 3);
  });

  await test.step("locked: the attempt is given up, and each event is there once when the lock is gone", async () => {
    const batch = events(3);
    await deliverInTheEnd(output, verifiedEvent());
    {
      await using session = await database.session();
      await session.run("lock tables webhook_events write");
      for (const result of await output.deliverWithin(200, ...batch)) assertFailed(result, "output_timeout");
    }
    for (const event of batch) await deliverInTheEnd(output, event);
    assertEquals(await count(batch), 3);
  });

  await test.step("a connection that is cut is opened again", async () => {
    await deliverInTheEnd(output, verifiedEvent());
    await server.cutConnections();
    await deliverInTheEnd(output, verifiedEvent());
  });

  await test.step("a commit whose confirmation is lost is not delivered, and its repeat is", async () => {
    await using proxy = TcpProxy.start({ port: server.port });
    await using remote = await mysqlOutput(database, {}, { port: proxy.port });
    await deliverInTheEnd(remote, verifiedEvent());
    const single = verifiedEvent();
    proxy.freeze("to_client");
    const lost = remote.deliver(single);
    await eventually(async () => assertEquals(await count([single]), 1));
    proxy.cut();
    assertFailed((await lost)[0], "output_unavailable");
    proxy.thaw();
    await deliverInTheEnd(remote, single);
    assertEquals(await count([single]), 1);
  });

  await test.step("a deadlock gives the rows back, and they are stored by their repeat", async () => {
    const batch = events(2).toSorted((one, other) => one.id < other.id ? -1 : 1);
    const insert = ({ id }: VerifiedEvent) => `insert into webhook_events (id) values ('${id}')`;
    await using session = await database.session();
    await session.run(`begin; ${events(20).map(insert).join("; ")}; ${insert(batch[1]!)}`);
    const pending = output.deliver(...batch);
    await server.someoneWaits();
    await session.run(`${insert(batch[0]!)}; rollback`);
    for (const result of await pending) {
      assertStringIncludes(assertFailed(result, "output_failed").message, "1213");
    }
    assertEquals(await output.deliver(...batch), ["delivered", "delivered"]);
    assertEquals(await count(batch), 2);
  });

  await test.step("the table dropped and made again with another column", async () => {
    await database.sql("drop table webhook_events");
    const event = verifiedEvent();
    assertStringIncludes(assertFailed((await output.deliver(event))[0], "output_failed").message, "1146");
    const [missing] = await output.deliver(event);
    assertStringIncludes(assertFailed(missing, "output_failed").message, "does not exist");
    await assertRejects(() => output.probe(), DeliveryError, "does not exist");
    await database.sql(`${TABLE}; alter table webhook_events add webhook_id varchar(64) not null`);
    assertEquals(await output.deliver(event), ["delivered"]);
    await database.sql("alter table webhook_events add later varchar(9) not null");
    assertFailed((await output.deliver(verifiedEvent()))[0], "output_failed");
    await database.sql("alter table webhook_events drop later");
    assertEquals(await output.deliver(verifiedEvent()), ["delivered"]);
  });

  await test.step("what is larger than the server takes is a dead letter alone", async () => {
    const large = verifiedEvent({ body: JSON.stringify("x".repeat(1024 * 1024)) });
    const [one, result, other] = await output.deliver(verifiedEvent(), large, verifiedEvent());
    assertEquals([one, other], ["delivered", "delivered"]);
    assertStringIncludes(assertFailed(result, "output_rejected").message, "larger than the server takes");
    const fitting = verifiedEvent({ body: JSON.stringify("x".repeat(1000 * 1024)) });
    assertEquals(await output.deliver(fitting, verifiedEvent()), ["delivered", "delivered"]);
  });

  await test.step("a table that is full pauses, and takes rows again when there is room", async () => {
    await database.sql(`set max_heap_table_size = 16384;
      create table small (id varchar(64) primary key, payload varchar(4000)) engine = memory`);
    await using limited = await mysqlOutput(database, { table: "small" });
    const batch = events(200);
    const results = await limited.deliver(...batch);
    assertStringIncludes(assertFailed(results[0], "output_unavailable").message, "no room");
    await database.sql("truncate small");
    assertEquals(await limited.deliver(batch[0]!), ["delivered"]);
  });

  await test.step("rights and passwords that are taken away pause, and are named by the probe", async () => {
    await database.sql(`create user gateway identified by 'first-password';
      grant select on ${database.name}.webhook_events to gateway`);
    await using limited = await mysqlOutput(database, {}, { user: "gateway", password: "first-password" });
    const event = verifiedEvent();
    const [refused] = await limited.deliver(event);
    assertStringIncludes(assertFailed(refused, "output_unavailable").message, "grant INSERT and SELECT");
    await assertRejects(() => limited.probe(), DeliveryError, "1142");
    assertStringIncludes((await limited.inspect())[0] ?? "", "grant INSERT and SELECT");
    await database.sql(`grant insert on ${database.name}.webhook_events to gateway`);
    await limited.probe();
    assertEquals(await limited.deliver(event), ["delivered"]);
    await database.sql("alter user gateway identified by 'second-password'");
    await server.cutConnections();
    const [unknown] = await limited.deliver(verifiedEvent());
    assertFailed(unknown, "output_unavailable");
    await assertRejects(() => limited.probe(), DeliveryError);
    await database.sql("alter user gateway identified by 'first-password'");
    await deliverInTheEnd(limited, verifiedEvent());
    await database.sql("set global read_only = 1");
    await assertRejects(() => limited.probe(), DeliveryError, "read-only");
    assertStringIncludes(
      assertFailed((await limited.deliver(verifiedEvent()))[0], "output_unavailable").message,
      "read-only",
    );
    await database.sql("set global read_only = 0");
    await deliverInTheEnd(limited, verifiedEvent());
  });
});

Deno.test("mysql wants the server's certificate, shows its own, and logs in by password", async () => {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1");
  await certificates.issue("gateway", "DNS:client");
  await using server = await MariadbServer.start({ tls: { certificates, name: "server" } });
  await using database = await server.createDatabase();
  await database.sql(`${TABLE}; create user gateway identified by 'first-password' require x509;
    grant insert, select on ${database.name}.* to gateway`);
  const files = { ssl_cert: certificates.certificateOf("gateway"), ssl_key: certificates.keyOf("gateway") };
  const open = (connection: object) =>
    mysqlOutput(database, {}, { user: "gateway", password: "first-password", ...connection });
  const ssl = { ssl: true, ssl_ca_cert: certificates.ca, ...files };
  await using output = await open(ssl);
  assertEquals(await output.deliver(verifiedEvent()), ["delivered"]);
  const failures: readonly (readonly [connection: object, reason: string])[] = [
    [{ ssl: true, ...files }, "SELF_SIGNED_CERT_IN_CHAIN"],
    [{ ssl: true, ssl_ca_cert: certificates.ca }, "1045"],
    [{}, "1045"],
    [{ ...ssl, password: "second-password" }, "1045"],
    [{ ...ssl, password: "" }, "1045"],
    [{ ...ssl, database: "missing" }, "1044"],
    [{ ...ssl, host: "localhost" }, "ERR_TLS_CERT_ALTNAME_INVALID"],
    [{ tls: { ca: certificates.ca, servername: "db.internal" } }, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ];
  for (const [connection, reason] of failures) {
    await using failing = await open(connection);
    const error = assertFailed((await failing.deliver(verifiedEvent()))[0], "output_unavailable");
    assertStringIncludes(error.message, reason);
    assert(!Deno.inspect(error, { depth: 20 }).includes("-password"), "the password is shown");
  }
  await server.sql("alter user gateway identified by 'second-password'");
  await using changed = await open({ ...ssl, password: "second-password" });
  assertEquals(await changed.deliver(verifiedEvent()), ["delivered"]);
});
