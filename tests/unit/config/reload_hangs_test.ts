import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { configurationFiles } from "../../../src/io/blocking_calls.ts";
import { eventually } from "../../support/eventually.ts";
import { FileProviderFixture } from "../../support/file_provider_fixture.ts";
import { TestGateway } from "../../support/gateway.ts";

const LOG = { module: "log" };

/** Keeps a file from being read until disposal, as a mount whose server is gone does. */
function hang(path: string): AsyncDisposable {
  const answer = Promise.withResolvers<void>();
  const hanging = configurationFiles.run(path, new AbortController().signal, () => answer.promise);
  return {
    async [Symbol.asyncDispose]() {
      answer.resolve();
      await hanging;
    },
  };
}

Deno.test("a configuration file that is not read to the end is a problem with its time, until it is", async () => {
  await using fixture = await FileProviderFixture.start(
    { "webhooks.json": { a: LOG } },
    () => ({ hungAfterMs: 20, readTimeoutMs: 200 }),
  );
  const { sink, webhooks } = fixture;
  {
    await using _hung = hang(webhooks);
    const reload = fixture.reload();
    await eventually(() => assertEquals(sink.problemCode("configuration files"), "reload_hangs"));
    assertMatch(sink.sources.get("configuration files")!.problem.message, /began at \d{4}-.*Z/);
    assertEquals(sink.sources.get("configuration files")!.serving, "last_good");
    await reload;
    assertEquals(sink.problemCode(webhooks), "file_unreadable");
    assertEquals(sink.problemCode("configuration files"), "reload_hangs");
    assertEquals(sink.json("webhook default/a"), LOG);
  }
  await fixture.replace(webhooks, { b: LOG });
  await fixture.reload();
  assertEquals([...sink.sources.keys()], []);
  assertEquals(sink.keys, ["webhook default/b"]);
});

Deno.test("a provider stops although a configuration file does not answer", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  await using _hung = hang(fixture.webhooks);
  const reload = fixture.reload();
  await fixture.provider[Symbol.asyncDispose]();
  await assertRejects(() => reload, DOMException);
});

Deno.test("a reload that hangs is a problem with its age in /admin/config", async () => {
  const ADMIN_TOKEN = "an-admin-token-of-the-tests";
  await using gateway = await TestGateway.start({ webhooks: { a: LOG }, environment: { ADMIN_TOKEN } });
  const authorized = { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
  const problems = async () => {
    const { text } = await gateway.request("/admin/config", authorized);
    return (JSON.parse(text) as { problems: Record<string, unknown>[] }).problems;
  };
  let reload: Promise<void>;
  {
    await using _hung = hang(gateway.file("webhooks.json"));
    reload = gateway.reload();
    await eventually(async () => {
      const found = (await problems()).find(({ key }) => key === "reload");
      assertEquals(found?.["code"], "reload_hangs");
      assert(Number(found?.["age_seconds"]) >= 0);
      assert(!Number.isNaN(Date.parse(String(found?.["since"]))));
    });
    assertEquals((await gateway.post("/webhook/a", "{}")).status, 200);
  }
  await reload;
  assertEquals((await problems()).map(({ key }) => key), []);
});
