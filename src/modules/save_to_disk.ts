/**
 * `save_to_disk`: one file an event. A file appears under its name only when it is complete and on the
 * disk; what a crash leaves behind has a name that begins with `.tmp-` and can be removed.
 *
 * @module
 */

import { resolve } from "@std/path";
import { z } from "zod";
import { DeliveryError } from "../errors.ts";
import type { Event } from "../event.ts";
import { booleanField } from "../schema_fields.ts";
import { type FilenamePattern, parseFilenamePattern } from "./filename_pattern.ts";
import type { Attempt, Delivery, DeliveryResult, Output, OutputModule } from "./module.ts";
import { recordedHeaders } from "./recorded_headers.ts";
import { createFile, flushDirectory, isInside, judgeDiskError, makeDirectory } from "./save_to_disk_files.ts";

/** The same event gets the same name whenever it is tried again, so it is never on the disk twice. */
const DEFAULT_PATTERN = "{timestamp}_{event_id}.json";

/** Whoever configures webhooks must not become the machine's administrator by planting a file. */
const SYSTEM_DIRECTORIES = [
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/lib",
  "/lib64",
  "/proc",
  "/sbin",
  "/sys",
  "/usr",
  "/var/spool/cron",
];

/** A compiled `module-config`. Both paths are absolute; symbolic links in them are not resolved yet. */
export interface SaveToDiskConfig {
  readonly baseDirectory: string;
  /** Inside of {@linkcode baseDirectory}. */
  readonly directory: string;
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

/** Writes the events of all webhooks that use the module. */
class SaveToDiskOutput implements Output<SaveToDiskConfig> {
  readonly #underway = new Set<Promise<unknown>>();

  async deliver(
    batch: readonly Delivery<SaveToDiskConfig>[],
    attempt: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const { signal } = attempt;
    const work = saveBatch(batch, signal);
    this.#underway.add(work);
    const forget = () => this.#underway.delete(work);
    work.then(forget, forget);
    return await unlessAborted(work, signal);
  }

  /** There is nothing to ask: a directory belongs to a webhook, not to the output. */
  probe(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits for attempts that were given up while the disk was at work: they still have files open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#underway);
  }
}

/** Disk operations cannot be aborted. An attempt that is given up ends here, and cleans up when the disk answers. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () =>
      reject(new DeliveryError("output_timeout", "The disk did not take the event in time"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Saves all events, then makes their names durable with one flush a directory. */
async function saveBatch(
  batch: readonly Delivery<SaveToDiskConfig>[],
  signal: AbortSignal,
): Promise<readonly DeliveryResult[]> {
  const saved = await Promise.all(batch.map(({ event, config }) => {
    return orDeliveryError(config.directory, () => save(event, config, signal));
  }));
  const directories = new Set(saved.filter((outcome) => typeof outcome === "string"));
  const flushed = new Map<string, DeliveryResult>();
  await Promise.all(Array.from(directories, async (directory) => {
    const failure = await orDeliveryError(directory, () => flushDirectory(directory));
    flushed.set(directory, failure ?? "delivered");
  }));
  return saved.map((outcome) => typeof outcome === "string" ? flushed.get(outcome)! : outcome);
}

/** Puts the event's file in place and returns the real path of its directory, which is not flushed yet. */
async function save(event: Event, config: SaveToDiskConfig, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const base = await makeDirectory(config.baseDirectory, refuseSystemDirectory);
  const directory = await makeDirectory(config.directory, (real) => {
    refuseSystemDirectory(real);
    if (isInside(base, real)) return;
    throw new DeliveryError(
      "output_rejected",
      `Directory ${config.directory} leads out of base_dir, to ${real}`,
    );
  });
  await createFile({
    directory,
    name: config.pattern.render(event),
    content: config.includeHeaders ? envelopeOf(event) : event.body.bytes,
    isSameIfExists: config.pattern.isStable,
  }, signal);
  return directory;
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
  return SYSTEM_DIRECTORIES.some((system) => isInside(system, path));
}

async function orDeliveryError<Value>(
  directory: string,
  work: () => Promise<Value>,
): Promise<Value | DeliveryError> {
  try {
    return await work();
  } catch (error) {
    return error instanceof DeliveryError ? error : judgeDiskError(error, directory);
  }
}

/** The event as a JSON document. A JSON body stands in it character for character, so that numbers keep all digits. */
function envelopeOf(event: Event): Uint8Array {
  const head = JSON.stringify({
    event_id: event.id,
    namespace: event.namespace,
    webhook: event.webhook,
    received_at: new Date(event.receivedAt).toISOString(),
  });
  const body = event.body.isJson()
    ? `"payload":${event.body.text}`
    : `"body_base64":"${event.body.bytes.toBase64()}"`;
  const headers = `"headers":${recordedHeaders(event.headers)}`;
  return new TextEncoder().encode(`${head.slice(0, -1)},${headers},${body}}\n`);
}

/** Saves events as files; see the top of this file. */
export const saveToDiskModule: OutputModule<SaveToDiskConfig, undefined> = {
  name: "save_to_disk",
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
  open: () => Promise.resolve(new SaveToDiskOutput()),
};
