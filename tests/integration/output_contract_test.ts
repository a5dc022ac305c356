import { outputModules } from "../../src/modules/registry.ts";
import { testOutputContract } from "../contracts/output.ts";
import { outputWorld } from "../worlds/worlds.ts";

/** Modules to test, separated by commas: `deno task test:real` names those of the system that it has. */
const selection = Deno.env.get("OUTPUT_MODULES")?.split(",");

for (const module of outputModules) {
  if (selection?.includes(module.name) ?? true) testOutputContract(module, await outputWorld(module.name));
}
