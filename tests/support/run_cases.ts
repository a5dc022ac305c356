/** Runs `cwm test` for a configuration that is given as values. */

import { test } from "../../src/cli/cases/command.ts";
import { TempDir } from "./temp_dir.ts";

/** What came of a run. */
export interface Ran {
  readonly status: number;
  readonly lines: readonly string[];
}

/** A webhook that anybody may send to. */
export const LOG = { module: "log", auth: "none" };

/** Runs the cases of a file that names the webhooks beside it. */
export async function runCases(
  webhooks: unknown,
  file: Readonly<Record<string, unknown>>,
  { args = [], connections = {}, timeoutMs }: {
    readonly args?: readonly string[];
    readonly connections?: unknown;
    readonly timeoutMs?: number;
  } = {},
): Promise<Ran> {
  await using dir = await TempDir.create();
  await dir.writeJson("webhooks.json", webhooks);
  await dir.writeJson("connections.json", connections);
  const names = { webhooks: "webhooks.json", connections: "connections.json" };
  const path = await dir.writeJson("cases.json", { ...names, ...file });
  const lines: string[] = [];
  const status = await test([path, ...args], {}, (line) => lines.push(...line.split("\n")), timeoutMs);
  return { status, lines };
}

/** One case of a request to the webhook `a`. */
export const oneCase = (
  request: unknown,
  expect: unknown,
  more: object = {},
): { readonly cases: readonly unknown[] } => ({
  cases: [{ name: "one", request: { webhook: "a", ...request as object }, expect, ...more }],
});

/** One case of {@linkcode oneCase} has passed. */
export const PASSED: Ran = { status: 0, lines: ["passed  one", "1 passed, 0 failed"] };
