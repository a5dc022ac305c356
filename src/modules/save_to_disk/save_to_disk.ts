/**
 * `save_to_disk`: one file an event. A file appears under its name only when it is complete and on the
 * disk; what a crash leaves behind has a name that begins with `.tmp-` and can be removed.
 *
 * @module
 */

import { z } from "zod";
import { outputFiles } from "../../io/blocking_calls.ts";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { permittedDirectories } from "../../settings/output_bounds.ts";
import { isSystemDirectory, type SaveToDiskConfig, saveToDiskConfigSchema } from "./config.ts";
import type { DocumentedModule } from "../module.ts";
import { envelopeOf } from "../../event/envelope.ts";
import { recordedHeaders } from "../../event/recorded_headers.ts";
import { isInside, makeDirectory } from "./directory.ts";
import { DirectoryOutput, type FileRules, type RealDirectory } from "./output.ts";
import { diskWriters } from "./writer/disk_writer.ts";

/** How the files of a directory are made. */
const rules: FileRules<SaveToDiskConfig> = {
  directoryOf: ({ directory }) => directory,
  resolve: resolveDirectory,
  fileOf: (event, { pattern, includeHeaders }) => ({
    name: pattern.render(event),
    content: includeHeaders ? lineOf(event) : event.body.bytes,
    isSameIfExists: pattern.isStable,
  }),
};

async function resolveDirectory(config: SaveToDiskConfig): Promise<RealDirectory> {
  const path = await realDirectoryOf(config);
  return { path, device: (await Deno.stat(path)).dev };
}

/** Makes a directory where it is missing, and returns its real path. */
async function realDirectoryOf({ root, baseDirectory, directory }: SaveToDiskConfig): Promise<string> {
  const permitted = root === undefined ? undefined : await makeDirectory(root, refuseSystemDirectory);
  const base = await makeDirectory(baseDirectory, refuseSystemDirectory);
  if (directory === baseDirectory && permitted === undefined) return base;
  return await makeDirectory(directory, (real) => {
    refuseSystemDirectory(real);
    if (permitted !== undefined && !isInside(permitted, real)) {
      throw new DeliveryError("output_rejected", `Directory ${directory} leads out of ${root}, to ${real}`);
    }
    if (isInside(base, real)) return;
    throw new DeliveryError("output_rejected", `Directory ${directory} leads out of base_dir, to ${real}`);
  });
}

/** Links may lead where the configured path did not show it. */
function refuseSystemDirectory(real: string): void {
  if (!isSystemDirectory(real)) return;
  throw new DeliveryError(
    "output_rejected",
    `Directory ${real} belongs to the operating system: change path`,
  );
}

/** The event as a line of JSON. */
function lineOf(event: Event): Uint8Array {
  const body = event.body.isJson() ? "json" : "base64";
  return new TextEncoder().encode(`${envelopeOf(event, recordedHeaders(event.headers), body)}\n`);
}

/** Saves events as files. */
export const saveToDiskModule: DocumentedModule<SaveToDiskConfig, undefined> = {
  name: "save_to_disk",
  summary: "one file an event, on disk before the 200",
  documentation: () => import("./documentation.ts"),
  connectionTypes: [],
  configSchema: saveToDiskConfigSchema,
  keysWithoutEffect: {
    filename_template: "use 'filename_pattern'",
    file_extension: "end 'filename_pattern' with it",
    format: "remove it",
    append: "remove it, since every event is a file of its own",
  },
  destinations: ({ baseDirectory, directory }) => [
    { kind: "directories", name: baseDirectory, key: "base_dir" },
    ...(directory === baseDirectory ? [] : [{ kind: "directories", name: directory, key: "path" } as const]),
  ],
  acceptance: "delivered",
  reads: "bytes",
  maxBatch: 64,
  maxBatchBytes: 4 * 1024 * 1024,
  // While files of one are flushed, those of others are written, and the file system flushes all in one.
  gathers: 3,
  concurrency: 8,
  // One output a directory, so that a disk that hangs keeps only its own events waiting.
  partition: ({ baseDirectory, directory }) => `${baseDirectory}\0${directory}`,
  open: () => Promise.resolve(new DirectoryOutput(rules, outputFiles, diskWriters)),
};

/** The same module for an operator who lets files be saved in certain directories only. */
export function saveToDiskWithin(patterns: readonly string[]): DocumentedModule {
  const permitted = permittedDirectories(patterns);
  const within = saveToDiskConfigSchema.transform((config, issues) => {
    const root = permitted(config.directory);
    if (root !== undefined) return { ...config, root };
    const message = "The directory is not among those that the operator permits with SAVE_TO_DISK_ROOTS";
    issues.addIssue({ code: "custom", path: ["path"], message });
    return z.NEVER;
  });
  return { ...saveToDiskModule, configSchema: within } as DocumentedModule;
}
