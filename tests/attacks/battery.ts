/** Every attack of the battery, in the order in which it is run. */

import type { Attack } from "./attack.ts";
import { blockedAttacks } from "./situations/blocked.ts";
import { bodyAttacks } from "./situations/bodies.ts";
import { connectionAttacks } from "./situations/connections.ts";
import { diskAttacks } from "./situations/disk.ts";
import { jsonAttacks } from "./situations/json.ts";
import { operatorAttacks } from "./situations/operators.ts";
import { refusalAttacks } from "./situations/refusals.ts";
import { shareAttacks } from "./situations/shares.ts";
import { targetAttacks } from "./situations/targets.ts";

/** A gateway holds when it holds against all of them. */
export const BATTERY: readonly Attack[] = [
  ...bodyAttacks,
  ...jsonAttacks,
  ...connectionAttacks,
  ...shareAttacks,
  ...targetAttacks,
  ...refusalAttacks,
  ...blockedAttacks,
  ...diskAttacks,
  ...operatorAttacks,
];
