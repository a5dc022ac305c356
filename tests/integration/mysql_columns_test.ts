/** Tables of all kinds in MariaDB: each is filled rightly, or refused when the webhook is configured. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import type { MariadbDatabase } from "../support/mariadb/access.ts";
import { mysqlOutput } from "../support/mariadb/output.ts";
import { sharedMariadb } from "../support/mariadb/shared.ts";
import { verifiedEvent } from "../support/verified_event.ts";

async function createDatabase(): Promise<MariadbDatabase> {
  return await (await sharedMariadb()).createDatabase();
}

function codesOf(results: readonly DeliveryResult[]): readonly string[] {
  return results.map((result) => result instanceof DeliveryError ? result.code : result);
}

const FIELDS = {
  number: { column: "order number", json_pointer: "/order/number", type: "integer" },
  placed: { json_pointer: "/order/placed", type: "datetime", default: "CURRENT_TIMESTAMP" },
  paid: { type: "boolean", default: false },
  lines: { json_pointer: "/order/lines", type: "json" },
  note: { json_pointer: "/order/a~1b" },
};

Deno.test("mysql makes the table when asked, and fills it as the command line of MariaDB shows", async () => {
  await using database = await createDatabase();
  await using output = await mysqlOutput(database, {
    table: "odd `name`; drop table x -- '\"",
    storage_mode: "hybrid",
    schema: { fields: FIELDS, indexes: { "by `number`": { columns: ["order number", "note"] } } },
    create_table: true,
  });
  assertEquals(await output.inspect(), []);
  const event = verifiedEvent({
    body:
      `{"order":{"number":9007199254740993,"placed":"2026-01-02T03:04:05.125+02:00","lines":[1.0,1e2,"a"],"a/b":"it's; \\"x\\" 😀"},"paid":true}`,
  });
  const bare = verifiedEvent({ body: "{}" });
  assertEquals(await output.deliver(event, bare), ["delivered", "delivered"]);
  const rows = await database.sql(
    `select event_id, webhook_id, namespace, \`order number\`, placed, paid, \`lines\`, note,
      json_valid(payload), payload = '${event.body.text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'
    from \`odd \`\`name\`\`; drop table x -- '"\` order by paid desc`,
  );
  const received = new Date(bare.receivedAt).toISOString().replace("T", " ").replace("Z", "000");
  const shown = [`[1.0,1e2,"a"]`, `it's; "x" 😀`, "1", "1"];
  assertEquals(rows, [
    [event.id, "orders", "default", "9007199254740993", "2026-01-02 01:04:05.125000", "1", ...shown],
    [bare.id, "orders", "default", "NULL", received, "0", "NULL", "NULL", "1", "0"],
  ]);
});

Deno.test("mysql fills the tables of the Python service, and knows a repeat by its UUID", async () => {
  await using database = await createDatabase();
  await database.sql(
    `create table webhook_events (id char(36) primary key default uuid(), webhook_id text not null,
    timestamp datetime default current_timestamp, payload json not null, headers json,
    created_at datetime default current_timestamp)`,
  );
  await using output = await mysqlOutput(database, {});
  const event = verifiedEvent({ headers: { "x-shop": "1", authorization: "Bearer abc" } });
  const other = verifiedEvent();
  assertEquals(await output.deliver(event, event), ["delivered", "delivered"]);
  assertEquals(await output.deliver(other, event), ["delivered", "delivered"]);
  const [first, ...more] = await database.sql(
    "select webhook_id, timestamp, payload, headers from webhook_events order by headers like '%shop%' desc",
  );
  assertEquals(first, [
    "orders",
    new Date(event.receivedAt).toISOString().slice(0, 19).replace("T", " "),
    event.body.text,
    '{"authorization":"[REDACTED]","x-shop":"1"}',
  ]);
  assertEquals(more.length, 1);
});

Deno.test("mysql knows a repeat by each kind of id, and no other row for one", async () => {
  await using database = await createDatabase();
  const [plain, uuid] = [verifiedEvent(), verifiedEvent()];
  const ids = ["varchar(64)", "varbinary(64)", "char(36)", "binary(16)", "uuid"];
  for (const [index, type] of ids.entries()) {
    await database.sql(`create table t${index} (ID ${type} primary key, Payload text, code int unique)`);
    await using output = await mysqlOutput(database, {
      table: `t${index}`,
      storage_mode: "hybrid",
      schema: { fields: { code: { type: "int" } } },
    });
    assertEquals(await output.deliver(plain, uuid), ["delivered", "delivered"]);
    assertEquals(await output.deliver(uuid, verifiedEvent(), plain), ["delivered", "delivered", "delivered"]);
    const taken = verifiedEvent({ body: '{"code":7}' });
    const same = verifiedEvent({ body: '{"code":7}' });
    const results = await output.deliver(taken, uuid, same);
    assertEquals(codesOf(results).toSorted(), ["delivered", "delivered", "output_rejected"]);
    assertEquals(await database.sql(`select count(*) from t${index}`), [["4"]]);
  }
});

/** Values, and what a column of a type shows of them; `undefined`: the event is a dead letter. */
const VALUES: Readonly<Record<string, readonly (readonly [json: string, shown: string | undefined])[]>> = {
  "varchar(3)": [['"abc"', "abc"], ['"abcd"', undefined], ['"abc  "', undefined], ['"😀😀😀"', "😀😀😀"], [
    "1.5",
    "1.5",
  ]],
  tinytext: [[`"${"a".repeat(255)}"`, "a".repeat(255)], [`"${"a".repeat(255)} "`, undefined]],
  "varchar(9) character set latin1": [['"Zoë"', "Zoë"], ['"漢"', undefined]],
  "varchar(9) character set utf8mb3": [['"漢"', "漢"], ['"😀"', undefined]],
  "varchar(9)": [['"\\u0000a"', "\\0a"], ['"\\ud800"', undefined], ["true", "true"]],
  int: [
    ["1.0", "1"],
    ["1e2", "100"],
    ["1.5", undefined],
    ["2147483648", undefined],
    ['"7"', "7"],
    [
      '""',
      undefined,
    ],
    ["5e-0001", undefined],
    ["10e-0001", "1"],
    ['"e5"', undefined],
  ],
  "int unsigned": [["-1", undefined], ["4294967295", "4294967295"]],
  bigint: [["9.007199254740993e15", "9007199254740993"], ["-9223372036854775808", "-9223372036854775808"], [
    "1e30",
    undefined,
  ]],
  boolean: [["true", "1"], ["false", "0"], ['"yes"', undefined]],
  "bit(1)": [["true", "1"], ["0", "0"], ["2", undefined], ['"1"', "1"], ['"a"', undefined]],
  "decimal(10,2)": [["12345678.90", "12345678.90"], ["19.990000000000002", "19.99"], [
    "123456789",
    undefined,
  ]],
  double: [["1e400", undefined], ["-0.25", "-0.25"]],
  datetime: [
    ['"2026-03-01T00:30:00+01:00"', "2026-02-28 23:30:00"],
    ['"2026-01-02T03:04:05Z"', "2026-01-02 03:04:05"],
    ['"2026-01-02 03:04:05"', "2026-01-02 03:04:05"],
    ['"2026-02-30T00:00:00Z"', undefined],
    ['"0000-00-00"', undefined],
    ['"soon"', undefined],
    // A number of seconds, which would be the last day of 2010, and a time of day, which would be a day.
    ["1012312359", undefined],
    ['"10:11:12"', undefined],
    ['"26-01-02"', undefined],
    ["20260102030405", "2026-01-02 03:04:05"],
  ],
  year: [["2026", "2026"], ['"2026"', "2026"], ["2.026e3", "2026"], ['"70"', undefined], ["5", undefined], [
    "2026.5",
    undefined,
  ]],
  "timestamp(6) null": [['"2026-01-02T03:04:05.123456-05:30"', "2026-01-02 08:34:05.123456"], [
    '"2039-01-02T03:04:05Z"',
    undefined,
  ]],
  date: [['"2026-01-02T23:04:05-05:00"', "2026-01-02"], ['"2026-01-02"', "2026-01-02"], [
    "20260102",
    "2026-01-02",
  ], [
    "260102",
    undefined,
  ]],
  "time(3)": [['"2026-01-02T03:04:05.5Z"', "03:04:05.500"], ['"03:04:05Z"', "03:04:05.000"], [
    "130",
    undefined,
  ], [
    '"45.5"',
    undefined,
  ]],
  "enum('a','1')": [['"a"', "a"], ["1", "1"], ['"2"', undefined], ['"b"', undefined]],
  "set('x','y')": [['"x,y"', "x,y"], ["3", undefined], ['"z"', undefined]],
  json: [['"a"', '"a"'], ["[1.0]", "[1.0]"], ["12345678901234567890", "12345678901234567890"], [
    "null",
    "NULL",
  ]],
  "varbinary(4)": [['"ë"', "ë"], ['"abcde"', undefined]],
};

Deno.test("mysql stores a value as it is or not at all, whatever sql_mode the server has", async () => {
  await using database = await createDatabase();
  const [[mode = ""] = []] = await database.sql("select @@global.sql_mode");
  await database.sql("set global sql_mode = '', global time_zone = '-08:00'");
  await using _restored = {
    [Symbol.asyncDispose]: async () =>
      void await database.sql(`set global sql_mode = '${mode}', global time_zone = 'SYSTEM'`),
  };
  for (const [index, [type, cases]] of Object.entries(VALUES).entries()) {
    await database.sql(`create table t${index} (place int primary key, event_id varchar(64) unique, v ${type})
      character set utf8mb4`);
    await using output = await mysqlOutput(database, {
      table: `t${index}`,
      storage_mode: "relational",
      schema: { fields: { v: { type: type === "json" ? "json" : "string" }, place: { type: "int" } } },
    });
    const events = cases.map(([json], place) => verifiedEvent({ body: `{"v":${json},"place":${place}}` }));
    const results = await output.deliver(...events);
    const shown = type.startsWith("bit") ? "v + 0" : "v";
    const stored = new Map(
      (await database.sql(`set time_zone = '+00:00'; select place, ${shown} from t${index}`)).map((
        [place, v],
      ) => [Number(place), v]),
    );
    const found = cases.map(([json], place) => [json, stored.get(place)]);
    assertEquals(found, cases.map(([json, v]) => [json, v]), type);
    assertEquals(
      codesOf(results),
      cases.map(([, v]) => v === undefined ? "output_rejected" : "delivered"),
      type,
    );
  }
});

Deno.test("mysql gives each value that can never be stored its own end, and stores the others", async () => {
  await using database = await createDatabase();
  await database.sql(
    "create table webhook_events (id varchar(64) primary key, payload json, short varchar(3))",
  );
  await using output = await mysqlOutput(database, {
    storage_mode: "hybrid",
    schema: { fields: { short: {} } },
  });
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
  const bodies = [
    '{"n":1}',
    "not JSON",
    '{"short":"wxyz"}',
    '{"short":"abc"}',
    "[]",
    nested(31),
    nested(40),
    '"\\u0000"',
  ];
  const many = Array.from({ length: 190 }, () => verifiedEvent());
  const events = bodies.map((body) => verifiedEvent({ body }));
  const bytes = verifiedEvent({ body: new Uint8Array([0xff, 0x22]) });
  const results = await output.deliver(...events, bytes, ...many);
  const [good, bad] = ["delivered", "output_rejected"];
  assertEquals(codesOf(results.slice(0, 9)), [good, bad, bad, good, good, good, bad, good, bad]);
  assertEquals(new Set(results.slice(9)), new Set<DeliveryResult>(["delivered"]));
  assertEquals(await database.sql("select count(*) from webhook_events"), [["195"]]);
  assertStringIncludes(String(results[2]), "1406");
  assert(results.every((result) => !String(result).includes("wxyz")), "what a row holds is shown");
});

Deno.test("mysql replaces rows with upsert, the last of a batch in the end, and no other row", async () => {
  await using database = await createDatabase();
  await database.sql(
    `create table stock (sku varchar(9) unique, amount int, email varchar(9) unique, id varchar(64),
    event_id varchar(64))`,
  );
  await using output = await mysqlOutput(database, {
    table: `${database.name}.stock`,
    storage_mode: "relational",
    schema: { fields: { sku: {}, amount: { type: "int" }, email: {} } },
    upsert: true,
    upsert_key: "sku",
  });
  const events = [["a", 1], ["b", 5], ["A", 2]].map(([sku, amount]) =>
    verifiedEvent({ body: JSON.stringify({ sku, amount, email: sku }) })
  );
  assertEquals(await output.deliver(...events), ["delivered", "delivered", "delivered"]);
  const last = verifiedEvent({ body: '{"sku":"b","amount":"6","email":"b"}' });
  const thief = verifiedEvent({ body: '{"sku":"c","amount":"7","email":"b"}' });
  assertEquals(codesOf(await output.deliver(thief, last)), ["output_rejected", "delivered"]);
  assertEquals(await database.sql("select sku, amount, email, id, event_id from stock order by sku"), [
    ["a", "2", "A", events[0]!.id, events[2]!.id],
    ["b", "6", "b", events[1]!.id, last.id],
  ]);
});

Deno.test("mysql says of tables that it cannot fill what is missing", async () => {
  await using database = await createDatabase();
  await database.sql(`create table no_payload (id varchar(64));
    create table strict (payload json, reason text not null);
    create table no_key (payload json, twice int as (1));
    create view summed as select count(*) as payload from no_key`);
  const inspect = async (config: object) => {
    await using output = await mysqlOutput(database, config);
    return await output.inspect();
  };
  assertEquals(await inspect({ table: "missing" }), [
    "Table `missing` does not exist: create it, or set create_table",
  ]);
  assertEquals(await inspect({ table: "missing", create_table: true }), []);
  assertEquals(await inspect({ table: "no_payload" }), [
    "Table `no_payload` has no column 'payload' of JSON, text or bytes",
  ]);
  assertEquals(await inspect({ table: "strict" }), [
    "Column 'reason' of `strict` takes no NULL and has no default, and no event has a value for it",
  ]);
  const fields = { sku: {}, twice: {} };
  assertEquals(
    await inspect({
      table: "no_key",
      storage_mode: "hybrid",
      schema: { fields },
      upsert: true,
      upsert_key: "sku",
    }),
    [
      "Table `no_key` has no column 'sku'",
      "Column 'twice' of `no_key` is computed by the server",
      "Column 'sku' of `no_key` has no unique index of its own",
    ],
  );
  assertStringIncludes(
    (await inspect({ table: "summed", storage_mode: "relational", schema: { fields: { payload: {} } } }))[
      0
    ] ?? "",
    "the view takes no rows",
  );
  assertEquals(await inspect({ table: "no_key" }), []);
  await using output = await mysqlOutput(database, { table: "no_key" });
  assertEquals(await output.notices(), [
    "Table `no_key` has no unique index on id or event_id: an event that is sent again is another row",
  ]);
});
