/**
 * The page that lists the packages.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../repository.ts";

/** Where it stands. */
export const PAGE = join(REPOSITORY, "docker/SUPPLY_CHAIN.md");

const BEGIN = "<!-- packages -->";
const END = "<!-- end of packages -->";

/** The page with another table. */
export function withTable(page: string, table: string): string {
  const [before = "", rest = ""] = page.split(BEGIN);
  const [, after = ""] = rest.split(END);
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}
