import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { configureSync, resetSync } from "@logtape/logtape";
import { eventually } from "../../../support/eventually.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { fieldsOf, read, reasonOf, standIn, VaultWorld } from "../../../support/vault/vault_world.ts";

const HOUR = 3600;
const LOGIN = /^auth\/approle\/login$/;
const REFUSED = { status: 400, body: '{"errors":["invalid role or secret ID"]}' };

async function start(): Promise<VaultWorld> {
  const world = await VaultWorld.start(() => standIn("vault"));
  await world.admin.write2("kv2", "hook", { a: "1" });
  return world;
}

Deno.test("vault source says a day before that a given token ends, and not earlier", async () => {
  await using world = await start();
  const token = await world.admin.createToken({ policies: ["reader"], ttl: "48h", renewable: false });
  const source = await world.open({ login: { method: "token", token: { value: token } } });
  const ends = world.backend.clock.now() + 48 * HOUR * 1000;
  assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  assertEquals(source.status(), { state: "working", since: ends - 48 * HOUR * 1000, tokenExpiresAt: ends });
  await world.backend.pass(23 * HOUR);
  assertEquals(source.status().state, "working");
  await world.backend.pass(2 * HOUR);
  assertEquals(source.status().state, "token_ending");
});

Deno.test("vault source leaves a token in a file to its keeper, until the last tenth of its life", async () => {
  await using world = await start();
  await using directory = await TempDir.create();
  const newToken = () => world.admin.createToken({ policies: ["reader"], ttl: "1h", renewable: false });
  const file = await directory.writeText("sink", await newToken());
  const source = await world.open({ login: { method: "token", token: { file } } });
  assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  await world.backend.pass(0.89 * HOUR);
  assertEquals(source.status().state, "working");
  await world.backend.pass(0.02 * HOUR);
  assertEquals(source.status().state, "token_ending");
  await directory.writeText("sink", await newToken());
  assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  assertEquals(source.status().state, "working");
});

Deno.test("vault source sends a refused credential again after five minutes, for roles made late", async () => {
  await using world = await start();
  const source = await world.open({ login: (await world.role()).login });
  world.front.answerNext(LOGIN, REFUSED);
  await reasonOf(source, "hook", "unavailable");
  await world.backend.pass(4 * 60);
  await reasonOf(source, "hook", "unavailable");
  assertEquals(world.front.seen(LOGIN).length, 1);
  await world.backend.pass(61);
  assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  assertEquals(world.front.seen(LOGIN).length, 2);
});

Deno.test("vault source logs in less and less often while fresh tokens are refused as well", async () => {
  await using world = await start();
  const source = await world.open({ login: (await world.role()).login });
  using _rule = world.front.answer(/^kv2\/data\//, { status: 403, body: '{"errors":["permission denied"]}' });
  for (let minute = 0; minute < 60; minute++) {
    await reasonOf(source, "hook", "unavailable");
    await world.backend.pass(60);
  }
  const logins = world.front.seen(LOGIN).length;
  assert(logins >= 5 && logins <= 20, `${logins} logins in an hour`);
});

Deno.test("vault source waits longer from rate limit to rate limit", async () => {
  await using world = await start();
  const source = await world.open({ timeoutMs: 60_000 });
  assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  const limit = { status: 429, body: '{"errors":["rate limit quota exceeded"]}' };
  world.front.answerNext(/^kv2\/data\//, limit, limit);
  const reading = fieldsOf(source, "hook");
  await world.backend.passAwaited(2);
  await eventually(() => world.front.seen(/^kv2\/data\//).length === 3);
  await world.backend.passAwaited(4);
  assertEquals(await reading, { a: "1" });
});

Deno.test("vault source waits once for reads that are limited together", async () => {
  await using world = await start();
  const source = await world.open();
  assertEquals(await fieldsOf(source, "hook"), { a: "1" });
  const limit = { status: 429, body: '{"errors":["rate limit quota exceeded"]}' };
  const { promise: all, resolve } = Promise.withResolvers<void>();
  world.front.answerNext(/^kv2\/data\//, ...Array(4).fill({ ...limit, after: all }));
  const readings = [1, 2, 3, 4].map(() => fieldsOf(source, "hook"));
  await eventually(() => world.front.seen(/^kv2\/data\//).length === 5);
  resolve();
  await world.backend.passAwaited(2);
  // Whoever had not begun to wait when the clock was turned waits no more.
  for (const fields of await Promise.all(readings)) assertEquals(fields, { a: "1" });
});

Deno.test("vault source answers reads that would have to wait too long for the rate limit at once", async () => {
  await using world = await start();
  const source = await world.open();
  world.front.answerNext(/^kv2\/data\//, {
    status: 429,
    headers: { "retry-after": "50" },
    body: '{"errors":[]}',
  });
  assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "429");
  assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "limits the rate");
  assertEquals(world.front.seen(/^kv2\/data\//).length, 1);
});

Deno.test("vault source does not read answers without end", async () => {
  await using world = await start();
  const source = await world.open();
  world.front.answerNext(
    /^kv2\/data\//,
    ...Array(3).fill({ status: 200, body: "x".repeat(5 * 1024 * 1024) }),
  );
  assertStringIncludes(await reasonOf(source, "hook", "unavailable"), "longer than");
});

Deno.test("vault source logs that it fails and that it works again, once each and without secrets", async () => {
  const lines: string[] = [];
  configureSync({
    sinks: {
      lines: (record) =>
        lines.push(`${record.level} ${record.rawMessage} ${JSON.stringify(record.properties)}`),
    },
    loggers: [{ category: ["cwm"], sinks: ["lines"], lowestLevel: "debug" }, {
      category: ["logtape", "meta"],
    }],
  });
  try {
    await using world = await start();
    const role = await world.role();
    const source = await world.open({ login: role.login });
    {
      using _rule = world.front.answer(/^kv2\/data\//, {
        status: 503,
        body: '{"errors":["Vault is sealed"]}',
      });
      for (let attempt = 0; attempt < 3; attempt++) await read(source, "hook");
    }
    await fieldsOf(source, "hook");
    assertEquals(lines.map((line) => line.split(" ", 1)[0]), ["info", "warning", "info"]);
    assertStringIncludes(lines.join("\n"), "Vault is sealed");
    const tokens = world.front.requests.map(({ headers }) =>
      String(headers["x-vault-token"] ?? role.secretId)
    );
    for (const secret of [role.secretId, role.roleId, ...tokens]) assert(!lines.join("\n").includes(secret));
  } finally {
    resetSync();
  }
});
