// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test:sdk`: asks the providers' own SDKs and the gateway the same questions.
 *
 *     deno task test:sdk                          every preset with an SDK
 *     deno task test:sdk stripe slack             these alone
 *     deno task test:sdk --rounds 10 --seed 7     more fresh requests, or others
 *
 * Questions are the recorded cases, on which each SDK must still say what it said, and fresh random requests: signed as
 * the provider does, with bodies of several kinds, and with something changed. The gateway is asked as by
 * `cwm verify --cases`. The exit status is 0 only if no answers differ but where the gateway is stricter on purpose.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { signatureCases } from "../support/signatures/cases.ts";
import { adapters } from "./asker/adapters.ts";
import { Comparison } from "./comparison.ts";
import { Draw } from "./fresh/draw.ts";
import { bundleAsker, installSdks } from "./installation.ts";
import { SdkProcess } from "./sdk_process.ts";

Deno.exit(await main());

/** Returns the exit status. */
async function main(): Promise<number> {
  const options = parseArgs(Deno.args, { string: ["rounds", "seed"] });
  const names = options._.map(String).filter((name) => name !== "--");
  const unknown = names.filter((name) => !Object.hasOwn(adapters, name));
  if (unknown.length > 0) {
    console.error(`No SDK is asked about: ${unknown.join(", ")}`);
    return 2;
  }
  const seed = Number(options["seed"] ?? Date.now() % 1_000_000);
  const rounds = Number(options["rounds"] ?? 3);
  const folder = await installSdks();
  await using sdks = SdkProcess.start(await bundleAsker(folder));
  console.log(`seed ${seed}, ${rounds} rounds of fresh requests\n`);
  const run = new Comparison(sdks);
  const cases = await signatureCases();
  for (const preset of names.length > 0 ? names : Object.keys(adapters).sort()) {
    const ofPreset = cases.filter((each) => each.preset === preset);
    await run.compareRecorded(preset, ofPreset);
    await run.compareFresh(preset, ofPreset, new Draw(seed), rounds);
  }
  return run.report();
}
