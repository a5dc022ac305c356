/**
 * `save_to_disk`: one file an event. A file appears under its name only when it is complete and on the
 * disk; what a crash leaves behind has a name that begins with `.tmp-` and can be removed.
 *
 * @module
 */

import { resolve } from "@std/path";
import { z } from "zod";
import { outputFiles } from "../../io/blocking_calls.ts";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { permittedDirectories } from "../../settings/output_bounds.ts";
import { booleanField } from "../../schema/fields.ts";
import { type FilenamePattern, parseFilenamePattern } from "./filename_pattern.ts";
import type { DocumentedModule } from "../module.ts";
import { envelopeOf } from "../../event/envelope.ts";
import { recordedHeaders } from "../../event/recorded_headers.ts";
import { isInside, makeDirectory } from "./files.ts";
import { DirectoryOutput, type FileRules, type RealDirectory } from "./output.ts";

/** The same event gets the same name whenever it is tried again, so it is never on the disk twice. */
const DEFAULT_PATTERN = "{timestamp}_{event_id}.json";

/** Whoever configures webhooks must not become the machine's administrator by planting a file. */
const SYSTEM_DIRECTORIES = [
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/private/etc",
  "/proc",
  "/run",
  "/sbin",
  "/sys",
  "/usr",
  "/var/lib/apt",
  "/var/lib/containerd",
  "/var/lib/docker",
  "/var/lib/dpkg",
  "/var/lib/kubelet",
  "/var/lib/rpm",
  "/var/lib/systemd",
  "/var/run",
  "/var/spool/at",
  "/var/spool/cron",
  "/Library",
  "/System",
];

/** Directories, wherever they are, whose files programs read as keys, settings or program text. */
const SYSTEM_NAMES: ReadonlySet<string> = new Set([
  ".aws",
  ".bashrc.d",
  ".config",
  ".docker",
  ".gnupg",
  ".kube",
  ".ssh",
  "dist-packages",
  "site-packages",
]);

/** A compiled `module-config`. Both paths are absolute; symbolic links in them are not resolved yet. */
export interface SaveToDiskConfig {
  readonly baseDirectory: string;
  /** Inside of {@linkcode baseDirectory}. */
  readonly directory: string;
  /** Which the operator permits, with all below it; left out: none has to be permitted. */
  readonly root?: string;
  readonly pattern: FilenamePattern;
  readonly includeHeaders: boolean;
}

const pathField = z.string().min(1).refine((path) => !path.includes("\0"), {
  error: "A path cannot contain NUL",
});

const fields = z.strictObject({
  path: pathField.default(".").meta({
    description:
      "Directory for the files, relative to `base_dir` and inside of it. It is made when it is missing.",
  }),
  base_dir: pathField.default(".").meta({
    description: "Directory that `path` cannot leave, relative to the working directory.",
  }),
  filename_pattern: z.string().default(DEFAULT_PATTERN).meta({
    description: "File name with `{timestamp}`, `{event_id}`, `{uuid}`, `{webhook_id}` and `{namespace}`; " +
      "`{event_id}` or `{uuid}` must be in it.",
  }),
  include_headers: booleanField().default(false).meta({
    description:
      "`false`: the file is the body as received. `true`: it is a JSON document with the event's id, " +
      "namespace, webhook, time, headers (without credentials) and body.",
  }),
});

const configSchema: z.ZodType<SaveToDiskConfig> = fields.transform((input, issues) => {
  const baseDirectory = resolve(input.base_dir);
  const directory = resolve(baseDirectory, input.path);
  if (!isInside(baseDirectory, directory)) {
    issues.addIssue({ code: "custom", path: ["path"], message: "The directory lies outside of base_dir" });
  }
  if (isSystemDirectory(directory)) {
    issues.addIssue({
      code: "custom",
      path: ["path"],
      message: "The directory belongs to the operating system",
    });
  }
  const pattern = parseFilenamePattern(input.filename_pattern);
  if (!("problem" in pattern)) {
    return { baseDirectory, directory, pattern, includeHeaders: input.include_headers };
  }
  issues.addIssue({ code: "custom", path: ["filename_pattern"], message: pattern.problem });
  return z.NEVER;
});

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

function isSystemDirectory(path: string): boolean {
  return SYSTEM_DIRECTORIES.some((system) => isInside(system, path)) ||
    path.split("/").some((name) => SYSTEM_NAMES.has(name));
}

/** The event as a line of JSON. */
function lineOf(event: Event): Uint8Array {
  const body = event.body.isJson() ? "json" : "base64";
  return new TextEncoder().encode(`${envelopeOf(event, recordedHeaders(event.headers), body)}\n`);
}

/** Saves events as files; see the top of this file. */
export const saveToDiskModule: DocumentedModule<SaveToDiskConfig, undefined> = {
  name: "save_to_disk",
  summary: "one file an event, on disk before the 200",
  documentation: () => import("./documentation.ts"),
  connectionTypes: [],
  configSchema,
  keysWithoutEffect: {
    filename_template: "use 'filename_pattern'",
    file_extension: "end 'filename_pattern' with it",
    format: "remove it",
    append: "remove it, since every event is a file of its own",
  },
  acceptance: "delivered",
  reads: "bytes",
  maxBatch: 64,
  // One output a directory, so that a disk that hangs keeps only its own events waiting.
  partition: ({ baseDirectory, directory }) => `${baseDirectory}\0${directory}`,
  open: () => Promise.resolve(new DirectoryOutput(rules, outputFiles)),
};

/** The same module for an operator who lets files be saved in certain directories only. */
export function saveToDiskWithin(patterns: readonly string[]): DocumentedModule {
  const permitted = permittedDirectories(patterns);
  const within = configSchema.transform((config, issues) => {
    const root = permitted(config.directory);
    if (root !== undefined) return { ...config, root };
    const message = "The directory is not among those that the operator permits with SAVE_TO_DISK_ROOTS";
    issues.addIssue({ code: "custom", path: ["path"], message });
    return z.NEVER;
  });
  return { ...saveToDiskModule, configSchema: within } as DocumentedModule;
}
