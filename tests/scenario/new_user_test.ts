/** That who has nothing but the command comes to a verified event by what it prints. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { eventually } from "../support/eventually.ts";
import { ChildProcess } from "../support/process/child_process.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";

const PROGRAM =
  `exec "${Deno.execPath()}" run --allow-all --no-check --config "${join(REPOSITORY, "deno.json")}" ` +
  `"${join(REPOSITORY, "src/main.ts")}" "$@"\n`;

/** A folder with the command in it. */
async function folderWithCommand(): Promise<TempDir> {
  const folder = await TempDir.create();
  await Deno.mkdir(folder.file("bin"));
  await Deno.writeTextFile(folder.file("bin/cwm"), `#!/bin/sh\n${PROGRAM}`, { mode: 0o755 });
  await Deno.mkdir(folder.file("new"));
  return folder;
}

/** Runs a line as a shell would, in the folder of the configuration. */
async function shell(folder: TempDir, line: string): Promise<string> {
  const env = { PATH: `${folder.file("bin")}:${Deno.env.get("PATH")}`, NO_COLOR: "1" };
  await using program = ChildProcess.spawn("bash", { args: ["-c", line], cwd: folder.file("new"), env });
  await program.exited;
  return program.output;
}

Deno.test("cwm new leads to a verified event of Stripe, GitHub, Shopify and Slack", async () => {
  await Promise.all(["stripe", "github", "shopify", "slack"].map(comeToAnEvent));
});

/** Follows what is printed, line by line. */
async function comeToAnEvent(provider: string): Promise<void> {
  await using folder = await folderWithCommand();
  const printed = await shell(folder, `cwm new ${provider}`);
  const trial = /^ +(printf .* \| cwm sign .*)$/m.exec(printed)?.[1];
  assert(trial !== undefined, printed);
  assertEquals(/export (\w+)=/.exec(printed)?.[1], `${provider.toUpperCase()}_SECRET`);
  await using gateway = await GatewayProcess.start({ cwd: folder.file("new") });
  const answer = await shell(folder, trial.replace("http://localhost:8000", gateway.url));
  assertMatch(answer, provider === "slack" ? /^200 $/ : /^200 \{"message":"Event accepted"/);
  await eventually(() => assert(gateway.lines.some(({ text }) => text.includes('"payload":{"id":"evt_'))));
}

Deno.test("a new webhook takes the provider's secret once its variable is set, and no other", async () => {
  await using folder = await folderWithCommand();
  const printed = await shell(folder, "cwm new stripe");
  const trial = /^ +(printf .* \| cwm sign .*)$/m.exec(printed)?.[1] ?? "";
  const env = { STRIPE_SECRET: "whsec_of_the_dashboard" };
  await using gateway = await GatewayProcess.start({ cwd: folder.file("new"), env });
  const line = trial.replace("http://localhost:8000", gateway.url);
  assertMatch(await shell(folder, line), /^401 /);
  const signed = line.replace(/--secret '[^']*'/, "--secret whsec_of_the_dashboard");
  assertMatch(await shell(folder, signed), /^200 /);
});
