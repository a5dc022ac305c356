/** Writes the dashboard of `docker/observability/`. */

import { join } from "@std/path";
import { REPOSITORY } from "../repository.ts";
import { DASHBOARD_FILE, dashboardText } from "./dashboard.ts";

await Deno.writeTextFile(join(REPOSITORY, DASHBOARD_FILE), dashboardText());
