import { assertEquals, assertRejects } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { formatRequest, RawHttpConnection } from "../support/http/raw_http.ts";
import { TempDir } from "../support/temp_dir.ts";
import { Container, docker, IMAGE } from "./docker.ts";

Deno.test("image becomes healthy on a read-only file system without a configuration", async () => {
  await using container = await Container.start("--health-interval=1s");
  const health = () => container.inspect("{{.State.Health.Status}}");
  await eventually(async () => assertEquals(await health(), "healthy"), { timeoutMs: 30_000 });
  assertEquals(await container.post("default"), 200);
});

Deno.test("image runs as an unprivileged user that can only write to the data volume", async () => {
  await using container = await Container.start();
  const write = (path: string) =>
    docker("exec", container.id, "deno", "eval", `Deno.writeTextFileSync("${path}/file", "")`);
  assertEquals(await docker("exec", container.id, "deno", "eval", "console.log(Deno.uid())"), "65532");
  await write("/data");
  for (const path of ["", "/app", "/config", "/deno-dir"]) await assertRejects(() => write(path), Error);
});

Deno.test("image holds no shell that an intruder could use", async () => {
  await assertRejects(() => docker("run", "--rm", "--entrypoint=sh", IMAGE, "-c", "true"), Error, "sh");
});

Deno.test("image serves a configuration folder and takes up its changes while it runs", async () => {
  await using config = await TempDir.create();
  // The container's user is nobody to this machine.
  await Deno.chmod(config.path, 0o755);
  await config.writeJson("webhooks.json", { disk: { module: "save_to_disk" } });
  await using container = await Container.start(`--volume=${config.path}:/config:ro`);
  assertEquals(await container.post("disk"), 200);

  await config.writeJson("webhooks.json.new", { log: { module: "log" } });
  await Deno.rename(config.file("webhooks.json.new"), config.file("webhooks.json"));

  await eventually(async () => assertEquals(await container.post("log"), 200));
  assertEquals(await container.post("disk"), 404);
});

Deno.test("image checks a configuration when its command is check", async () => {
  await using config = await TempDir.create();
  await Deno.chmod(config.path, 0o755);
  await config.writeJson("webhooks.json", { orders: { modul: "log" } });
  const check = () =>
    docker("run", "--rm", "--read-only", `--volume=${config.path}:/config:ro`, IMAGE, "check");
  await assertRejects(check, Error, "failed");
  await config.writeJson("webhooks.json", { orders: { module: "log", auth: "none" } });
  assertEquals(await check(), "0 problems in 1 webhook and 0 connections");
});

Deno.test("image answers a request that is under way before it ends on SIGTERM", async () => {
  await using container = await Container.start("--env=SHUTDOWN_GRACE_MS=0");
  await using connection = await RawHttpConnection.open(container.port);
  const request = formatRequest("POST", "/webhook/default", { body: `{"order":"${"x".repeat(1000)}"}` });
  await connection.write(request.subarray(0, -100));
  const stopped = container.stop();
  await eventually(async () => (await container.get("/readyz")) === 503);

  await connection.write(request.subarray(-100));

  assertEquals((await connection.readResponse()).status, 200);
  assertEquals(await stopped, 0);
});
