import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { eventually } from "../support/eventually.ts";
import { REPOSITORY } from "../support/repository.ts";
import { docker } from "./docker.ts";

const IMAGE = "core-webhook-module-systemd";

/** How long systemd may take to start, in milliseconds. It only bounds failures. */
const TIMEOUT_MS = 60_000;

/** A machine that systemd runs, as far as a container can be one. Disposal removes it. */
class Machine implements AsyncDisposable {
  private constructor(readonly id: string) {}

  static async start(): Promise<Machine> {
    const network = Deno.env.get("BUILD_NETWORK") ?? "default";
    const file = join(REPOSITORY, "tests/docker/systemd.Dockerfile");
    const units = join(REPOSITORY, "docker/systemd");
    await docker("build", "--quiet", `--network=${network}`, `--file=${file}`, `--tag=${IMAGE}`, units);
    const id = await docker(
      "run",
      "--detach",
      "--privileged",
      "--cgroupns=private",
      "--tmpfs=/run",
      "--tmpfs=/tmp",
      "--env=container=docker",
      IMAGE,
    );
    const machine = new Machine(id);
    await eventually(
      async () => assertEquals(await machine.run("systemctl", "is-system-running"), "running"),
      {
        timeoutMs: TIMEOUT_MS,
      },
    );
    return machine;
  }

  /** Runs a command and returns what it printed. */
  run(...command: readonly string[]): Promise<string> {
    return docker("exec", this.id, ...command);
  }

  /** The status that `/readyz` has at a port. */
  async readiness(port: number): Promise<string> {
    const answer = await this.run("curl", "--silent", `http://127.0.0.1:${port}/readyz`);
    return (JSON.parse(answer) as { readonly status: string }).status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker("rm", "--force", "--volumes", this.id);
  }
}

Deno.test("systemd starts gateways that share a port, and knows when each is ready", async () => {
  await using machine = await Machine.start();
  assertEquals(await machine.run("systemd-analyze", "verify", "cwm@1.service"), "");
  await machine.run("systemctl", "start", "cwm@1", "cwm@2");
  for (const port of [8000, 8101, 8102]) assertEquals(await machine.readiness(port), "ready");
  assertEquals(await machine.run("ps", "--no-headers", "-o", "comm", "-u", "cwm"), "deno\ndeno");
  for (const instance of [1, 2]) await machine.run("test", "-d", `/var/lib/cwm/${instance}/journal`);

  await machine.run("systemctl", "restart", "cwm@1");
  for (const port of [8000, 8101, 8102]) assertEquals(await machine.readiness(port), "ready");
  await machine.run("systemctl", "stop", "cwm@1");
  assertEquals(await machine.readiness(8000), "ready");
  await machine.run("systemctl", "stop", "cwm@2");
  assertEquals(await machine.run("systemctl", "show", "--property=Result", "cwm@1"), "Result=success");
});

Deno.test("systemd starts a gateway alone", async () => {
  await using machine = await Machine.start();
  assertEquals(await machine.run("systemd-analyze", "verify", "core-webhook-module.service"), "");
  await machine.run("systemctl", "start", "core-webhook-module");
  await eventually(async () => assertEquals(await machine.readiness(8000), "ready"), {
    timeoutMs: TIMEOUT_MS,
  });
  await machine.run("systemctl", "stop", "core-webhook-module");
  assertEquals(
    await machine.run("systemctl", "show", "--property=Result", "core-webhook-module"),
    "Result=success",
  );
});
