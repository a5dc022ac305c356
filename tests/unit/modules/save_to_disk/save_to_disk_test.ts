import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { DeliveryError } from "../../../../src/errors.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { saveToDiskModule } from "../../../../src/modules/save_to_disk/save_to_disk.ts";
import { judgeDiskError } from "../../../../src/modules/save_to_disk/errors.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { type EventParts, verifiedEvent } from "../../../support/verified_event.ts";

/** Saves one event with a module opened for it alone. */
async function save(config: unknown, event: EventParts = {}): Promise<DeliveryResult> {
  await using output = await saveToDiskModule.open(undefined, {
    name: "save_to_disk",
    logger: getLogger(["cwm", "test"]),
    lines: {
      write: () => Promise.reject(new Error("This module does not print")),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
  });
  const delivery = { event: verifiedEvent(event), config: saveToDiskModule.configSchema.parse(config) };
  const [result] = await output.deliver([delivery], { number: 1, signal: new AbortController().signal });
  assert(result !== undefined);
  return result;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.map((entry) => entry.name).sort();
}

function assertFailed(result: DeliveryResult, code: DeliveryError["code"]): DeliveryError {
  assertInstanceOf(result, DeliveryError);
  assertEquals(result.code, code, result.message);
  return result;
}

function problemsOf(config: unknown): readonly string[] {
  const parsed = saveToDiskModule.configSchema.safeParse(config);
  return (parsed.error?.issues ?? []).map((issue) => `${issue.path.join(".")}: ${issue.message}`);
}

Deno.test("save_to_disk writes the body into one file and leaves nothing else behind", async () => {
  await using dir = await TempDir.create();
  assertEquals(await save({ base_dir: dir.path }, { id: "event-1", body: '{"a":1}' }), "delivered");
  assertEquals(await namesIn(dir.path), ["2026-01-02T03-04-05.678Z_event-1.json"]);
  assertEquals(await Deno.readTextFile(dir.file("2026-01-02T03-04-05.678Z_event-1.json")), '{"a":1}');
});

Deno.test("save_to_disk fills the placeholders of the file name", async () => {
  await using dir = await TempDir.create();
  const filename_pattern = "{namespace}~{webhook_id}~{timestamp}~{event_id}~{uuid}.txt";
  const event = { id: "event-1", namespace: "team-a", webhook: "orders" };
  assertEquals(await save({ base_dir: dir.path, filename_pattern }, event), "delivered");
  const [name] = await namesIn(dir.path);
  assertMatch(
    name ?? "",
    /^team-a~orders~2026-01-02T03-04-05\.678Z~event-1~[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.txt$/,
  );
});

Deno.test("save_to_disk makes missing directories, and lets only their owner in", async () => {
  await using dir = await TempDir.create();
  const config = { base_dir: dir.file("base"), path: "a/b", filename_pattern: "{event_id}" };
  assertEquals(await save(config, { id: "event-1" }), "delivered");
  const modeOf = async (...names: string[]) => (await Deno.stat(dir.file(...names))).mode! & 0o777;
  assertEquals(await modeOf("base"), 0o700);
  assertEquals(await modeOf("base", "a", "b"), 0o700);
  assertEquals(await modeOf("base", "a", "b", "event-1"), 0o600);
});

Deno.test("save_to_disk takes an absolute path inside of base_dir", async () => {
  await using dir = await TempDir.create();
  const config = { base_dir: dir.path, path: dir.file("inside"), filename_pattern: "{event_id}" };
  assertEquals(await save(config, { id: "event-1" }), "delivered");
  assertEquals(await namesIn(dir.file("inside")), ["event-1"]);
});

Deno.test("save_to_disk has one file of an event that is delivered twice", async () => {
  await using dir = await TempDir.create();
  const config = { base_dir: dir.path };
  assertEquals(await save(config, { id: "event-1", body: "first" }), "delivered");
  assertEquals(await save(config, { id: "event-1", body: "again" }), "delivered");
  const [name, ...others] = await namesIn(dir.path);
  assertEquals(others, []);
  assertEquals(await Deno.readTextFile(dir.file(name!)), "first");
});

Deno.test("save_to_disk does not replace what is not a file of its own", async () => {
  await using dir = await TempDir.create();
  await dir.writeText("important", "keep");
  await Deno.symlink(dir.file("important"), dir.file("event-1"));
  const config = { base_dir: dir.path, filename_pattern: "{event_id}" };
  assertFailed(await save(config, { id: "event-1" }), "output_failed");
  assertEquals(await Deno.readTextFile(dir.file("important")), "keep");
  assertEquals(await namesIn(dir.path), ["event-1", "important"]);
});

Deno.test("save_to_disk writes headers without credentials when they are included", async () => {
  await using dir = await TempDir.create();
  const config = { base_dir: dir.path, filename_pattern: "{event_id}", include_headers: "true" };
  const body = '{ "id" : 12345678901234567890, "name": "Zoë" }';
  const headers = {
    "content-type": "application/json",
    authorization: "Bearer s3cret",
    "x-hub-signature-256": "s3cret",
    cookie: "s3cret",
  };
  assertEquals(
    await save(config, { id: "event-1", namespace: "team-a", webhook: "orders", headers, body }),
    "delivered",
  );
  const text = await Deno.readTextFile(dir.file("event-1"));
  assertStringIncludes(text, `"payload":${body}`);
  assert(!text.includes("s3cret"));
  const { payload: _, ...rest } = JSON.parse(text);
  assertEquals(rest, {
    event_id: "event-1",
    namespace: "team-a",
    webhook: "orders",
    received_at: "2026-01-02T03:04:05.678Z",
    headers: {
      "content-type": "application/json",
      authorization: "[REDACTED]",
      "x-hub-signature-256": "[REDACTED]",
      cookie: "[REDACTED]",
    },
  });
});

Deno.test("save_to_disk writes a body that is not JSON in base64 when headers are included", async () => {
  await using dir = await TempDir.create();
  const config = { base_dir: dir.path, filename_pattern: "{event_id}", include_headers: true };
  const bodies = {
    text: new TextEncoder().encode("not JSON"),
    empty: new Uint8Array(),
    // JSON, but for a byte that is not UTF-8: as text it would lose that byte.
    broken: new Uint8Array([0x22, 0xff, 0x22]),
  };
  for (const [id, body] of Object.entries(bodies)) {
    assertEquals(await save(config, { id, body }), "delivered");
    const saved = JSON.parse(await Deno.readTextFile(dir.file(id)));
    assertEquals(Uint8Array.fromBase64(saved.body_base64), body);
    assertEquals("payload" in saved, false);
  }
});

Deno.test("save_to_disk writes deeply nested JSON as it is when headers are included", async () => {
  await using dir = await TempDir.create();
  const config = { base_dir: dir.path, filename_pattern: "{event_id}", include_headers: true };
  const body = "[".repeat(100_000) + "]".repeat(100_000);
  assertEquals(await save(config, { id: "event-1", body }), "delivered");
  assertStringIncludes(await Deno.readTextFile(dir.file("event-1")), body);
});

Deno.test("save_to_disk lets no event out of its directory", async () => {
  await using dir = await TempDir.create();
  const config = { base_dir: dir.path, path: "in", filename_pattern: "{namespace}_{webhook_id}_{event_id}" };
  const hostile = ["../../escape", "/etc/escape", "a\0b", "..", "\u202e", "a".repeat(500)];
  for (const text of hostile) {
    const result = await save(config, { id: text, namespace: text, webhook: text });
    assertEquals(result, "delivered", JSON.stringify(text));
  }
  assertEquals(await namesIn(dir.path), ["in"]);
  const names = await namesIn(dir.file("in"));
  assertEquals(names.length, hostile.length);
  for (const name of names) assertMatch(name, /^(?!.*\.(\.|$))\w[\w.-]{0,254}$/);
});

Deno.test("save_to_disk refuses a link that leads out of base_dir and makes nothing behind it", async () => {
  await using outside = await TempDir.create();
  await using dir = await TempDir.create();
  await Deno.symlink(outside.path, dir.file("link"));
  for (const path of ["link", "link/deeper/still"]) {
    const error = assertFailed(await save({ base_dir: dir.path, path }), "output_rejected");
    assertStringIncludes(error.message, "leads out of base_dir");
  }
  assertEquals(await namesIn(outside.path), []);
});

Deno.test("save_to_disk follows a link that stays inside of base_dir", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file("real"));
  await Deno.symlink("real", dir.file("link"));
  const config = { base_dir: dir.path, path: "link", filename_pattern: "{event_id}" };
  assertEquals(await save(config, { id: "event-1" }), "delivered");
  assertEquals(await namesIn(dir.file("real")), ["event-1"]);
});

Deno.test("save_to_disk notices a directory that became a link after its first use", async () => {
  await using outside = await TempDir.create();
  await using dir = await TempDir.create();
  const config = { base_dir: dir.path, path: "events" };
  assertEquals(await save(config), "delivered");
  await Deno.remove(dir.file("events"), { recursive: true });
  await Deno.symlink(outside.path, dir.file("events"));
  assertFailed(await save(config), "output_rejected");
  assertEquals(await namesIn(outside.path), []);
});

Deno.test("save_to_disk makes its directory again when somebody removed it", async () => {
  await using dir = await TempDir.create();
  const config = { base_dir: dir.path, path: "events", filename_pattern: "{event_id}" };
  assertEquals(await save(config), "delivered");
  await Deno.remove(dir.file("events"), { recursive: true });
  assertEquals(await save(config, { id: "event-2" }), "delivered");
  assertEquals(await namesIn(dir.file("events")), ["event-2"]);
});

Deno.test("save_to_disk refuses a link that leads into the operating system", async () => {
  await using dir = await TempDir.create();
  await Deno.symlink("/etc", dir.file("system"));
  for (const config of [{ base_dir: dir.file("system") }, { base_dir: dir.file("system", "cwm") }]) {
    const error = assertFailed(await save(config), "output_rejected");
    assertStringIncludes(error.message, "belongs to the operating system");
  }
  await assertRejects(() => Deno.stat("/etc/cwm"), Deno.errors.NotFound);
});

Deno.test("save_to_disk leaves no unfinished file when the last step fails", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file("event-1"));
  const config = { base_dir: dir.path, filename_pattern: "{event_id}" };
  assertFailed(await save(config, { id: "event-1" }), "output_failed");
  assertEquals(await namesIn(dir.path), ["event-1"]);
});

Deno.test("save_to_disk has an event tried again while the disk is full", async () => {
  const full = await assertRejects(() => Deno.writeTextFile("/dev/full", "text"));
  const error = judgeDiskError(full, "/data/events");
  assertEquals(error.code, "output_unavailable");
  assertEquals(error.message, "Directory /data/events is on a full disk: ENOSPC");
});

Deno.test("save_to_disk tells what passes from what an operator must change", () => {
  const codeFor = (code: string) => judgeDiskError(Object.assign(new Error(), { code }), "/data").code;
  for (const code of ["ENOSPC", "EDQUOT", "EACCES", "EPERM", "EROFS"]) {
    assertEquals(codeFor(code), "output_unavailable");
  }
  for (const code of ["ENOTDIR", "EEXIST", "EISDIR", "ELOOP", "ENAMETOOLONG"]) {
    assertEquals(codeFor(code), "output_rejected");
  }
  for (const code of ["EIO", "EMFILE", "ENOENT"]) assertEquals(codeFor(code), "output_failed");
});

Deno.test("save_to_disk configuration refuses a path outside of base_dir", () => {
  for (const path of ["..", "../sibling", "a/../../b", "/elsewhere", "/basement"]) {
    assertEquals(
      problemsOf({ base_dir: "/base", path }),
      ["path: The directory lies outside of base_dir"],
      path,
    );
  }
  for (const path of [".", "a/..", "..a", "/base", "/base/a"]) {
    assertEquals(problemsOf({ base_dir: "/base", path }), [], path);
  }
  assertEquals(problemsOf({ path: "a\0b" }), ["path: A path cannot contain NUL"]);
});

Deno.test("save_to_disk configuration refuses directories of the operating system", () => {
  for (const base_dir of ["/etc", "/etc/", "/usr/local/cwm", "/tmp/../proc", "/var/spool/cron/crontabs"]) {
    assertEquals(problemsOf({ base_dir }), ["path: The directory belongs to the operating system"], base_dir);
  }
  assertEquals(problemsOf({ base_dir: "/", path: "etc/cron.d" }).length, 1);
  for (const base_dir of ["/", "/etcetera", "/var/spool", "/srv/etc"]) {
    assertEquals(problemsOf({ base_dir }), []);
  }
});

Deno.test("save_to_disk configuration refuses file names that could leave the directory or collide", () => {
  const refused: Readonly<Record<string, string>> = {
    "": "Without {event_id} or {uuid}",
    "event.json": "Without {event_id} or {uuid}",
    "{timestamp}_{webhook_id}.json": "Without {event_id} or {uuid}",
    "{uuid}/{event_id}": "cannot contain slashes",
    "../{uuid}": "cannot contain slashes",
    "a\\{uuid}": "cannot contain slashes",
    "{uuid}\0": "cannot contain slashes",
    "{uuid}{": "cannot contain slashes",
    "{uuid}}": "cannot contain slashes",
    ".{uuid}": "Names that begin with a dot",
    "{uid}": "Placeholder {uid} is not known: use {timestamp}",
    "{}{uuid}": "Placeholder {} is not known",
    "{__proto__}": "Placeholder {__proto__} is not known",
    [`{uuid}${"a".repeat(220)}`]: "longer than 255 bytes",
    [`{uuid}${"ë".repeat(110)}`]: "longer than 255 bytes",
    "{namespace}{webhook_id}{event_id}{uuid}{namespace}": "longer than 255 bytes",
  };
  for (const [filename_pattern, message] of Object.entries(refused)) {
    const problems = problemsOf({ filename_pattern });
    assertEquals(problems.length, 1, filename_pattern);
    assertStringIncludes(problems[0]!, `filename_pattern: `);
    assertStringIncludes(problems[0]!, message);
  }
});
