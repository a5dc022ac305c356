import { isLargeMap } from "../json/large_maps.ts";
import type { Budget } from "./budget.ts";
import type { ValueMap } from "./value.ts";

/** Steps for each name: those of a large map lie all over the memory. */
const NAME_COST = 4;

/**
 * The names of a map's members. Those of a map that is known to be large are too much for any budget.
 *
 * @throws {BudgetExhausted}
 */
export function namesOf(map: ValueMap, budget: Budget): readonly string[] {
  if (isLargeMap(map)) budget.spend(Infinity);
  const names = Object.keys(map);
  budget.spend(names.length * NAME_COST);
  return names;
}
