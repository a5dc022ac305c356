/**
 * Reading a configuration file that other programs write whenever they like: every way in which it can be
 * missing, half-written or something else altogether is a problem to report, never an exception.
 *
 * @module
 */

import { withinTime } from "../../io/small_file.ts";
import { describeErrorPosition } from "../../json/text.ts";
import { breathe } from "../../time/pace.ts";
import type { ProblemReason } from "../problem.ts";

const MEBIBYTE = 1024 * 1024;

/** Largest file that is read, in bytes: 25,000 webhooks take 10 MiB; a log file named by mistake takes all memory. */
const MAX_FILE_BYTES = 64 * MEBIBYTE;

/** What a file holds, or why that is not known. */
export type FileContent =
  | {
    readonly bytes: Uint8Array<ArrayBuffer>;
    /** SHA-256 of the bytes: two contents are the same when their fingerprints are. */
    readonly fingerprint: string;
  }
  | {
    readonly problem: ProblemReason;
    /** Whether there is a file all the same, or a link that leads to none. */
    readonly exists: boolean;
  };

/** The top level of a JSON file. */
export interface JsonObject {
  /** Of a key that stands more than once, the last of its values. */
  readonly members: Readonly<Record<string, unknown>>;
  /** What they were parsed from, without a byte order mark. */
  readonly text: string;
}

/** How long reading a file may take, in milliseconds. */
const READ_TIMEOUT_MS = 10_000;

/**
 * Reads a file as it is now.
 *
 * @param timeoutMs how long it may take, in milliseconds. @default 10000
 * @param signal ends the wait as well
 */
export async function readFileContent(
  path: string,
  timeoutMs: number = READ_TIMEOUT_MS,
  signal?: AbortSignal,
): Promise<FileContent> {
  try {
    return await withinTime(path, { timeoutMs, signal }, () => readNow(path));
  } catch (error) {
    return unreadable(error instanceof Error ? error.message : String(error), false);
  }
}

async function readNow(path: string): Promise<FileContent> {
  let exists = false;
  try {
    const info = await Deno.stat(path);
    exists = true;
    // A pipe or a device is refused unread: reading it might never end.
    if (info.isDirectory) return unreadable("it is a directory");
    if (!info.isFile) return unreadable("it is not a regular file");
    if (info.size > MAX_FILE_BYTES) return tooLarge(info.size);
    const bytes = await Deno.readFile(path);
    if (bytes.length > MAX_FILE_BYTES) return tooLarge(bytes.length);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    return { bytes, fingerprint: new Uint8Array(digest).toHex() };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return await missing(path);
    return unreadable(error instanceof Error ? error.message : String(error), exists);
  }
}

/** The problem of a file that is no text. */
export const NOT_UTF8: { readonly problem: ProblemReason } = invalidJson("The file is not valid UTF-8");

/** The problem of a file that holds something else. */
export const NOT_AN_OBJECT: { readonly problem: ProblemReason } = {
  problem: { code: "not_an_object", path: "", message: "The file must hold a JSON object at its top level" },
};

/**
 * Parses the bytes of a file whose top level must be a JSON object. The event loop gets a turn between the
 * stages, since each may take tens of milliseconds for a file of thousands of webhooks.
 */
export async function parseJsonObject(
  bytes: Uint8Array,
): Promise<JsonObject | { readonly problem: ProblemReason }> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return NOT_UTF8;
  }
  // An editor that writes in place empties the file first: a common sight, worth its own words.
  if (text.trim() === "") return invalidJson("The file is empty");
  await breathe();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return invalidJson(`The file is not valid JSON${describeErrorPosition(text, error)}`);
  }
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    return NOT_AN_OBJECT;
  }
  await breathe();
  return { members: json as Record<string, unknown>, text };
}

/** The problem of a file that is no JSON. */
export function invalidJson(message: string): { readonly problem: ProblemReason } {
  return { problem: { code: "invalid_json", path: "", message } };
}

/** A link to nothing, such as one into a volume that is not mounted, is meant to be a file. */
async function missing(path: string): Promise<FileContent> {
  const isLink = await Deno.lstat(path).then(({ isSymlink }) => isSymlink, () => false);
  const message = `The file does not exist${isLink ? ": there is only a link to it" : ""}`;
  return { problem: { code: "file_missing", path: "", message }, exists: isLink };
}

function unreadable(reason: string, exists = true): FileContent {
  return {
    problem: { code: "file_unreadable", path: "", message: `The file cannot be read: ${reason}` },
    exists,
  };
}

function tooLarge(bytes: number): FileContent {
  return unreadable(`it has ${bytes} bytes, more than ${MAX_FILE_BYTES / MEBIBYTE} MiB`);
}
