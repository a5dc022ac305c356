import { assert, assertEquals, assertInstanceOf, assertNotMatch, assertRejects } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import { EventBody } from "../../../../src/event/event.ts";
import { formatEvent, MAX_EVENT_CHARACTERS } from "../../../../src/modules/log/format.ts";
import { logModule } from "../../../../src/modules/log/log.ts";
import type { Output } from "../../../../src/modules/module.ts";
import { fileLineWriter } from "../../../support/file_line_writer.ts";
import type { LineWriter } from "../../../../src/io/line_writer.ts";
import { logger } from "../../../../src/observability/logging.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { type EventParts, verifiedEvent } from "../../../support/verified_event.ts";

type Config = ReturnType<typeof logModule.configSchema.parse>;

const DEFAULTS: Config = logModule.configSchema.parse({});
const ATTEMPT = { number: 1, signal: new AbortController().signal };

function format(parts: EventParts, config: Partial<Config> = {}): string {
  return formatEvent(verifiedEvent(parts), { ...DEFAULTS, ...config });
}

/** The parsed line; fails when it is not exactly one line of safe JSON. */
function line(parts: EventParts, config: Partial<Config> = {}): Record<string, unknown> {
  const text = format(parts, config);
  assertNotMatch(text, /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/u);
  assert(text.length <= MAX_EVENT_CHARACTERS);
  return JSON.parse(text);
}

function open(lines: LineWriter): Promise<Output<Config>> {
  return logModule.open(undefined, { name: "log", logger: logger("modules"), lines });
}

Deno.test("log module writes id, time, names, headers and payload of an event as one line of JSON", () => {
  const body = '{"order":1,"total":1.10}';
  assertEquals(
    format({
      id: "id-1",
      namespace: "team-a",
      webhook: "orders",
      headers: { "X-B": "2", "X-A": 'a "1"' },
      body,
    }),
    '{"timestamp":"2026-01-02T03:04:05.678Z","level":"info","category":"cwm.event",' +
      '"event_id":"id-1","received_at":"2026-01-02T03:04:05.678Z","namespace":"team-a","webhook":"orders",' +
      `"headers":{"x-a":"a \\"1\\"","x-b":"2"},"payload":${body}}`,
  );
});

Deno.test("log module writes numbers and keys of the payload as they were sent", () => {
  for (
    const body of [
      '{"id":12345678901234567890,"price":1.10,"big":1e400}',
      '{"2":0,"1":0,"a":1,"a":2,"__proto__":3}',
      '{"token":"[REDACTED]","id":12345678901234567890}',
      "null",
      "0",
      '"text"',
    ]
  ) {
    assert(format({ body }).endsWith(`"payload":${body}}`));
  }
});

Deno.test("log module writes a payload of several lines on one", () => {
  assert(format({ body: '{\n\t"a": "b\\nc"\r\n}' }).endsWith('"payload":{  "a": "b\\nc"  }}'));
});

Deno.test("log module writes a body that is not JSON as a string", () => {
  assertEquals(line({ body: "a=1&b=2" })["payload"], "a=1&b=2");
  assertEquals(line({ body: "" })["payload"], "");
  assertEquals(line({ body: '{"broken":' })["payload"], '{"broken":');
  assertEquals(line({ body: new Uint8Array([0x61, 0xff, 0x62]) })["payload"], "a\ufffdb");
});

Deno.test("log module lets no payload or header forge a line or reach the terminal", () => {
  const evil = 'a"}\n{"event_id":"forged"}\r\x1b[2J\x7f\x9b1m\u2028\u2029\u202e\u2066\ufeff\0';
  assertEquals(line({ body: JSON.stringify({ [evil]: [evil] }) })["payload"], { [evil]: [evil] });
  assertEquals(line({ body: `{"a":"\u2028\x7f\x9b\u202e"}` })["payload"], { a: "\u2028\x7f\x9b\u202e" });
  // A text body is decoded as UTF-8, which takes a byte order mark away only at its beginning.
  assertEquals(line({ body: evil })["payload"], evil);
  assertEquals(line({ headers: { "x-evil": "\x9b31m \x7f\xad" } })["headers"], {
    "x-evil": "\x9b31m \x7f\xad",
  });
  line({ body: evil, id: evil, namespace: evil, webhook: evil });
});

Deno.test("log module keeps every value of a pretty printed payload within its quotes", () => {
  const evil = 'a"\n}\n{"event_id":"forged"';
  const text = format({ body: JSON.stringify({ evil, list: [evil] }) }, { pretty_print: true });
  assertEquals(JSON.parse(text).payload, { evil, list: [evil] });
  assertEquals(text.split("\n").filter((row) => row.startsWith("{")).length, 1);
});

Deno.test("log module pretty prints as JSON indented by two spaces", () => {
  const body = '{ "a": [1, {"b":"c,d:{}"}, {}, [ ]],\n"e": null }';
  const event = { id: "id", headers: { "x-a": "1" }, body };
  assertEquals(format(event, { pretty_print: true }), JSON.stringify(JSON.parse(format(event)), null, 2));
});

Deno.test("log module replaces credentials in headers and payload in every spelling", () => {
  const secret = "hunter2";
  const headers = {
    "Authorization": `Bearer ${secret}`,
    "Cookie": secret,
    "X-API-Key": secret,
    "X-Hub-Signature-256": secret,
    "X-Gitlab-Token": secret,
    "X-Harmless": "shown",
  };
  const bodies = [
    `{"password":"${secret}"}`,
    `{"p\\u0061ssword":"${secret}"}`,
    `{"PassWord":"${secret}"}`,
    `{"a":[[{"b":{"clientSecret":{"x":["${secret}"]}}}]]}`,
    `{"api-key":"${secret}","apiKey":"${secret}","api_key":"${secret}"}`,
    `{\n  "token" :\n  "${secret}"\n}`,
    `{"__proto__":{"token":"${secret}"}}`,
    `user=x&password=${secret}`,
    `user=x&p%61ssword=${secret}`,
    `{"token":"${secret}"}\n{"token":"${secret}"}\n`,
    `<a><password>${secret}</password></a>`,
    `{"token":"${secret}","long":"${"x".repeat(20_000)}"}`,
    `{"long":"${"x".repeat(9_000)}","t\\u006fken":"${secret.repeat(1_000)}"}`,
    `{"token":"${"x".repeat(20_000)}${secret}"}`,
    `user=x&p%61ssword=${secret}&${"x".repeat(20_000)}`,
  ];
  for (const body of bodies) {
    for (const pretty_print of [false, true]) {
      const text = format({ headers, body }, { pretty_print });
      assertNotMatch(text, new RegExp(secret));
      assertEquals(JSON.parse(text).headers["x-harmless"], "shown");
    }
  }
});

Deno.test("log module shows credentials when redaction is switched off", () => {
  const shown = line({ headers: { "authorization": "x" }, body: '{"password":"y"}' }, {
    redact_sensitive: false,
  });
  assertEquals(shown["headers"], { authorization: "x" });
  assertEquals(shown["payload"], { password: "y" });
});

for (
  const [name, body] of Object.entries({
    "a JSON object of 1 MB": JSON.stringify({ text: "x".repeat(1_000_000) }),
    "a JSON object of 1 MB with credentials": JSON.stringify({ token: "y", text: "x".repeat(1_000_000) }),
    "a JSON string of 9 MiB": `"${"x".repeat(9 * 1024 * 1024)}"`,
    "text of 1 MB": "x".repeat(1_000_000),
    "text of 1 MB that needs an escape for every character": "\x1b".repeat(1_000_000),
    "100,000 nested arrays": "[".repeat(100_000) + "]".repeat(100_000),
    "100,000 nested arrays below a credential": `{"a":1,"token":${"[".repeat(100_000)}${
      "]".repeat(100_000)
    },"b":2}`,
    "100,000 keys": JSON.stringify(
      Object.fromEntries(Array.from({ length: 100_000 }, (_, key) => [`key ${key}`, 1])),
    ),
    "emoji around the place of the cut": "👩".repeat(10_000),
  })
) {
  for (const pretty_print of [false, true]) {
    Deno.test(`log module cuts ${name} visibly ${pretty_print ? "when pretty printing" : "on its line"}`, () => {
      const text = format({ body }, { pretty_print });
      assert(text.length <= MAX_EVENT_CHARACTERS);
      assert(text.length > 1_000 || body.includes("token"));
      const { payload, truncated, bytes } = JSON.parse(text);
      assertEquals([typeof payload, truncated, bytes], [
        "string",
        true,
        new TextEncoder().encode(body).length,
      ]);
      assertEquals(payload.slice(0, 6), body.slice(0, 6));
    });
  }
}

Deno.test("log module says how long a body that was read as text is in characters", () => {
  const body = EventBody.fromText(JSON.stringify("é".repeat(20_000)));
  const event = { ...verifiedEvent({ body: "" }), body };
  const { truncated, characters } = JSON.parse(
    formatEvent(event, { pretty_print: false, redact_sensitive: true }),
  );
  assertEquals([truncated, characters], [true, 20_002]);
});

Deno.test("log module does not cut an event that just fits and cuts one that just does not", () => {
  const spare = MAX_EVENT_CHARACTERS - format({ id: "id", body: '""' }).length;
  const fitting = format({ id: "id", body: `"${"x".repeat(spare)}"` });
  assertEquals(fitting.length, MAX_EVENT_CHARACTERS);
  assertEquals(JSON.parse(fitting).truncated, undefined);
  assertEquals(line({ id: "id", body: `"${"x".repeat(spare + 1)}"` })["truncated"], true);
});

Deno.test("log module cuts nested arrays that grow too long by indentation", () => {
  const body = "[".repeat(2_000) + "]".repeat(2_000);
  assertEquals(line({ body })["truncated"], undefined);
  const text = format({ body }, { pretty_print: true });
  assert(text.length <= MAX_EVENT_CHARACTERS);
  assertEquals(JSON.parse(text).truncated, true);
});

Deno.test("log module counts headers that do not fit", () => {
  const headers = new Headers({ "a-first": "shown", "b-long": "x".repeat(60_000), "c-last": "shown" });
  const shown = line({ headers, body: "1" });
  assertEquals(shown["headers"], { "a-first": "shown", "c-last": "shown" });
  assertEquals([shown["headers_omitted"], shown["payload"]], [1, 1]);
  const many = new Headers(Array.from({ length: 500 }, (_, index) => [`x-${index}`, "\x9b"]));
  for (const pretty_print of [false, true]) {
    const text = format({ headers: many, body: "x".repeat(20_000) }, { pretty_print });
    assert(text.length <= MAX_EVENT_CHARACTERS);
    const { headers, headers_omitted } = JSON.parse(text);
    assertEquals(Object.keys(headers).length + headers_omitted, 500);
  }
});

Deno.test("log module remembers header names without redacting the wrong ones", () => {
  for (let index = 0; index < 3_000; index++) {
    const shown = line({ headers: { [`x-${index}`]: "shown", [`x-token-${index}`]: "hunter2" } });
    assertEquals(shown["headers"], { [`x-${index}`]: "shown", [`x-token-${index}`]: "[REDACTED]" });
  }
});

Deno.test("log module delivers many events at once, each on a line of its own and in order", async () => {
  await using dir = await TempDir.create();
  using file = await Deno.open(dir.file("out"), { write: true, create: true });
  await using lines = fileLineWriter(file);
  await using output = await open(lines);
  const events = Array.from({ length: 500 }, (_, index) => verifiedEvent({ body: String(index) }));
  const results = await Promise.all(
    events.map((event) => output.deliver([{ event, config: DEFAULTS }], ATTEMPT)),
  );
  assert(results.every(([result], _, { length }) => result === "delivered" && length === 500));
  const batch = events.slice(0, 3).map((event) => ({ event, config: DEFAULTS }));
  assertEquals(await output.deliver(batch, ATTEMPT), ["delivered", "delivered", "delivered"]);
  assertEquals(await output.deliver([], ATTEMPT), []);
  const written = (await Deno.readTextFile(dir.file("out"))).trimEnd().split("\n");
  assertEquals(
    written.map((text) => JSON.parse(text).payload),
    [...events.keys(), 0, 1, 2],
  );
});

Deno.test("log module fails with output_failed when the disk is full", async () => {
  using full = await Deno.open("/dev/full", { write: true });
  await using lines = fileLineWriter(full);
  await using output = await open(lines);
  const delivery = { event: verifiedEvent(), config: DEFAULTS };
  const error = await assertRejects(async () => await output.deliver([delivery], ATTEMPT), DeliveryError);
  assertEquals([error.code, error.disposition], ["output_failed", "retry"]);
  assertInstanceOf(error.cause, Error);
  const results = await output.deliver([delivery, delivery], ATTEMPT);
  assertEquals(results.map((result) => (result as DeliveryError).code), ["output_failed", "output_failed"]);
});

Deno.test("log module fails with output_unavailable when too many lines wait, for those events alone", async () => {
  await using dir = await TempDir.create();
  using file = await Deno.open(dir.file("out"), { write: true, create: true });
  await using lines = fileLineWriter(file, { maxWaiting: 1_000 });
  await using output = await open(lines);
  const delivery = { event: verifiedEvent({ body: `"${"x".repeat(600)}"` }), config: DEFAULTS };
  const [first, second] = await output.deliver([delivery, delivery], ATTEMPT);
  assertEquals([first, (second as DeliveryError).code], ["delivered", "output_unavailable"]);
  assertEquals(await output.deliver([delivery], ATTEMPT), ["delivered"]);
});

Deno.test("log module fails with output_unavailable when the writer is closed", async () => {
  await using dir = await TempDir.create();
  using file = await Deno.open(dir.file("out"), { write: true, create: true });
  const lines = fileLineWriter(file);
  await using output = await open(lines);
  await lines[Symbol.asyncDispose]();
  const delivery = { event: verifiedEvent(), config: DEFAULTS };
  const error = await assertRejects(async () => await output.deliver([delivery], ATTEMPT), DeliveryError);
  assertEquals(error.code, "output_unavailable");
});

Deno.test("log module leaves the writer open when its output is closed", async () => {
  await using dir = await TempDir.create();
  using file = await Deno.open(dir.file("out"), { write: true, create: true });
  await using lines = fileLineWriter(file);
  await (await open(lines))[Symbol.asyncDispose]();
  await lines.write("open");
  assertEquals(await Deno.readTextFile(dir.file("out")), "open\n");
});

Deno.test("log module redacts by default and refuses configuration that it does not know", () => {
  assertEquals(DEFAULTS, { pretty_print: false, redact_sensitive: true });
  for (const config of [{ pretty_print: "yes" }, { redact: false }, null, []]) {
    assertEquals(logModule.configSchema.safeParse(config).success, false);
  }
});

Deno.test("log module answers an event whose body was read as text, too", () => {
  const event = { ...verifiedEvent(), body: EventBody.fromText('{"a":[1]}') };
  assertEquals(JSON.parse(formatEvent(event, DEFAULTS)).payload, { a: [1] });
});
