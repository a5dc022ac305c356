/** Calls of the operating system that do not return, and signals that come early. */

import { createSocket } from "node:dgram";
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../../support/eventually.ts";
import type { ChildProcess } from "../../support/process/child_process.ts";
import { spawnProgram } from "../../support/process/gateway_process.ts";
import { HttpTarget } from "../../support/http/target.ts";
import { FreezableDisk } from "../../support/freezable_disk.ts";
import { TempDir } from "../../support/temp_dir.ts";
import type { Attack } from "../attack.ts";
import { httpWebhook, Victim, type Victim as Subject } from "../victim.ts";

/** Nothing answers there, so that a name is looked up until the resolver gives up. */
const SILENT_RESOLVER = "127.53.53.53";

const names: Attack = {
  name: "silent-names",
  behaviour: "destinations whose names are not resolved hold up nobody else's files, names or configuration",
  async run() {
    await using target = await HttpTarget.start();
    await using directory = await TempDir.create();
    const resolver = await directory.writeText(
      "resolv.conf",
      `nameserver ${SILENT_RESOLVER}\noptions timeout:5 attempts:2\n`,
    );
    await using _silence = await silentServer();
    const webhooks = {
      bad: { module: "http_webhook", "module-config": { url: "https://api.partner.example/hook" } },
      disk: { module: "save_to_disk", "module-config": { base_dir: "out" } },
      http: httpWebhook(target.url.replace("127.0.0.1", "localhost"), { accept: "delivered" }, {
        allowed_hosts: ["localhost"],
      }),
    };
    await using victim = await Victim.start({
      webhooks,
      // The gateway has a view of its own on the file that names the resolver.
      through: ["unshare", "-m", "sh", "-c", `mount --bind ${resolver} /etc/resolv.conf && exec "$@"`, "sh"],
    });
    for (let sent = 0; sent < 100; sent++) assertEquals((await victim.post("bad")).status, 200);
    const figures = [
      `file ${await duration(async () => assertEquals((await victim.post("disk")).status, 200))}`,
      `name ${await duration(async () => assertEquals((await victim.post("http")).status, 200))}`,
      `configuration ${await duration(() => takesChange(victim, webhooks))}`,
    ];
    return figures.join(", ");
  },
};

const frozenDisk: Attack = {
  name: "frozen-disk",
  behaviour: "a directory on a disk that hangs holds up no other directory and no configuration",
  async run() {
    await using disk = await FreezableDisk.mount();
    const saves = (base_dir: string) => ({ module: "save_to_disk", "module-config": { base_dir } });
    const webhooks = { slow: saves(`${disk.path}/out`), fine: saves("out") };
    await using victim = await Victim.start({ webhooks });
    for (const name of ["slow", "fine"]) assertEquals((await victim.post(name)).status, 200);
    // Processes with a call on a frozen disk do not end: it is thawed before the gateway is, in any case.
    await using _frozen = await disk.freeze();
    const waiting = Array.from({ length: 60 }, () => victim.post("slow").catch(() => {}));
    const figures = [
      `other directory ${await duration(async () => assertEquals((await victim.post("fine")).status, 200))}`,
      `configuration ${await duration(() => takesChange(victim, webhooks))}`,
    ];
    await disk.thaw();
    await Promise.all(waiting);
    return figures.join(", ");
  },
};

const links: Attack = {
  name: "new-link",
  behaviour: "a symbolic link that appears in the place of the configuration is seen at once",
  async run() {
    await using victim = await Victim.start({ webhooks: { before: { module: "log" } } });
    await victim.directory.writeJson("other.json", { linked: { module: "log" } });
    const path = victim.directory.file("webhooks.json");
    await Deno.remove(path);
    await eventually(async () => assertEquals((await victim.get("/livez")).status, 200));
    await Deno.symlink(victim.directory.file("other.json"), path);
    // The poll, which needs no notice of the system, comes every 30 s.
    return `seen after ${await duration(() => serves(victim, "linked"))}`;
  },
};

const hangingReload: Attack = {
  name: "hanging-reload",
  behaviour: "a configuration that cannot be read to its end is a problem, and is replaced by one that can",
  async run() {
    await using victim = await Victim.start({ webhooks: { before: { module: "log" } } });
    const path = victim.directory.file("webhooks.json");
    const pipe = victim.directory.file("pipe");
    assert((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
    await Deno.rename(pipe, path);
    await eventually(async () => {
      const { text } = await victim.get("/admin/config");
      const { problems } = JSON.parse(text) as { readonly problems: readonly unknown[] };
      assert(problems.length > 0, "/admin/config has no problem");
    }, { timeoutMs: 40_000, intervalMs: 100 });
    assertEquals((await victim.post("before")).status, 200);
    await victim.configure({ after: { module: "log" } });
    victim.gateway.kill("SIGHUP");
    return `replaced after ${await duration(() => serves(victim, "after"))}`;
  },
};

const earlySignals: Attack = {
  name: "early-signals",
  behaviour: "SIGHUP and SIGTERM while the configuration is loaded for the first time are obeyed",
  async run() {
    const many = Object.fromEntries(
      Array.from(
        { length: 60_000 },
        (_, number) => [`hook-${number}`, { module: "log", "x-pad": "p".repeat(200) }],
      ),
    );
    await using directory = await TempDir.create();
    await directory.writeJson("webhooks.json", many);
    for (const signal of ["SIGHUP", "SIGTERM"] as const) {
      await using gateway = spawnProgram({ cwd: directory.path, env: { SHUTDOWN_GRACE_MS: "0" } });
      await catchesSignals(gateway);
      assert(!gateway.output.includes("Configuration files read"), "the configuration was there before");
      gateway.kill(signal);
      if (signal === "SIGTERM") {
        const { code, signal: ended } = await gateway.exited;
        assertEquals([code, ended], [0, null], gateway.output);
      } else {
        await gateway.waitForLine(/Configuration files read/, { timeoutMs: 60_000 });
      }
    }
    return "SIGHUP goes on, SIGTERM ends with 0";
  },
};

/** Attacks by what blocks or interrupts. */
export const blockedAttacks: readonly Attack[] = [names, frozenDisk, links, hangingReload, earlySignals];

/** Takes a change of the configuration while something hangs. */
async function takesChange(victim: Subject, webhooks: Readonly<Record<string, unknown>>): Promise<void> {
  await victim.configure({ ...webhooks, added: { module: "log" } });
  await serves(victim, "added");
}

async function serves(victim: Subject, webhook: string): Promise<void> {
  await eventually(async () => assertEquals((await victim.post(webhook)).status, 200));
}

async function duration(work: () => Promise<void>): Promise<string> {
  const begun = performance.now();
  await work();
  return `${((performance.now() - begun) / 1000).toFixed(1)} s`;
}

/** proc(5): signal 1 of the mask of caught ones. Before, the system ends the process whatever it says. */
async function catchesSignals({ pid }: ChildProcess): Promise<void> {
  await eventually(async () => {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const caught = BigInt(`0x${/^SigCgt:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
    assertEquals(caught & 0x4001n, 0x4001n, "SIGHUP and SIGTERM are not caught");
  }, { intervalMs: 1 });
}

async function silentServer(): Promise<AsyncDisposable> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(53, SILENT_RESOLVER, resolve);
  });
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())) };
}
