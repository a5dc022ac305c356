/**
 * How long 10,000 webhooks take to load with `signature` and without: saved in turn and loaded by a running gateway.
 *
 * @module
 */

import { generateKeyPairSync } from "node:crypto";
import { join } from "@std/path";
import { ChildProcess } from "../support/process/child_process.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TempDir } from "../support/temp_dir.ts";
import { cpuSeconds } from "./http_load.ts";

const WEBHOOKS = 10_000;

/** More rounds than elsewhere: a load is short. */
const ROUNDS = 9;

/** Presets with secrets of every form. */
const SECRETS: readonly ((index: number) => Readonly<Record<string, string>>)[] = [
  (index) => ({ provider: "stripe", secret: `whsec_${index}` }),
  (index) => ({ provider: "github", secret: `secret-${index}` }),
  (index) => ({ provider: "shopify", secret: `secret-${index}` }),
  (index) => ({ provider: "slack", secret: `secret-${index}` }),
  (index) => ({ provider: "standard", secret: `whsec_${btoa(`secret-${index}`)}` }),
  (index) => ({ provider: "twilio", secret: `secret-${index}` }),
  (index) => ({ provider: "adyen", secret: index.toString(16).padStart(64, "0") }),
];

/** A preset with public keys, each of which is decoded, since one that is none has to be a problem. */
const PUBLIC_KEYS = [() => ({ provider: "discord", public_key: ed25519Key() })];

/** Figures of one load. */
interface Load {
  readonly cpuSeconds: number;
  readonly milliseconds: number;
}

/** What loading with presets takes, as a share of what it takes without: of the processor's time, and of all. */
export interface LoadRatios {
  readonly cpu: number;
  readonly time: number;
}

/** Measures in rounds, whose order is turned each time. @param of what the webhooks are configured with */
export async function benchAuthLoad(of: "secrets" | "public keys"): Promise<LoadRatios> {
  const signatures = of === "secrets" ? SECRETS : PUBLIC_KEYS;
  await using directory = await TempDir.create();
  const save = async (members: readonly string[]) =>
    await Deno.rename(
      await directory.writeText("saved.json", `{${members.join(",\n")}}`),
      directory.file("webhooks.json"),
    );
  await save([]);
  await using server = ChildProcess.spawn(Deno.execPath(), {
    args: [
      ...["run", "--cached-only", "--no-check", "--allow-all", "--config", join(REPOSITORY, "deno.json")],
      join(REPOSITORY, "tests/bench/servers/files_gateway.ts"),
    ],
    cwd: directory.path,
  });
  const [, , orders] = await server.waitForLine(/Serving on (\d+), orders on (\d+)/);
  const load = async (members: readonly string[]): Promise<Load> => {
    await save(members);
    const before = cpuSeconds(server.pid);
    const begun = performance.now();
    await (await fetch(`http://127.0.0.1:${orders}/reload`)).body?.cancel();
    return { cpuSeconds: cpuSeconds(server.pid) - before, milliseconds: performance.now() - begun };
  };
  const loads: (readonly [without: Load, withPresets: Load])[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const found: Load[] = [];
    for (const signed of round % 2 === 0 ? [false, true] : [true, false]) {
      await load([]);
      found.push(await load(members(round, signed ? signatures : undefined)));
    }
    const [first, second] = found as [Load, Load];
    // The first round compiles the code that the others run.
    if (round > 0) loads.push(round % 2 === 0 ? [first, second] : [second, first]);
  }
  const cpu = median(loads.map(([without, presets]) => presets.cpuSeconds / without.cpuSeconds));
  const time = median(loads.map(([without, presets]) => presets.milliseconds / without.milliseconds));
  return { cpu, time };
}

function members(round: number, signatures: typeof SECRETS | undefined): readonly string[] {
  return Array.from({ length: WEBHOOKS }, (_, index) => {
    const make = signatures?.[index % signatures.length];
    const signature = make?.(index + round * WEBHOOKS);
    return `"hook-${index}": ${
      JSON.stringify(signature === undefined ? { module: "log", auth: "none" } : { module: "log", signature })
    }`;
  });
}

function ed25519Key(): string {
  return generateKeyPairSync("ed25519").publicKey.export({ format: "der", type: "spki" }).subarray(-32)
    .toString("hex");
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
