/**
 * `module-config` of `save_to_disk`: its schema and compiled form, and the directories that it never writes to.
 *
 * @module
 */

import { resolve } from "@std/path";
import { z } from "zod";
import { booleanField } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { type FilenamePattern, parseFilenamePattern } from "./filename_pattern.ts";
import { isInside } from "./directory.ts";

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
  include_headers: booleanField().optional().meta({
    description:
      "`false`: the file is the body as received. `true`: it is a JSON document with the event's id, " +
      "namespace, webhook, time, type where it is known, headers (without credentials) and body. Default: `false`.",
  }),
  forward_headers: booleanField().optional().meta({ description: "The same as `include_headers`." }),
});

/** Strict schema that ends in the compiled form. */
export const saveToDiskConfigSchema: z.ZodType<SaveToDiskConfig> = fields.transform((input, issues) => {
  const includeHeaders = eitherOf(input, "include_headers", "forward_headers", issues) ?? false;
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
    return { baseDirectory, directory, pattern, includeHeaders };
  }
  issues.addIssue({ code: "custom", path: ["filename_pattern"], message: pattern.problem });
  return z.NEVER;
});

/** Whether a directory belongs to the operating system, or holds what programs read as keys or settings. */
export function isSystemDirectory(path: string): boolean {
  return SYSTEM_DIRECTORIES.some((system) => isInside(system, path)) ||
    path.split("/").some((name) => SYSTEM_NAMES.has(name));
}
