/** Tables of all kinds: each is filled rightly, or refused when the webhook is configured. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { postgresqlOutput } from "../support/postgres/output.ts";
import { pathOf } from "../support/postgres/programs.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import type { TestDatabase } from "../support/postgres/access.ts";
import { verifiedEvent } from "../support/verified_event.ts";

async function createDatabase(): Promise<TestDatabase> {
  return await (await sharedPostgres()).createDatabase();
}

const FIELDS = {
  number: { column: "order number", json_pointer: "/order/number", type: "integer" },
  placed: { json_pointer: "/order/placed", type: "datetime", default: "CURRENT_TIMESTAMP" },
  paid: { type: "boolean", default: false },
  lines: { json_pointer: "/order/lines", type: "json" },
  note: { json_pointer: "/order/a~1b" },
};

Deno.test("postgresql makes the table when asked, and fills it as psql shows", async () => {
  await using database = await createDatabase();
  await using output = await postgresqlOutput(database, {
    table: `odd "name"; drop table x`,
    storage_mode: "hybrid",
    schema: { fields: FIELDS, indexes: { by_number: { columns: ["order number"] } } },
    create_table: true,
  });
  const event = verifiedEvent({
    body:
      `{"order":{"number":9007199254740993,"placed":"2026-01-02T03:04:05+02:00","lines":[1.0,1e2],"a/b":"it's; \\"x\\""},"paid":true}`,
  });
  assertEquals(await output.deliver(event), ["delivered"]);
  const bare = verifiedEvent({ body: "{}" });
  assertEquals(await output.deliver(bare), ["delivered"]);
  const sql =
    `select event_id, webhook_id, namespace, "order number", extract(epoch from placed), paid, lines::text,
    note, payload->'order'->>'number', jsonb_typeof(payload) from "odd ""name""; drop table x" order by paid desc`;
  const { success, stdout } = await new Deno.Command(await pathOf("psql"), {
    args: ["-d", database.url, "-Atc", sql],
    env: { LC_ALL: "C.UTF-8" },
    stdin: "null",
  }).output();
  assert(success);
  const [first, second] = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals(
    first,
    `${event.id}|orders|default|9007199254740993|1767315845.000000|t|[1.0, 100]|it's; "x"|9007199254740993|object`,
  );
  assertEquals(second, `${bare.id}|orders|default||${bare.receivedAt / 1000}000|f||||object`);
});

Deno.test("postgresql fills the tables of the Python service, and knows a repeat by its UUID", async () => {
  await using database = await createDatabase();
  await database.query(`create table webhook_events (id uuid primary key default gen_random_uuid(),
    webhook_id text not null, timestamp timestamptz default now(), payload jsonb not null, headers jsonb,
    created_at timestamptz default now())`);
  await using output = await postgresqlOutput(database, {});
  const event = verifiedEvent({ headers: { "x-shop": "1", authorization: "Bearer abc" } });
  assertEquals(await output.deliver(event, event), ["delivered", "delivered"]);
  assertEquals(await output.deliver(event), ["delivered"]);
  const rows = await database.query("select webhook_id, timestamp, payload, headers from webhook_events");
  assertEquals(rows, [{
    webhook_id: "orders",
    timestamp: new Date(event.receivedAt),
    payload: { order: 1 },
    headers: { "x-shop": "1", authorization: "[REDACTED]" },
  }]);
});

Deno.test("postgresql gives each value that can never be stored its own end, and stores the others", async () => {
  await using database = await createDatabase();
  await database.query("create table webhook_events (id text primary key, payload jsonb, short varchar(3))");
  await using output = await postgresqlOutput(database, {
    storage_mode: "hybrid",
    schema: { fields: { short: {} } },
  });
  const bodies = [
    '{"n":1}',
    '{"n":"\\u0000"}',
    '{"short":"wxyz"}',
    '{"n":1e999999}',
    "not JSON",
    '{"short":"abc"}',
    '{"n":"\\ud800"}',
    "[]",
    '{"short":"\\ud800"}',
  ];
  const events = bodies.map((body) => verifiedEvent({ body }));
  const results = await output.deliver(...events, verifiedEvent({ body: new Uint8Array([0xff, 0x22]) }));
  const outcomes = results.map((result) => result instanceof DeliveryError ? result.code : result);
  const [good, bad] = ["delivered", "output_rejected"];
  assertEquals(outcomes, [good, bad, bad, bad, bad, good, bad, good, bad, bad]);
  const stored = await database.query("select id from webhook_events");
  assertEquals(
    stored.map(({ id }) => id).toSorted(),
    [0, 5, 7].map((index) => events[index]!.id).toSorted(),
  );
  assertStringIncludes(String(results[2]), "22001");
  assert(results.every((result) => !String(result).includes("wxyz")), "what a row holds is shown");
});

/** Values of the payload by the type of their column, and what psql shows of them; `undefined`: refused. */
const VALUES: Readonly<Record<string, readonly (readonly [json: string, shown: string | undefined])[]>> = {
  bigint: [
    ["1.0", "1"],
    ["1e2", "100"],
    ["-0", "0"],
    ["9.007199254740993e15", "9007199254740993"],
    ["1.5", undefined],
    [
      '"7"',
      "7",
    ],
    ["1e30", undefined],
    ['"e5"', undefined],
    ['"."', undefined],
    ["true", undefined],
  ],
  smallint: [["32767.000", "32767"], ["32768", undefined]],
  numeric: [["1e2", "100"], ["0.10", "0.10"]],
  boolean: [["true", "t"], ["0", "f"]],
  timestamp: [['"2026-03-01T00:30:00+01:00"', "2026-02-28 23:30:00"], [
    '"2026-01-02 03:04:05"',
    "2026-01-02 03:04:05",
  ], [
    '"2026-02-30T00:00:00Z"',
    undefined,
  ]],
  time: [['"2026-01-02T03:04:05.5Z"', "03:04:05.5"], ['"03:04:05Z"', "03:04:05"], ["130", undefined]],
  "varchar(3)": [['"abc"', "abc"], ['"abc  "', undefined], ['"abcd"', undefined], ['"😀😀😀"', "😀😀😀"]],
  code: [['"ab"', "ab"], ['"ab "', undefined]],
};

Deno.test("postgresql stores a value as it is or not at all, whole numbers however JSON writes them", async () => {
  await using database = await createDatabase();
  await database.query("create domain code as varchar(2)");
  for (const [index, [type, cases]] of Object.entries(VALUES).entries()) {
    await database.query(`create table t${index} (place int primary key, event_id text unique, v ${type})`);
    await using output = await postgresqlOutput(database, {
      table: `t${index}`,
      storage_mode: "relational",
      schema: { fields: { v: {}, place: { type: "int" } } },
    });
    const events = cases.map(([json], place) => verifiedEvent({ body: `{"v":${json},"place":${place}}` }));
    const results = await output.deliver(...events);
    const rows = await database.query(`select place, v::text as v from t${index}`);
    const stored = new Map(rows.map(({ place, v }) => [place, v]));
    const shown = (v: unknown) => type === "boolean" && v !== undefined ? String(v)[0] : v;
    assertEquals(
      cases.map(([json], place) => [json, shown(stored.get(place))]),
      cases.map((one) => [...one]),
      type,
    );
    assertEquals(
      results.map((result) => result instanceof DeliveryError ? result.code : result),
      cases.map(([, v]) => v === undefined ? "output_rejected" : "delivered"),
      type,
    );
  }
});

Deno.test("postgresql tries a row again that a trigger refused with a code of its own, and no other", async () => {
  await using database = await createDatabase();
  await database.query("create table webhook_events (id text primary key, payload jsonb)");
  await database.query(`create function refuse() returns trigger language plpgsql as $$
    begin
      if new.payload ? 'refused' then raise exception 'not now' using errcode = 'U0001'; end if;
      return new;
    end $$`);
  await database.query(
    "create trigger refuse before insert on webhook_events for each row execute function refuse()",
  );
  await using output = await postgresqlOutput(database, {});
  const events = ["{}", "{}", '{"refused":1}', "{}", "{}"].map((body) => verifiedEvent({ body }));
  const results = await output.deliver(...events);
  assertEquals(results.map((result) => result instanceof DeliveryError ? result.code : result), [
    ...["delivered", "delivered"],
    "output_failed",
    ...["delivered", "delivered"],
  ]);
  assertStringIncludes(String(results[2]), "U0001");
});

Deno.test("postgresql replaces rows with upsert, the last of a batch in the end", async () => {
  await using database = await createDatabase();
  await database.query("create table stock (sku text unique, amount int, id text, event_id text)");
  await using output = await postgresqlOutput(database, {
    table: "public.stock",
    storage_mode: "relational",
    schema: { fields: { sku: {}, amount: { type: "int" } } },
    upsert: true,
    upsert_key: "sku",
  });
  const events = [["a", 1], ["b", 5], ["a", 2]].map(([sku, amount]) =>
    verifiedEvent({ body: JSON.stringify({ sku, amount }) })
  );
  assertEquals(await output.deliver(...events), ["delivered", "delivered", "delivered"]);
  const last = verifiedEvent({ body: '{"sku":"b","amount":"6"}' });
  assertEquals(await output.deliver(last), ["delivered"]);
  assertEquals(await database.query("select sku, amount, event_id from stock order by sku"), [
    { sku: "a", amount: 2, event_id: events[2]!.id },
    { sku: "b", amount: 6, event_id: last.id },
  ]);
});

Deno.test("postgresql upserts rows whose keys only the server knows to be the same, the last one wins", async () => {
  await using database = await createDatabase();
  await database.query("create table parcels (number uuid primary key, state text, weight int)");
  await using output = await postgresqlOutput(database, {
    table: "parcels",
    storage_mode: "relational",
    schema: { fields: { number: {}, state: {}, weight: { type: "int" } } },
    upsert: true,
    upsert_key: "number",
  });
  const [one, other] = ["b5c1d2e3-0000-4000-8000-00000000000f", "a5c1d2e3-0000-4000-8000-00000000000f"];
  const bodies = [
    [one, "packed"],
    [one.toUpperCase(), "sent"],
    [other.toUpperCase(), "packed"],
    [other, "sent"],
    [one, "lost", "heavy"],
    [`{${one}}`, "arrived"],
  ];
  const results = await output.deliver(
    ...bodies.map(([number, state, weight = 1]) =>
      verifiedEvent({ body: JSON.stringify({ number, state, weight }) })
    ),
  );
  assertEquals(results.map((result) => result === "delivered"), [true, true, true, true, false, true]);
  assertEquals(await database.query("select number, state from parcels order by number"), [
    { number: other, state: "sent" },
    { number: one, state: "arrived" },
  ]);
});

Deno.test("postgresql replaces rows in the order of the events, however their key is written", async () => {
  await using database = await createDatabase();
  await database.query("create table stock (number bigint unique, amount int, note text)");
  await using output = await postgresqlOutput(database, {
    table: "stock",
    storage_mode: "relational",
    schema: { fields: { number: {}, amount: { type: "int" }, note: {} } },
    upsert: true,
    upsert_key: "number",
  });
  const bodies = ['{"number":7,"amount":1}', '{"number":"07","amount":2}', '{"number":8,"note":"\\ud800"}'];
  const results = await output.deliver(...bodies.map((body) => verifiedEvent({ body })));
  assertEquals(results.slice(0, 2), ["delivered", "delivered"]);
  assertEquals(results[2] instanceof DeliveryError && results[2].code, "output_rejected");
  assertEquals(await database.query("select number, amount, note from stock"), [
    { number: "7", amount: 2, note: null },
  ]);
});

Deno.test("postgresql says of tables that it cannot fill what is missing", async () => {
  await using database = await createDatabase();
  await database.query("create table no_payload (id text)");
  await database.query("create table strict (payload json, reason text not null)");
  await database.query("create table no_key (payload json)");
  await database.query("create table with_headers (payload json, headers json not null)");
  const inspect = async (config: object) => {
    await using output = await postgresqlOutput(database, config);
    return await output.inspect();
  };
  assertEquals(await inspect({ table: "missing" }), [
    'Table "missing" does not exist: create it, or set create_table',
  ]);
  assertEquals(await inspect({ table: "missing", create_table: true }), []);
  assertEquals(await inspect({ table: "nowhere.table", create_table: true }), []);
  assertEquals(await inspect({ table: "with_headers" }), []);
  assertEquals(await inspect({ table: "with_headers", include_headers: false }), [
    `Column 'headers' of "with_headers" takes no NULL and has no default, and no event has a value for it`,
  ]);
  assertEquals(await inspect({ table: "no_payload" }), [
    `Table "no_payload" has no column 'payload' of JSON, text or bytes`,
  ]);
  assertEquals(await inspect({ table: "strict" }), [
    `Column 'reason' of "strict" takes no NULL and has no default, and no event has a value for it`,
  ]);
  assertEquals(
    await inspect({
      table: "no_key",
      storage_mode: "hybrid",
      schema: { fields: { sku: {} } },
      upsert: true,
      upsert_key: "sku",
    }),
    [`Table "no_key" has no column 'sku'`, `Column 'sku' of "no_key" has no unique index of its own`],
  );
  assertEquals(await inspect({ table: "no_key" }), []);
  await using output = await postgresqlOutput(database, { table: "no_key" });
  assertEquals(await output.notices(), [
    'Table "no_key" has no unique index on id or event_id: an event that is sent again is another row',
  ]);
});
