/**
 * Files that are merged, as the source of a migration. Nothing is written to them: who could say to which one?
 *
 * @module
 */

import { mergeLayers } from "../../config/file/layers.ts";
import { readFileContent } from "../../config/values/json_file.ts";
import { quoteJson } from "../../observability/safe_text.ts";
import { MigrationError, type StoreRole } from "../configuration.ts";
import type { FileKind, FileValues } from "./config_file.ts";

/**
 * Reads files as the gateway does: each is merged into those before it.
 *
 * @throws {MigrationError} `unreadable` when one cannot be read or does not parse, or for a target
 */
export async function readLayeredFiles(
  paths: readonly string[],
  kind: FileKind,
  role: StoreRole,
): Promise<FileValues> {
  if (role === "target") {
    throw new MigrationError(
      "unreadable",
      `Cannot write to ${paths.join(", ")}: they are merged. Name one file for what comes from etcd`,
    );
  }
  const files = await Promise.all(paths.map(async (path) => ({ path, bytes: await bytesOf(path) })));
  const merged = await mergeLayers(files, kind);
  if ("problems" in merged) {
    const reasons = Array.from(merged.problems, ([path, { message }]) => `${path}: ${message}`);
    throw new MigrationError("unreadable", `Cannot use ${reasons.join("; ")}`);
  }
  return {
    values: Array.from(merged.values, ([name, value]) => ({
      key: kind.keyOf(name),
      value,
      text: "json" in value ? JSON.stringify(value.json) : "",
    })),
    foreign: Array.from(merged.badNames, ([name, place]) => ({
      subject: `${place}: ${quoteJson(name)}`,
      path: "",
      message: kind.rule,
    })),
    remarks: [],
  };
}

async function bytesOf(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const content = await readFileContent(path);
  if (!("problem" in content)) return content.bytes;
  throw new MigrationError("unreadable", `Cannot use ${path}: ${content.problem.message}`);
}
