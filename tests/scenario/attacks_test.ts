/** The quick attacks of the battery, which is `deno task test:attacks`. */

import { BATTERY } from "../attacks/battery.ts";

for (const { name, behaviour, isShort, run } of BATTERY) {
  if (isShort !== true) continue;
  Deno.test(`under attack by ${name}, ${behaviour}`, async () => void await run());
}
