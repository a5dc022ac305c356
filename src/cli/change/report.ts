/**
 * The lines that commands for one webhook or connection print. Secrets are in none of them.
 *
 * @module
 */

import type { ProblemReason, WarningReason } from "../../config/problem.ts";
import { showDifferences } from "../../migrate/single/difference.ts";
import type { FormerText, KeyHistory } from "../../migrate/single/place.ts";
import { escapeUnsafe } from "../../observability/safe_text.ts";
import { withoutSecrets } from "../print/without_secrets.ts";

/** Longest value of a difference that is printed whole, in characters. */
const SHOWN_CHARACTERS = 400;

/** Most paths of one version that a history names. */
const SHOWN_PATHS = 6;

/** How two texts differ, with `-` before what goes and `+` before what comes. None where they are the same. */
export function differenceLines(before: string | undefined, after: string | undefined): string[] {
  const differences = showDifferences(before, after, withoutSecrets);
  if (differences.length === 0) {
    return before === after ? [] : ["Only the layout changes: white space, or the order of keys"];
  }
  return differences.flatMap(({ path, before, after }) => {
    const place = path === "" ? "" : `${path}: `;
    const note = before !== undefined && before === after ? " (another secret)" : "";
    return [
      ...before === undefined ? [] : [`- ${place}${shortened(before)}`],
      ...after === undefined ? [] : [`+ ${place}${shortened(after)}${note}`],
    ];
  }).map(escapeUnsafe);
}

/** One line a version, and how far back they go. */
export function historyLines({ versions, reach }: KeyHistory): string[] {
  if (versions.every(({ text }) => text === undefined)) return ["There is nothing, and never was", reach];
  const lines = versions.map((version, index) => {
    const isCurrent = index === versions.length - 1;
    return `${version.revision}${timeOf(version)}  ${describe(version, versions[index - 1])}${
      isCurrent ? "  (now)" : ""
    }`;
  });
  return [...lines, reach];
}

function timeOf({ until }: FormerText): string {
  return until === undefined ? "" : `  until ${new Date(until).toISOString()}`;
}

function describe({ text }: FormerText, former: FormerText | undefined): string {
  if (text === undefined) return former === undefined ? "not there" : "deleted";
  if (former === undefined) return "written";
  if (former.text === undefined) return "written";
  const paths = showDifferences(former.text, text, withoutSecrets)
    .map(({ path }) => path === "" ? "the whole value" : path);
  if (paths.length === 0) return former.text === text ? "written, the same" : "changed: the layout alone";
  const more = paths.length - SHOWN_PATHS;
  return escapeUnsafe(
    `changed: ${paths.slice(0, SHOWN_PATHS).join(", ")}${more > 0 ? ` and ${more} more` : ""}`,
  );
}

/** A problem or warning of the value. */
export function findingLine(
  kind: "problem" | "warning",
  name: string,
  reason: ProblemReason | WarningReason,
): string {
  const { path, message, code } = reason;
  return escapeUnsafe(`${kind}  ${name}: ${path === "" ? "" : `${path}: `}${message} (${code})`);
}

function shortened(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
