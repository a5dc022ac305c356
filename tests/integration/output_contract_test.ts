import { outputModules } from "../../src/modules/registry.ts";
import type { OutputModule } from "../../src/modules/module.ts";
import { type OutputWorld, testOutputContract } from "../contracts/output.ts";
import { testPythonForms } from "../contracts/python_forms.ts";
import { testSilence } from "../contracts/silence.ts";
import { outputWorld } from "../worlds/worlds.ts";

/** Modules to test, separated by commas: `deno task test:real` names those of the system that it has. */
const selection = Deno.env.get("OUTPUT_MODULES")?.split(",");

const worlds = new Map<OutputModule, OutputWorld>();
for (const module of outputModules) {
  if (selection?.includes(module.name) ?? true) worlds.set(module, await outputWorld(module.name));
}
for (const [module, world] of worlds) testOutputContract(module, world);
testSilence(worlds);
testPythonForms(worlds);
