import { getLogger } from "@logtape/logtape";
import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { BufferedLineWriter, type LineTarget } from "../../../src/io/line_writer.ts";
import {
  logger,
  type LoggingOptions,
  type LogLevel,
  logWarnings,
  setUpLogging,
} from "../../../src/observability/logging.ts";

/** Keeps what is logged; fails while it is told to. */
class Memory implements LineTarget {
  text = "";
  failing = false;

  writeSync(bytes: Uint8Array): number {
    if (this.failing) throw new Error("No space left");
    this.text += new TextDecoder().decode(bytes);
    return bytes.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    return Promise.resolve(this.writeSync(bytes));
  }
}

/** Returns the lines that `log` leads to. */
async function logged(log: () => void, options: Partial<LoggingOptions> = {}): Promise<string[]> {
  const memory = new Memory();
  {
    await using writer = new BufferedLineWriter(memory);
    await using _logging = setUpLogging({ level: "info", format: "json", writer, ...options });
    log();
  }
  return memory.text.split("\n").slice(0, -1);
}

async function loggedJson(log: () => void, level: LogLevel = "info"): Promise<Record<string, unknown>> {
  const lines = await logged(log, { level });
  assertEquals(lines.length, 1);
  return JSON.parse(lines[0] ?? "");
}

function withoutTime(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, ""));
}

Deno.test("logging writes warnings that were made elsewhere as they are, braces included", async () => {
  const text = "write {$NAME} or {name}, not {{name}}, { or }";
  const { message, ...rest } = await loggedJson(() => logWarnings("connector", [text]));
  assertEquals([message, Object.keys(rest)], [text, ["timestamp", "level", "category"]]);
});

Deno.test("logging writes JSON lines with time, level, category, message and properties", async () => {
  const record = await loggedJson(() =>
    logger("config").warning("Loaded {count} webhooks", { count: 3, from: "etcd" })
  );
  const { timestamp, ...rest } = record;
  assertEquals(rest, {
    level: "warning",
    category: "cwm.config",
    message: "Loaded 3 webhooks",
    count: 3,
    from: "etcd",
  });
  assertMatch(String(timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

Deno.test("logging writes readable lines with time, level, category, message and properties", async () => {
  const lines = await logged(
    () => logger("config").warning("Loaded {count} webhooks", { count: 3, from: "etcd", list: [1] }),
    { format: "text" },
  );
  assertMatch(lines[0] ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /);
  assertEquals(withoutTime(lines), ['WARNING cwm.config: Loaded 3 webhooks from="etcd" list=[1]']);
});

Deno.test("logging names properties as events and answers do", async () => {
  const record = await loggedJson(() =>
    logger("http").info("Refused", { requestId: "r-1", retryAfterMs: 5 })
  );
  assertEquals([record["request_id"], record["retry_after_ms"]], ["r-1", 5]);
});

Deno.test("logging tells systemd's journal the priority of each line", async () => {
  const lines = await logged(() => {
    logger("http").debug("one");
    logger("http").info("two");
    logger("http").warning("three");
    logger("http").error("four", { error: new Error("with a stack") });
  }, { level: "debug", format: "text", toJournal: true });
  const priorities = lines.map((line) => /^<(\d)>\S/.exec(line)?.[1] ?? /^<(\d)> {4}at /.exec(line)?.[1]);
  assertEquals(priorities.slice(0, 4), ["7", "6", "4", "3"]);
  assert(priorities.length > 4 && priorities.slice(4).every((priority) => priority === "3"));
});

Deno.test("logging writes nothing below its level, of other categories, or of its own when it starts", async () => {
  const lines = await logged(() => {
    logger("http").debug("quiet");
    logger("http").info("quiet");
    getLogger(["elsewhere"]).error("quiet");
    logger("http").error("loud");
  }, { level: "warning", format: "text" });
  assertEquals(withoutTime(lines), ["ERROR   cwm.http: loud"]);
});

Deno.test("logging writes nothing any more when it was disposed and can be set up again", async () => {
  const first = await logged(() => {});
  logger("http").error("nobody listens");
  const second = await logged(() => logger("http").error("heard"));
  assertEquals([first.length, second.length], [0, 1]);
});

Deno.test("logging keeps its own fields apart from properties of the same name", async () => {
  const record = await loggedJson(() =>
    logger("http").error("own", { level: "mine", message: "mine", __proto__x: 1 })
  );
  assertEquals([record["level"], record["_level"]], ["error", "mine"]);
  assertEquals([record["message"], record["_message"]], ["own", "mine"]);
});

Deno.test("logging writes errors with name, message, code, cause and, at debug, stack", async () => {
  const cause = new TypeError("Underneath", { cause: "a text" });
  const error = Object.assign(new Error("On top", { cause }), { code: "E_TOP" });
  const record = await loggedJson(() => logger("http").error("Failed: {error}", { error }), "debug");
  assertEquals(record["message"], "Failed: Error [E_TOP]: On top");
  const { stack, cause: written, ...rest } = record["error"] as Record<string, unknown>;
  assertEquals(rest, { name: "Error", message: "On top", code: "E_TOP" });
  assertStringIncludes(String(stack), "logging_test.ts");
  const { stack: _, ...underneath } = written as Record<string, unknown>;
  assertEquals(underneath, { name: "TypeError", message: "Underneath", cause: "a text" });
});

Deno.test("logging shows no stack above debug, and in text nothing that was said already", async () => {
  const cause = new Error("The server is gone");
  const error = new Error("Cannot store: The server is gone", { cause });
  const report = () =>
    logger("http").error("{count} of {namespace}: {error}", { count: 2, namespace: "a", error, more: 1 });
  const record = await loggedJson(report);
  assertEquals(record["error"], {
    name: "Error",
    message: "Cannot store: The server is gone",
    cause: { name: "Error", message: "The server is gone" },
  });
  assertEquals([record["count"], record["namespace"]], [2, "a"]);
  const text = await logged(report, { format: "text" });
  assertEquals(withoutTime(text), [
    "ERROR   cwm.http: 2 of a: Error: Cannot store: The server is gone more=1",
  ]);
  const unsaid = await logged(
    () => logger("http").error("Failed", { error: new Error("No", { cause }) }),
    { format: "text" },
  );
  assertEquals(withoutTime(unsaid), [
    'ERROR   cwm.http: Failed error="Error: No"',
    "    caused by Error: The server is gone",
  ]);
});

Deno.test("logging writes the errors of an AggregateError", async () => {
  const error = new AggregateError([new Error("one"), "two"], "both");
  const record = await loggedJson(() => logger("http").error("Failed", { error }));
  const { errors } = record["error"] as { errors: [{ message: string }, string] };
  assertEquals([errors[0].message, errors[1]], ["one", "two"]);
});

Deno.test("logging writes the stack of an error below its readable line at debug", async () => {
  const cause = new Error("Under\nneath");
  const error = Object.assign(new Error("On top", { cause }), { code: "E_TOP" });
  const lines = withoutTime(
    await logged(() => logger("http").error("Failed", { error, x: 1 }), { level: "debug", format: "text" }),
  );
  assertEquals(lines[0], 'ERROR   cwm.http: Failed error="Error [E_TOP]: On top" x=1');
  assertMatch(lines[1] ?? "", /^ {4}at .*logging_test\.ts/);
  assert(lines.includes("    caused by Error: Under\\u000aneath"));
  assert(lines.slice(1).every((line) => line.startsWith("    ")));
});

for (const format of ["json", "text"] as const) {
  Deno.test(`logging lets no text begin a line or reach the terminal in ${format} format`, async () => {
    const evil = "a\nERROR forged\r\x1b[2J\u2028\u202e\x9b\x7f";
    const error = new Error(evil);
    const lines = await logged(
      () =>
        logger("http").error(`Failed ${evil} {value} {error}`, {
          value: evil,
          error,
          nested: [{ [evil]: evil }],
        }),
      { format },
    );
    assertEquals(lines.filter((line) => !line.startsWith("    at ")).length, 1);
    assertNotMatch(lines.join(""), /[\p{Cc}\u2028\u202e]/u);
  });

  Deno.test(`logging shows no credentials in ${format} format`, async () => {
    const secret = "hunter2";
    const lines = await logged(() => {
      logger("http").error("Sent {Api-Key} and {config.password} and {plain}", {
        "Api-Key": secret,
        config: { password: secret, url: `redis://user:${secret}@host:6379/0` },
        plain: { list: [{ clientSecret: secret }] },
        token: new Error(secret),
        error: new Error(`connect to amqp://user:${secret}@host failed`, { cause: { session: secret } }),
        url: new URL(`https://user:${secret}@host/`),
        map: new Map([["cookie", secret]]),
      });
    }, { format });
    assertNotMatch(lines.join("\n"), new RegExp(secret));
    assertStringIncludes(lines[0] ?? "", "Sent [REDACTED] and [REDACTED] and ");
    assertStringIncludes(lines[0] ?? "", "redis://[REDACTED]@host:6379/0");
  });

  Deno.test(`logging survives values of every kind in ${format} format`, async () => {
    const loop: Record<string, unknown> = {};
    loop["self"] = [loop, loop];
    const error = new Error("its own cause");
    error.cause = error;
    const values = {
      loop,
      error,
      big: 2n ** 70n,
      date: new Date(0),
      never: new Date(NaN),
      bytes: new Uint8Array(3),
      set: new Set([1]),
      symbol: Symbol("s"),
      nothing: undefined,
      call: () => {},
      long: "x".repeat(1_000_000),
    };
    const lines = await logged(() => logger("http").error("All {loop} {big} {symbol} {nothing}", values), {
      format,
    });
    assertEquals(lines.filter((line) => !line.startsWith("    ")).length, 1);
    assert(lines.join("\n").length < 100_000);
    assertStringIncludes(lines[0] ?? "", "1180591620717411303424");
    assertStringIncludes(lines[0] ?? "", "1970-01-01T00:00:00.000Z");
  });
}

Deno.test("logging counts records that find no room and says so when there is room again", async () => {
  const memory = new Memory();
  await using writer = new BufferedLineWriter(memory, { maxWaiting: 1_000 });
  await using logging = setUpLogging({ level: "info", format: "text", writer });
  const log = logger("http");
  for (let record = 0; record < 100; record++) log.error("x".repeat(100));
  const { droppedRecords } = logging;
  assert(droppedRecords > 80);
  await writer.flush();
  log.error("room again");
  log.error("and again");
  await writer.flush();
  assertMatch(memory.text, /log records were dropped\n.*: room again\n.*: and again\n$/);
  const said = Array.from(
    memory.text.matchAll(/(\d+) log records were dropped/g),
    ([, count]) => Number(count),
  );
  assertEquals(said.reduce((sum, count) => sum + count, 0), droppedRecords);
  assertEquals(logging.droppedRecords, droppedRecords);
});

Deno.test("logging counts records of failed writes and says so once a write succeeds", async () => {
  const memory = new Memory();
  await using writer = new BufferedLineWriter(memory);
  await using logging = setUpLogging({ level: "info", format: "text", writer });
  memory.failing = true;
  for (let batch = 0; batch < 3; batch++) {
    logger("http").error("lost");
    logger("http").error("lost");
    await writer.flush();
  }
  assertEquals(logging.droppedRecords, 6);
  memory.failing = false;
  logger("http").error("written");
  await writer.flush();
  assertMatch(memory.text, /: 6 log records were dropped\n.*: written\n$/);
});

Deno.test("logging says when it is disposed how many records were dropped", async () => {
  const memory = new Memory();
  await using writer = new BufferedLineWriter(memory, { maxWaiting: 100 });
  {
    await using _logging = setUpLogging({ level: "info", format: "text", writer });
    for (let record = 0; record < 3; record++) logger("http").error("x".repeat(200));
  }
  assertMatch(memory.text, /: 2 log records were dropped\n$/);
});
