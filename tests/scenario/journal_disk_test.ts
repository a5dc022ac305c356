/** What becomes of events when the disk of the journal does not play along, and that nobody has to help. */

import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess, type GatewayProcessOptions } from "../support/process/gateway_process.ts";
import { HttpTarget } from "../support/http/target.ts";
import {
  limitFileSize,
  SmallDisk,
  THROUGH_FILE_LIMIT,
  THROUGH_NO_PRIVILEGES,
  throughSlowSync,
} from "../support/disk.ts";
import { TempDir } from "../support/temp_dir.ts";

const MIB = 1024 * 1024;

/** A gateway with a webhook that needs the journal and one that does not. */
class DiskTest implements AsyncDisposable {
  readonly target: HttpTarget;
  readonly directory: TempDir;
  /** Ids of events that were answered 200. */
  readonly accepted: string[] = [];

  private constructor(target: HttpTarget, directory: TempDir) {
    this.target = target;
    this.directory = directory;
  }

  static async create(): Promise<DiskTest> {
    const target = await HttpTarget.start();
    const directory = await TempDir.create();
    const retry = { max_attempts: 1000, initial_delay: 0.05, max_delay: 0.1 };
    const durable = {
      module: "http_webhook",
      "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"], timeout: 0.5 },
      data_type: "blob",
      retry,
    };
    // Many, since one alone has its share of the disk only.
    const others = Array.from({ length: 200 }, (_, number) => [`durable-${number}`, durable]);
    await directory.writeJson("webhooks.json", {
      durable,
      ...Object.fromEntries(others),
      direct: { module: "log" },
    });
    return new DiskTest(target, directory);
  }

  start(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
    return GatewayProcess.start({
      ...options,
      cwd: this.directory.path,
      env: { SHUTDOWN_GRACE_MS: "0", ...options.env },
    });
  }

  /** Returns the status and the error's code. */
  async post(
    gateway: GatewayProcess,
    webhook: "durable" | `durable-${number}` | "direct",
    bytes = 100,
  ): Promise<Answer> {
    const body = webhook === "direct" ? "{}" : new Uint8Array(bytes);
    const answer = await fetch(`${gateway.url}/webhook/${webhook}`, { method: "POST", body });
    const { event_id, error } = await answer.json() as { event_id?: string; error?: { code: string } };
    if (webhook !== "direct" && event_id !== undefined) this.accepted.push(event_id);
    return { status: answer.status, code: error?.code, retryAfter: answer.headers.get("retry-after") };
  }

  /** What the documentation says of a disk that cannot be used. */
  async assertUnavailable(gateway: GatewayProcess): Promise<void> {
    const refused = await this.post(gateway, "durable");
    assertEquals([refused.status, refused.code], [503, "journal_unavailable"]);
    assert(Number(refused.retryAfter) > 0, "the sender is told when to try again");
    assertEquals((await this.post(gateway, "direct")).status, 200, "a webhook without journal goes on");
    assert(gateway.lines.some(({ text }) => /"level":"error".*journal/i.test(text)), gateway.process.output);
  }

  /** Without anybody's help, events are accepted again, and all of them are delivered. */
  async assertRecovers(gateway: GatewayProcess): Promise<void> {
    this.target.answer({ status: 200 });
    await eventually(async () => assertEquals((await this.post(gateway, "durable")).status, 200));
    await this.assertDelivered();
  }

  async assertDelivered(): Promise<void> {
    await eventually(() => {
      const arrived = new Set(this.target.requests.map(({ headers }) => headers.get("cwm-event-id")));
      assertEquals(this.accepted.filter((id) => !arrived.has(id)), []);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | null;
}

Deno.test("while the journal's disk is full senders get 503, and it is used again once there is room", async () => {
  await using disk = await SmallDisk.mount(16 * MIB);
  if (disk === undefined) return; // The next test shows the same without mounting anything.
  await using test = await DiskTest.create();
  test.target.answer({ status: 503 });
  await using gateway = await test.start({ env: { DATA_DIR: disk.path("data") } });
  for (let sent = 0; sent < 20; sent++) assertEquals((await test.post(gateway, "durable")).status, 200);
  await disk.fillUp("ballast");
  await eventually(async () => assertEquals((await test.post(gateway, "durable", 65_536)).status, 503));
  await test.assertUnavailable(gateway);
  await Deno.remove(disk.path("ballast"));
  await test.assertRecovers(gateway);
});

Deno.test("a journal that filled its disk is emptied when its output is back, on the same disk", async () => {
  await using disk = await SmallDisk.mount(8 * MIB);
  if (disk === undefined) return; // How the room is kept is shown by the journal's own tests.
  await using test = await DiskTest.create();
  const env = { DATA_DIR: disk.path("data") };
  test.target.answer("hang");
  {
    await using gateway = await test.start({ env });
    for (let number = 0; (await test.post(gateway, `durable-${number}`, 60_000)).status === 200;) {
      number = (number + 1) % 200;
    }
    await gateway.waitForLine(/"level":"error".*The journal's disk is full/);
    gateway.kill("SIGKILL");
    await gateway.exited;
  }
  await using gateway = await test.start({ env });
  await gateway.waitForLine(new RegExp(`journal is open: ${test.accepted.length} events are pending`));
  // Whatever is refused meanwhile must not take the room that emptying it needs.
  for (let sent = 0; sent < 20; sent++) await test.post(gateway, "durable", 60_000);
  await test.assertRecovers(gateway);
  await eventually(async () => {
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    assertEquals(/^cwm_events_pending (\d+)$/m.exec(metrics)?.[1], "0");
  });
});

Deno.test("a disk that is full before there is a journal is used once there is room", async () => {
  await using disk = await SmallDisk.mount(4 * MIB);
  if (disk === undefined) return; // The next test shows most of it without mounting anything.
  await using test = await DiskTest.create();
  await Deno.mkdir(disk.path("data"));
  await disk.fillUp("ballast");
  await using gateway = await test.start({ env: { DATA_DIR: disk.path("data") } });
  for (let sent = 0; sent < 5; sent++) await test.assertUnavailable(gateway);
  await Deno.remove(disk.path("ballast"));
  await test.assertRecovers(gateway);
});

Deno.test("while the journal's file cannot grow senders get 503, and it grows again when it may", async () => {
  await using test = await DiskTest.create();
  test.target.answer({ status: 503 });
  await using gateway = await test.start({ through: THROUGH_FILE_LIMIT });
  for (let sent = 0; sent < 20; sent++) assertEquals((await test.post(gateway, "durable")).status, 200);
  await limitFileSize(gateway.pid, 4096);
  await eventually(async () => assertEquals((await test.post(gateway, "durable", 65_536)).status, 503));
  await test.assertUnavailable(gateway);
  await limitFileSize(gateway.pid);
  await test.assertRecovers(gateway);
});

Deno.test("events of a journal on a disk that starts read-only are delivered when it is writable", async () => {
  await using disk = await SmallDisk.mount(16 * MIB);
  if (disk === undefined) return; // Without rights, see below, the journal goes the same way.
  await using test = await DiskTest.create();
  const env = { DATA_DIR: disk.path("data") };
  test.target.answer("hang");
  {
    await using gateway = await test.start({ env });
    for (let sent = 0; sent < 20; sent++) assertEquals((await test.post(gateway, "durable")).status, 200);
    gateway.kill("SIGKILL");
    await gateway.exited;
  }
  await disk.makeReadOnly();
  test.target.requests.length = 0;
  await using gateway = await test.start({ env });
  await gateway.waitUntilReady();
  assertEquals((await test.post(gateway, "direct")).status, 200, "a webhook without journal goes on");
  await disk.makeWritable();
  test.target.answer({ status: 200 });
  // Nobody sends anything that would remind the gateway of its journal.
  await test.assertDelivered();
  await test.assertRecovers(gateway);
});

Deno.test("events of a journal that may not be opened at the start are delivered when it may", async () => {
  await using test = await DiskTest.create();
  test.target.answer("hang");
  {
    await using gateway = await test.start();
    for (let sent = 0; sent < 20; sent++) assertEquals((await test.post(gateway, "durable")).status, 200);
    gateway.kill("SIGKILL");
    await gateway.exited;
  }
  const data = test.directory.file("data");
  test.target.requests.length = 0;
  await Deno.chmod(data, 0o000);
  await using gateway = await test.start({ through: THROUGH_NO_PRIVILEGES });
  await gateway.waitUntilReady();
  assertEquals((await test.post(gateway, "direct")).status, 200, "a webhook without journal goes on");
  await Deno.chmod(data, 0o700);
  test.target.answer({ status: 200 });
  // Nobody sends anything that would remind the gateway of its journal.
  await test.assertDelivered();
  await test.assertRecovers(gateway);
});

Deno.test("a directory that nothing may be made in is used as soon as it may", async () => {
  await using test = await DiskTest.create();
  await Deno.mkdir(test.directory.file("locked"), { mode: 0o500 });
  const env = { DATA_DIR: test.directory.file("locked", "data") };
  await using gateway = await test.start({ env, through: THROUGH_NO_PRIVILEGES });
  await test.assertUnavailable(gateway);
  await Deno.chmod(test.directory.file("locked"), 0o700);
  await test.assertRecovers(gateway);
});

/** What may befall the file between two runs. */
const DAMAGES: Readonly<Record<string, (path: string) => Promise<void>>> = {
  "cut in half": async (path) => await Deno.truncate(path, Math.floor((await Deno.stat(path)).size / 2)),
  "cut to nothing": async (path) => await Deno.truncate(path, 0),
  "overwritten at its beginning": (path) => scribble(path, 0, 8192),
  "overwritten in its middle": async (path) => {
    const { size } = await Deno.stat(path);
    await scribble(path, 8192, size - 8192);
  },
};

/** The files that were put out of the way. */
function setAside(directory: string): string[] {
  const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
  return names.filter((name) => name.includes(".damaged-"));
}

async function scribble(path: string, from: number, bytes: number): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(from, Deno.SeekMode.Start);
  for (let left = bytes; left > 0; left -= 65_536) {
    await file.write(crypto.getRandomValues(new Uint8Array(Math.min(left, 65_536))));
  }
}

for (const [damage, inflict] of Object.entries(DAMAGES)) {
  Deno.test(`a journal that was ${damage} is set aside with a loud line, and a new one is begun`, async () => {
    await using test = await DiskTest.create();
    test.target.answer("hang");
    {
      await using gateway = await test.start();
      // Enough that the write-ahead log is written back to the file on the way.
      for (let sent = 0; sent < 100; sent++) await test.post(gateway, "durable", 65_536);
      gateway.kill("SIGTERM");
      await gateway.exited;
    }
    await inflict(test.directory.file("data", "journal", "journal.db"));
    test.target.answer({ status: 200 });
    test.accepted.length = 0;
    await using gateway = await test.start();
    await gateway.waitUntilReady();
    await test.assertRecovers(gateway);
    await gateway.waitForLine(/"level":"error".*damaged/i, { timeoutMs: 5_000 });
    assert(setAside(test.directory.file("data", "journal")).length > 0, "the damaged file is still there");
  });
}

Deno.test("while a commit waits for a slow disk, a webhook that needs no journal is answered", async () => {
  const through = await throughSlowSync(300);
  assert(
    through !== undefined,
    "strace may not trace processes here: allow it (CAP_SYS_PTRACE) to run this test",
  );
  await using test = await DiskTest.create();
  await using gateway = await test.start({ through });
  let stored = false;
  const storing = test.post(gateway, "durable").then(({ status }) => {
    stored = true;
    return status;
  });
  for (let sent = 0; sent < 10; sent++) assertEquals((await test.post(gateway, "direct")).status, 200);
  assertEquals(stored, false, "the commit is still under way");
  assertEquals(await storing, 200);
});
