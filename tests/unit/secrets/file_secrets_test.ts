import { assertEquals, assertStringIncludes } from "@std/assert";
import { FileSecrets } from "../../../src/secrets/file_secrets.ts";
import type { SecretAnswer } from "../../../src/secrets/source.ts";
import { eventually } from "../../support/eventually.ts";
import { TempDir } from "../../support/temp_dir.ts";

const never = new AbortController().signal;

async function read(
  directory: string,
  name: string,
  ownFiles: readonly string[] = [],
): Promise<SecretAnswer> {
  await using secrets = new FileSecrets({ directory, ownFiles });
  return await secrets.read(name, never);
}

function textOf(answer: SecretAnswer): string | undefined {
  return answer.state === "found" ? answer.fields.get("") : undefined;
}

async function assertRefused(
  directory: string,
  name: string,
  ownFiles: readonly string[] = [],
): Promise<void> {
  assertEquals((await read(directory, name, ownFiles)).state, "misconfigured", name);
}

Deno.test("a file has one field, and loses one line end at most", async () => {
  await using dir = await TempDir.create();
  const contents = [["a", "a"], ["a\n", "a"], ["a\r\n", "a"], ["a\n\n", "a\n"], [" a \n", " a "], ["", ""], [
    "\ufeffä\n",
    "ä",
  ]] as const;
  for (const [content, text] of contents) {
    await dir.writeText("token", content);
    const answer = await read(dir.path, "token");
    assertEquals(answer, { state: "found", fields: new Map([["", text]]) });
  }
});

Deno.test("a file may be named by its absolute path, and stand in a folder of the directory", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file("sub"));
  await dir.writeText("sub/token", "text");
  assertEquals(textOf(await read(dir.path, "sub/token")), "text");
  assertEquals(textOf(await read(dir.path, dir.file("sub", "token"))), "text");
  assertEquals(textOf(await read(`${dir.path}/`, dir.file("sub", "token"))), "text");
});

Deno.test("a file that does not exist is absent, so that a default may stand in for it", async () => {
  await using dir = await TempDir.create();
  await dir.writeText("file", "text");
  for (const name of ["token", "sub/token", "file/token"]) {
    assertEquals((await read(dir.path, name)).state, "absent", name);
  }
});

Deno.test("nothing outside of the directory is read, whatever leads there", async () => {
  await using dir = await TempDir.create();
  await using outside = await TempDir.create();
  await outside.writeText("token", "pa55word");
  await Deno.mkdir(dir.file("secrets"));
  await dir.writeText("token", "pa55word");
  await dir.writeText("secrets-of-others", "pa55word");
  await Deno.symlink(outside.file("token"), dir.file("secrets", "link"));
  await Deno.symlink("../token", dir.file("secrets", "relative"));
  await Deno.symlink(outside.path, dir.file("secrets", "folder"));
  const names = [
    "link",
    "relative",
    "folder/token",
    "../token",
    outside.file("token"),
    outside.file("missing"),
  ];
  for (const name of names) await assertRefused(dir.file("secrets"), name);
  await assertRefused(dir.file("secrets"), dir.file("secrets-of-others"));
});

Deno.test("a directory that is a link itself is followed", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file("real"));
  await dir.writeText("real/token", "text");
  await Deno.symlink("real", dir.file("link"));
  assertEquals(textOf(await read(dir.file("link"), "token")), "text");
  assertEquals(textOf(await read(dir.file("link"), dir.file("link", "token"))), "text");
});

Deno.test("only a regular file is read: no folder, and no pipe, which would be waited for", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file("folder"));
  await new Deno.Command("mkfifo", { args: [dir.file("pipe")] }).output();
  await Deno.symlink("loop", dir.file("loop"));
  for (const name of ["folder", "pipe", "loop"]) await assertRefused(dir.path, name);
  await assertRefused("/dev", "null");
});

Deno.test("a file of more than 64 KiB or that is not text is refused", async () => {
  await using dir = await TempDir.create();
  await dir.writeText("largest", "a".repeat(65536));
  await dir.writeText("larger", "a".repeat(65537));
  await Deno.writeFile(dir.file("binary"), new Uint8Array([0x61, 0xff]));
  assertEquals(textOf(await read(dir.path, "largest"))?.length, 65536);
  const answer = await read(dir.path, "larger");
  assertStringIncludes(answer.state === "misconfigured" ? answer.reason : "", "64 KiB");
  await assertRefused(dir.path, "binary");
});

Deno.test("/proc and /sys are never read, even below a directory that holds them or through a link", async () => {
  await using dir = await TempDir.create();
  await Deno.symlink("/proc/self/environ", dir.file("environ"));
  await Deno.symlink("/proc", dir.file("proc"));
  for (
    const name of ["proc/self/environ", "/proc/self/environ", "sys/kernel/mm/transparent_hugepage/enabled"]
  ) {
    await assertRefused("/", name);
  }
  await assertRefused("/proc/self", "environ");
  await assertRefused("/", "proc/missing");
  await assertRefused("/", dir.file("environ"));
  await assertRefused(dir.path, "environ");
  await assertRefused(dir.path, "proc/self/environ");
});

Deno.test("the gateway's own files are never read, under whatever name", async () => {
  await using dir = await TempDir.create();
  await dir.writeText("webhooks.json", "{}");
  await Deno.mkdir(dir.file("journal"));
  await dir.writeText("journal/journal.sqlite", "events");
  await Deno.link(dir.file("webhooks.json"), dir.file("hard"));
  await Deno.symlink("webhooks.json", dir.file("soft"));
  await Deno.symlink("journal", dir.file("folder"));
  await dir.writeText("token", "text");
  const own = [dir.file("webhooks.json"), dir.file("journal"), dir.file("missing")];
  for (const name of ["webhooks.json", "hard", "soft", "journal/journal.sqlite", "folder/journal.sqlite"]) {
    await assertRefused(dir.path, name, own);
  }
  assertEquals(textOf(await read(dir.path, "token", own)), "text");
});

Deno.test("a mount that hangs holds up neither who waits for it nor the threads of other files", async () => {
  await using dir = await TempDir.create();
  await dir.writeText("token", "text");
  const hanging: (() => void)[] = [];
  const follow = () => new Promise<void>((resolve) => hanging.push(resolve));
  const watcher = { follow, [Symbol.asyncDispose]: () => Promise.resolve() };
  const options = { directory: dir.path, ownFiles: [], timeoutMs: 200 };
  await using secrets = new FileSecrets({ ...options, watcher });
  await secrets.follow(["token"]);
  await secrets.follow(["token"]);
  assertEquals(hanging.length, 1, "the first one still hangs");
  await eventually(async () => assertEquals(textOf(await secrets.read("token", never)), "text"));
  hanging.shift()!();
  await eventually(async () => {
    await secrets.follow(["token"]);
    assertEquals(hanging.length, 1);
  });
  hanging.shift()!();
});

Deno.test("a directory that cannot be found is a mistake, for which no default stands in", async () => {
  await using dir = await TempDir.create();
  const answer = await read(dir.file("missing"), "token");
  assertEquals(answer.state, "misconfigured");
  assertStringIncludes(answer.state === "misconfigured" ? answer.reason : "", "SECRETS_DIR");
});
