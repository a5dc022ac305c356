/** Disks that go, fill up and are copied while a gateway writes to them. */

import { assert, assertEquals } from "@std/assert";
import { SmallDisk } from "../../support/disk.ts";
import { eventually } from "../../support/eventually.ts";
import { spawnProgram } from "../../support/process/gateway_process.ts";
import { HttpTarget } from "../../support/http/target.ts";
import type { Attack } from "../attack.ts";
import { ADMIN_TOKEN, httpWebhook, MIB, RETRY, Victim } from "../victim.ts";

/** Events that were answered 200, and a destination that is down until it is told otherwise. */
class Promises implements AsyncDisposable {
  readonly accepted = new Set<string>();

  private constructor(readonly target: HttpTarget) {}

  static async start(): Promise<Promises> {
    const target = await HttpTarget.start();
    target.answer({ status: 503 });
    return new Promises(target);
  }

  get webhooks(): Readonly<Record<string, unknown>> {
    const durable = httpWebhook(this.target.url, { retry: RETRY });
    const many = Array.from({ length: 100 }, (_, number) => [`d${number}`, durable]);
    return { d: durable, ...Object.fromEntries(many), direct: { module: "log" } };
  }

  /** Returns the status and the code. */
  async post(victim: Victim, body?: string, webhook = "d"): Promise<string> {
    const { status, code, eventId } = await victim.post(webhook, body);
    if (status === 200) this.accepted.add(eventId!);
    return code === undefined ? String(status) : `${status} ${code}`;
  }

  /** Those that have not arrived. */
  get missing(): number {
    const arrived = new Set(this.target.requests.map(({ headers }) => headers.get("cwm-event-id")));
    return [...this.accepted].filter((id) => !arrived.has(id)).length;
  }

  /** The destination is up: everything arrives, without anybody's help. */
  async kept(): Promise<void> {
    this.target.requests.length = 0;
    this.target.answer({ status: 200 });
    await eventually(() => assertEquals(this.missing, 0, `of ${this.accepted.size} answered 200`), {
      timeoutMs: 30_000,
      intervalMs: 50,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
  }
}

/** What may happen to `DATA_DIR`. */
const REMOVALS: Readonly<Record<string, (data: string) => Promise<void>>> = {
  removed: (data) => Deno.remove(data, { recursive: true }),
  renamed: (data) => Deno.rename(data, `${data}.old`),
  "replaced by an empty one": async (data) => {
    await Deno.rename(data, `${data}.old`);
    await Deno.mkdir(data);
  },
};

const removed: Attack = {
  name: "data-directory-gone",
  behaviour: "nothing that was answered 200 is lost when DATA_DIR is removed, renamed or replaced",
  async run() {
    const figures: string[] = [];
    for (const [what, happen] of Object.entries(REMOVALS)) {
      await using promises = await Promises.start();
      await using victim = await Victim.start({ webhooks: promises.webhooks });
      for (let sent = 0; sent < 20; sent++) assertEquals(await promises.post(victim), "200");
      await happen(victim.directory.file("data"));
      const answers: string[] = [];
      await eventually(async () => {
        answers.push(await promises.post(victim));
        const { text } = await victim.get("/metrics");
        // It was noticed, and has been mended, when a file stands there again and events are taken.
        await Deno.stat(victim.directory.file("data", "journal", "journal.db"));
        assert(answers.at(-1) === "200" && /^cwm_events_pending (?!0$)/m.test(text), answers.at(-1));
      }, { timeoutMs: 20_000, intervalMs: 20 });
      assertEquals(await victim.stop(), 0);
      await victim.restart();
      await promises.kept();
      figures.push(
        `${what}: ${promises.accepted.size} kept, ${answers.filter((one) => one !== "200").length} refused`,
      );
    }
    return figures.join("; ");
  },
};

const notAllowed: Attack = {
  name: "data-directory-impossible",
  behaviour: "a gateway whose DATA_DIR cannot be made again accepts nothing for it, and says why",
  async run() {
    await using promises = await Promises.start();
    const env = { DATA_DIR: "volume/data" };
    await using victim = await Victim.start({ webhooks: promises.webhooks, env });
    const volume = victim.directory.file("volume");
    assertEquals(await promises.post(victim), "200");
    await Deno.rename(volume, `${volume}.old`);
    await Deno.writeTextFile(volume, "");
    await eventually(async () => assertEquals(await promises.post(victim), "503 journal_unavailable"));
    await eventually(async () => assertEquals((await victim.get("/readyz")).status, 503));
    assertEquals((await victim.post("direct")).status, 200);
    const { text } = await victim.get("/readyz");
    await Deno.remove(volume);
    await Deno.rename(`${volume}.old`, volume);
    await eventually(async () => assertEquals(await promises.post(victim), "200"));
    await promises.kept();
    return `/readyz: ${text.slice(0, 160)}`;
  },
};

const full: Attack = {
  name: "journal-fills-disk",
  behaviour: "a journal that has filled its disk is delivered and takes events again, on the same disk",
  async run() {
    await using disk = await SmallDisk.mount(12 * MIB);
    assert(disk !== undefined, "nothing may be mounted here: run it as root");
    await using promises = await Promises.start();
    const env = { DATA_DIR: disk.path("data") };
    await using victim = await Victim.start({ webhooks: promises.webhooks, env });
    const body = `"${"x".repeat(200_000)}"`;
    // Many webhooks: one alone has its share of the disk only.
    for (let sent = 0, refused = 0; refused < 5; sent++) {
      if (await promises.post(victim, body, `d${sent % 100}`) === "503 journal_unavailable") refused++;
    }
    const accepted = promises.accepted.size;
    const pending = await victim.metric("cwm_events_pending");
    assert(pending >= accepted, `${accepted} were answered 200, and ${pending} are pending`);
    await promises.kept();
    await victim.drained();
    await eventually(async () => assertEquals(await promises.post(victim, body), "200"), {
      timeoutMs: 20_000,
    });
    return `${accepted} events accepted and delivered`;
  },
};

const share: Attack = {
  name: "journal-share",
  behaviour: "a webhook whose output is down cannot fill the journal for the others",
  isShort: true,
  async run() {
    await using promises = await Promises.start();
    const env = { JOURNAL_MAX_BYTES: String(16 * MIB) };
    await using victim = await Victim.start({ webhooks: promises.webhooks, env });
    const body = `"${"x".repeat(1_000_000)}"`;
    let answer = "200";
    while (answer === "200") answer = await promises.post(victim, body);
    assertEquals(answer, "503 journal_share_full");
    const accepted = promises.accepted.size;
    for (let sent = 0; sent < 5; sent++) assertEquals(await promises.post(victim, body, `d${sent}`), "200");
    await eventually(async () => {
      const { webhooks: [first] } = JSON.parse((await victim.get("/admin/journal")).text);
      assertEquals([first?.webhook, first?.bytes > 4_000_000], ["d", true]);
    });
    assert(await victim.metric("cwm_journal_webhook_bytes") > 4_000_000);
    await promises.kept();
    await eventually(async () => assertEquals(await promises.post(victim, body), "200"));
    return `${accepted} MB accepted for it, then 503, and 200 for others`;
  },
};

const backup: Attack = {
  name: "journal-backup",
  behaviour: "a copy of the journal that is made while events come in has all that were accepted before it",
  async run() {
    await using promises = await Promises.start();
    await using victim = await Victim.start({ webhooks: promises.webhooks });
    for (let sent = 0; sent < 100; sent++) assertEquals(await promises.post(victim), "200");
    const before = new Set(promises.accepted);
    let isCopying = true;
    const others = Promise.all(Array.from({ length: 4 }, async () => {
      while (isCopying) await promises.post(victim);
    }));
    const copy = victim.directory.file("copy.db");
    await journalCommand(victim, "backup", copy);
    isCopying = false;
    await others;
    victim.gateway.kill("SIGKILL");
    await victim.gateway.exited;
    await Deno.remove(victim.directory.file("data"), { recursive: true });
    await Deno.mkdir(victim.directory.file("data", "journal"), { recursive: true });
    await Deno.rename(copy, victim.directory.file("data", "journal", "journal.db"));
    const later = promises.accepted.size - before.size;
    for (const id of promises.accepted) if (!before.has(id)) promises.accepted.delete(id);
    await victim.restart();
    await promises.kept();
    return `${before.size} kept; ${later} were accepted during the copy`;
  },
};

const salvage: Attack = {
  name: "journal-salvage",
  behaviour: "what a damaged journal still holds is taken over from the file that was set aside",
  async run() {
    await using promises = await Promises.start();
    await using victim = await Victim.start({ webhooks: promises.webhooks });
    for (let sent = 0; sent < 100; sent++) {
      assertEquals(await promises.post(victim, `"${"x".repeat(5_000)}"`), "200");
    }
    await victim.stop();
    const directory = victim.directory.file("data", "journal");
    const file = `${directory}/journal.db`;
    await Deno.truncate(file, Math.floor((await Deno.stat(file)).size * 0.75));
    await victim.restart();
    await victim.gateway.waitUntilReady();
    assertEquals(await promises.post(victim), "200");
    const names = Array.from(Deno.readDirSync(directory), ({ name }) => name);
    const damaged = names.find((name) =>
      name.startsWith("journal.db.damaged-") && !/-(?:wal|shm)$/.test(name)
    );
    assert(damaged !== undefined, names.join(", "));
    await journalCommand(victim, "salvage", `${directory}/${damaged}`);
    promises.target.requests.length = 0;
    promises.target.answer({ status: 200 });
    await victim.drained();
    const kept = promises.accepted.size - promises.missing;
    assert(kept > 50, `${kept} of ${promises.accepted.size} events came back`);
    return `${kept} of ${promises.accepted.size} events out of a file that was cut by a quarter`;
  },
};

const second: Attack = {
  name: "second-gateway",
  behaviour: "a second gateway on a data directory is not ready and accepts nothing for it",
  async run() {
    await using promises = await Promises.start();
    await using first = await Victim.start({ webhooks: promises.webhooks });
    assertEquals(await promises.post(first), "200");
    const env = { DATA_DIR: first.directory.file("data") };
    await using other = await Victim.prepare({ webhooks: promises.webhooks, env });
    await other.restart();
    let ended = false;
    void other.gateway.exited.then(() => ended = true);
    const answers = new Set<number>();
    for (let asked = 0; asked < 50 && !ended; asked++) {
      answers.add((await other.get("/readyz")).status);
      const { status } = await other.post("d");
      assert(status !== 200, "it has accepted an event");
    }
    assertEquals([...answers], [503]);
    await first.stop();
    await other.gateway.waitUntilReady();
    assertEquals(await promises.post(other), "200");
    await promises.kept();
    return "503 until the first has ended";
  },
};

/** Attacks on what must survive. */
export const diskAttacks: readonly Attack[] = [removed, notAllowed, full, share, backup, salvage, second];

/** Runs `cwm journal` beside the gateway. */
async function journalCommand({ directory, port }: Victim, ...args: readonly string[]): Promise<void> {
  await using program = spawnProgram({
    args: ["journal", ...args],
    cwd: directory.path,
    env: { PORT: String(port), ADMIN_TOKEN },
  });
  const { code } = await program.exited;
  assertEquals(code, 0, program.output);
}
