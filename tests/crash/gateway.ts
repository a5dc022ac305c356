// The gateway as operators start it, with two ordered outputs of the crash test besides the built-in modules.
import { serve } from "../../src/cli/serve.ts";
import { outputModules } from "../../src/modules/registry.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { orderedModule } from "./ordered_output.ts";

const environment = Deno.env.toObject();
const modules = [...outputModules, orderedModule("ordered_batches", 32), orderedModule("ordered_singles", 1)];
Deno.exit(await serve(loadSettings(environment, { logIsTerminal: false }), environment, modules));
