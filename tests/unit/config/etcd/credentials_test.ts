import { assertEquals, assertRejects } from "@std/assert";
import { configurationFiles } from "../../../../src/io/blocking_calls.ts";
import { CredentialError, readCredential } from "../../../../src/config/etcd/credentials.ts";
import { readLogin } from "../../../../src/config/etcd/wire/connection.ts";
import { TempDir } from "../../../support/temp_dir.ts";

function never(): AbortSignal {
  return new AbortController().signal;
}

Deno.test("a credential of etcd in a file is read at each login, without its last line end", async () => {
  await using dir = await TempDir.create();
  const file = await dir.writeText("password", "one\r\n");
  assertEquals(await readCredential({ file }, never()), "one");
  await dir.writeText("password", "two");
  assertEquals(await readCredential({ file }, never()), "two");
});

Deno.test("a credential of etcd that cannot be used names its file", async () => {
  await using dir = await TempDir.create();
  for (const file of [dir.path, dir.file("missing"), await dir.writeText("empty", "\n")]) {
    await assertRejects(() => readCredential({ file }, never()), CredentialError, file);
  }
});

Deno.test("neither a login nor a stop waits for a credential on a mount that does not answer", async () => {
  await using dir = await TempDir.create();
  const file = await dir.writeText("password", "one");
  const answer = Promise.withResolvers<void>();
  const hanging = configurationFiles.run(file, never(), () => answer.promise);
  const credentials = { username: { text: "cwm" }, password: { file } };
  await assertRejects(() => readLogin(credentials, Date.now() + 20), Error, file);
  const stopping = new AbortController();
  const login = readLogin(credentials, Date.now() + 60_000, stopping.signal);
  stopping.abort();
  await assertRejects(() => login, Error, file);
  answer.resolve();
  await hanging;
});
