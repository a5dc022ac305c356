import { assert, assertEquals, assertMatch } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { HttpTarget } from "../support/http/target.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

/** A data directory, gateways on it, and where they deliver to. */
class JournalWorld implements AsyncDisposable {
  private constructor(readonly directory: TempDir, readonly target: HttpTarget) {}

  static async create(): Promise<JournalWorld> {
    const directory = await TempDir.create();
    const target = await HttpTarget.start();
    target.answer("hang");
    await directory.writeJson("webhooks.json", {
      orders: {
        module: "http_webhook",
        "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"] },
        retry: { max_attempts: 1000, initial_delay: 0.05, max_delay: 0.1 },
      },
    });
    return new JournalWorld(directory, target);
  }

  async start(): Promise<GatewayProcess> {
    const env = { DATA_DIR: this.directory.file("data"), SHUTDOWN_GRACE_MS: "0", ADMIN_TOKEN };
    const gateway = await GatewayProcess.start({ cwd: this.directory.path, env });
    await gateway.waitUntilReady();
    return gateway;
  }

  /** Sends an event and returns its id. */
  async send(gateway: GatewayProcess): Promise<string> {
    const answer = await fetch(`${gateway.url}/webhook/orders`, { method: "POST", body: "{}" });
    assertEquals(answer.status, 200);
    return (await answer.json() as { event_id: string }).event_id;
  }

  /** Runs `cwm journal` to its end. */
  async command(args: readonly string[], port = 1): Promise<{ status: number; output: string }> {
    await using program = spawnProgram({
      args: ["journal", ...args],
      cwd: this.directory.path,
      env: { DATA_DIR: this.directory.file("data"), PORT: String(port), ADMIN_TOKEN },
    });
    const { code } = await program.exited;
    return { status: code, output: program.output };
  }

  async assertDelivered(ids: readonly string[]): Promise<void> {
    await eventually(() => {
      const arrived = new Set(this.target.requests.map(({ headers }) => headers.get("cwm-event-id")));
      assertEquals(ids.filter((id) => !arrived.has(id)), []);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

Deno.test("a copy made while a gateway takes events holds all that it took before, and is restored", async () => {
  await using world = await JournalWorld.create();
  const copy = world.directory.file("copy.db");
  const before: string[] = [];
  {
    await using gateway = await world.start();
    for (let sent = 0; sent < 50; sent++) before.push(await world.send(gateway));
    // Of a command that was killed, for example: it is in nobody's way.
    const route = `${gateway.url}/admin/journal/hold`;
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const abandoned = await fetch(route, { method: "POST", headers });
    const { hold } = await abandoned.json() as { hold: number };
    let copying = true;
    const sending = (async () => {
      while (copying) await world.send(gateway);
    })();
    const { status, output } = await world.command(["backup", copy], gateway.port);
    copying = false;
    await sending;
    const late = await fetch(`${gateway.url}/admin/journal/release?hold=${hold}`, {
      method: "POST",
      headers,
    });
    assertEquals([late.status, (await late.text()).includes("written back")], [503, true]);
    assertMatch(output, /^\d+ pending events and 0 dead letters are in /);
    assertEquals(status, 0);
    assertEquals((await world.command(["backup", copy], gateway.port)).status, 1, "it is not overwritten");
    gateway.kill("SIGKILL");
    await gateway.exited;
  }
  assertEquals((await Deno.stat(copy)).mode! & 0o777, 0o600);
  await Deno.remove(world.directory.file("data"), { recursive: true });
  await Deno.mkdir(world.directory.file("data", "journal"), { recursive: true });
  await Deno.rename(copy, world.directory.file("data", "journal", "journal.db"));
  world.target.requests.length = 0;
  world.target.answer({ status: 200 });
  await using _restored = await world.start();
  await world.assertDelivered(before);
});

Deno.test("events of a file that was set aside and salvaged are delivered by a running gateway", async () => {
  await using world = await JournalWorld.create();
  const journal = world.directory.file("data", "journal");
  const ids: string[] = [];
  {
    await using gateway = await world.start();
    for (let sent = 0; sent < 20; sent++) ids.push(await world.send(gateway));
    gateway.kill("SIGTERM");
    await gateway.exited;
  }
  const name = "journal.db.damaged-2026-01-01T00-00-00.000Z";
  await Deno.rename(`${journal}/journal.db`, `${journal}/${name}`);
  world.target.requests.length = 0;
  world.target.answer({ status: 200 });
  await using gateway = await world.start();
  await world.assertDelivered([await world.send(gateway)]);
  const elsewhere = await world.command(["salvage", world.directory.file("webhooks.json")], gateway.port);
  assertMatch(elsewhere.output, /salvages only files in/);
  const { status, output } = await world.command(["salvage", `${journal}/${name}`], gateway.port);
  assertMatch(output, /^Taken over: 20 pending events, 0 dead letters, 0 events of channels$/);
  assertEquals(status, 0);
  await world.assertDelivered(ids);
  assert((await Deno.stat(`${journal}/${name}.salvaged`)).isFile, "it is not taken over twice");
});

Deno.test("without a gateway the journal is copied and salvaged by the command itself", async () => {
  await using world = await JournalWorld.create();
  const copy = world.directory.file("copy.db");
  assertMatch((await world.command(["backup", copy])).output, /There is no journal/);
  {
    await using gateway = await world.start();
    for (let sent = 0; sent < 5; sent++) await world.send(gateway);
    gateway.kill("SIGTERM");
    await gateway.exited;
  }
  const copied = await world.command(["backup", copy]);
  assertMatch(copied.output, /^5 pending events and 0 dead letters are in /);
  await Deno.remove(world.directory.file("data"), { recursive: true });
  const salvaged = await world.command(["salvage", copy]);
  assertMatch(salvaged.output, /^Taken over: 5 pending events/);
  assertEquals((await world.command(["salvage", copy])).status, 1, "there is no such file any more");
  for (const args of [[], ["copy"], ["backup"], ["backup", "a", "b"], ["salvage", "--all", "a"]]) {
    assertEquals((await world.command(args)).status, 2, args.join(" "));
  }
});
