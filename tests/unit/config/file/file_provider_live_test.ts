/** Live changes, each in the way that some editor or platform makes them. */

import { assertEquals } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../../support/eventually.ts";
import { FileProviderFixture } from "../../../support/file_provider_fixture.ts";

const LOG = { module: "log" };
const KAFKA = { module: "kafka" };

Deno.test("file provider sees a file that is written in place, in two parts with a pause", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  const { sink, webhooks } = fixture;
  const text = JSON.stringify({ a: KAFKA, b: LOG });
  using file = await Deno.open(webhooks, { write: true, truncate: true });
  await file.write(new TextEncoder().encode(text.slice(0, 20)));
  await eventually(() => assertEquals(sink.problemCode(webhooks), "invalid_json"));
  assertEquals(sink.json("webhook default/a"), LOG);
  await file.write(new TextEncoder().encode(text.slice(20)));
  await eventually(() => assertEquals(sink.json("webhook default/a"), KAFKA));
  assertEquals(sink.json("webhook default/b"), LOG);
  assertEquals(sink.problemCode(webhooks), undefined);
  assertEquals(sink.changes.filter((change) => change.startsWith("delete")), []);
});

Deno.test("file provider sees an editor that moves the old file aside and creates a new one", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  const { sink, webhooks } = fixture;
  for (const value of [KAFKA, LOG, KAFKA]) {
    await Deno.rename(webhooks, `${webhooks}~`);
    await fixture.dir.writeJson("webhooks.json", { a: value });
    await Deno.remove(`${webhooks}~`);
    await eventually(() => assertEquals(sink.json("webhook default/a"), value));
  }
});

Deno.test("file provider sees every file that is moved over the former one", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  for (const value of [KAFKA, LOG, KAFKA]) {
    await fixture.replace(fixture.webhooks, { a: value });
    await eventually(() => assertEquals(fixture.sink.json("webhook default/a"), value));
  }
});

Deno.test("file provider sees the second of two files that are moved over in a row", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  await fixture.replace(fixture.webhooks, { a: KAFKA });
  await fixture.replace(fixture.webhooks, { b: KAFKA });
  await eventually(() => assertEquals(fixture.sink.keys, ["webhook default/b"]));
});

Deno.test("file provider sees each swap of a mounted ConfigMap", async () => {
  await using fixture = await FileProviderFixture.create();
  const { dir, sink } = fixture;
  const publish = async (version: string, value: unknown) => {
    await Deno.mkdir(dir.file(version));
    await dir.writeJson(`${version}/webhooks.json`, { a: value });
    await dir.writeJson(`${version}/connections.json`, { [version.slice(2)]: {} });
    await Deno.symlink(version, dir.file("..data_tmp"));
    await Deno.rename(dir.file("..data_tmp"), dir.file("..data"));
  };
  await publish("..1", LOG);
  await Deno.symlink("..data/webhooks.json", fixture.webhooks);
  await Deno.symlink("..data/connections.json", fixture.connections);
  await fixture.start();
  assertEquals(sink.keys, ["connection 1", "webhook default/a"]);

  for (
    const [former, version, value] of [["..1", "..2", KAFKA], ["..2", "..3", LOG], [
      "..3",
      "..4",
      KAFKA,
    ]] as const
  ) {
    await publish(version, value);
    await Deno.remove(dir.file(former), { recursive: true });
    await eventually(() => {
      assertEquals(sink.json("webhook default/a"), value);
      assertEquals(sink.keys, [`connection ${version.slice(2)}`, "webhook default/a"]);
    });
  }
  assertEquals(sink.reports, []);
});

Deno.test("file provider sees a change of the real file behind a symbolic link", async () => {
  await using fixture = await FileProviderFixture.create();
  const { dir, sink } = fixture;
  await Deno.mkdir(dir.file("real"));
  await dir.writeJson("real/hooks.json", { a: LOG });
  await Deno.symlink("real/hooks.json", fixture.webhooks);
  await fixture.start();
  for (const value of [KAFKA, LOG]) {
    await fixture.replace(dir.file("real", "hooks.json"), { a: value });
    await eventually(() => assertEquals(sink.json("webhook default/a"), value));
  }
});

Deno.test("file provider sees a symbolic link that appears, wherever it leads", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  const { dir, sink, webhooks } = fixture;
  await Deno.mkdir(dir.file("real"));
  await dir.writeJson("real/hooks.json", { b: LOG });
  await Deno.remove(webhooks);
  await eventually(() => assertEquals(sink.problemCode(webhooks), "file_missing"));
  await Deno.symlink(dir.file("real", "hooks.json"), webhooks);
  await eventually(() => assertEquals(sink.keys, ["webhook default/b"]));
  await fixture.replace(dir.file("real", "hooks.json"), { c: LOG });
  await eventually(() => assertEquals(sink.keys, ["webhook default/c"]));
});

Deno.test("file provider sees a release that is switched by a link higher up in the path", async () => {
  await using fixture = await FileProviderFixture.create(
    {},
    (dir) => ({ webhooksFile: dir.file("current", "config", "webhooks.json") }),
  );
  const { dir, sink } = fixture;
  for (const [release, value] of [["one", LOG], ["two", KAFKA]] as const) {
    await Deno.mkdir(dir.file(release, "config"), { recursive: true });
    await dir.writeJson(`${release}/config/webhooks.json`, { a: value });
  }
  await Deno.symlink("one", dir.file("current"));
  await fixture.start();
  assertEquals(sink.json("webhook default/a"), LOG);
  await Deno.symlink("two", dir.file("next"));
  await Deno.rename(dir.file("next"), dir.file("current"));
  await eventually(() => assertEquals(sink.json("webhook default/a"), KAFKA));
});

Deno.test("file provider misses a file that was removed, and takes it again when it is back", async () => {
  await using fixture = await FileProviderFixture.start({ "webhooks.json": { a: LOG } });
  const { provider, sink, webhooks } = fixture;
  await Deno.remove(webhooks);
  await eventually(() => assertEquals(sink.problemCode(webhooks), "file_missing"));
  assertEquals([sink.keys, sink.sources.get(webhooks)?.serving], [["webhook default/a"], "last_good"]);
  assertEquals(provider.usingEmbeddedDefault, false);
  await fixture.dir.writeJson("webhooks.json", { b: LOG });
  await eventually(() => assertEquals(sink.keys, ["webhook default/b"]));
  assertEquals(sink.sources.size, 0);
});

Deno.test("file provider sees files in a folder that appears after the start", async () => {
  await using fixture = await FileProviderFixture.start({}, (dir) => ({
    webhooksFile: dir.file("etc", "cwm", "webhooks.json"),
    connectionsFile: dir.file("etc", "cwm", "connections.json"),
  }));
  const { dir, sink } = fixture;
  await Deno.mkdir(dir.file("etc", "cwm"), { recursive: true });
  await fixture.replace(fixture.webhooks, { a: LOG });
  await eventually(() => assertEquals(sink.keys, ["webhook default/a"]));
  await fixture.replace(fixture.webhooks, { b: LOG });
  await eventually(() => assertEquals(sink.keys, ["webhook default/b"]));
});

Deno.test("file provider sees a file at the end of folders that appear one after the other", async () => {
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  await using fixture = await FileProviderFixture.start({}, (dir) => ({
    webhooksFile: dir.file(...names, "webhooks.json"),
    debounceMs: 0,
  }));
  const { dir, sink, webhooks } = fixture;
  for (let depth = 1; depth <= names.length; depth++) {
    await Deno.mkdir(dir.file(...names.slice(0, depth)));
    // Some of them appear while the provider is looking at the way to the former ones.
    await sleep(depth % 3);
  }
  await fixture.replace(webhooks, { a: LOG });
  await eventually(() => assertEquals(sink.keys, ["webhook default/a"]));
});

Deno.test("file provider sees a folder that is moved into the place of the former one", async () => {
  await using fixture = await FileProviderFixture.create(
    {},
    (dir) => ({ webhooksFile: dir.file("config", "webhooks.json") }),
  );
  const { dir, sink, webhooks } = fixture;
  await Deno.mkdir(dir.file("config"));
  await dir.writeJson("config/webhooks.json", { a: LOG });
  await fixture.start();
  await Deno.mkdir(dir.file("new"));
  await dir.writeJson("new/webhooks.json", { b: LOG });
  await Deno.rename(dir.file("config"), dir.file("old"));
  await Deno.rename(dir.file("new"), dir.file("config"));
  await eventually(() => assertEquals(sink.keys, ["webhook default/b"]));
  await fixture.replace(webhooks, { c: LOG });
  await eventually(() => assertEquals(sink.keys, ["webhook default/c"]));
});

Deno.test("file provider finds by polling what the system does not tell about", async () => {
  await using fixture = await FileProviderFixture.create({}, (dir) => ({
    webhooksFile: dir.file("a", "b", "webhooks.json"),
    pollIntervalMs: 10,
  }));
  const { dir, sink } = fixture;
  await Deno.mkdir(dir.file("a", "b"), { recursive: true });
  await dir.writeJson("a/b/webhooks.json", { first: LOG });
  await fixture.start();
  // No watch is told that a folder two levels up was replaced.
  await Deno.mkdir(dir.file("new", "b"), { recursive: true });
  await dir.writeJson("new/b/webhooks.json", { second: LOG });
  await Deno.rename(dir.file("a"), dir.file("old"));
  await Deno.rename(dir.file("new"), dir.file("a"));
  await eventually(() => assertEquals(sink.keys, ["webhook default/second"]));
});
