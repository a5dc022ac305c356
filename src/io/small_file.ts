/**
 * Reading small files that the settings name: certificates, passwords, tokens. A mount whose server is gone never
 * answers, and no signal ends a call that waits for it: the reader gives up, and further reads of the same file hold
 * no further thread.
 *
 * @module
 */

import { within } from "../time/within.ts";
import { type BlockingCalls, configurationFiles } from "./blocking_calls.ts";

/** How long a file may take, in milliseconds. */
const TIMEOUT_MS = 3_000;

/** How long calls under way may take to end once nobody needs their result any more, in milliseconds. */
const LAST_CALLS_MS = 1_000;

/** Largest file that is read, in bytes: the authorities of a whole system have 250 KB. */
const MAX_BYTES = 1024 * 1024;

/** A file that is not read as it is. The message says why, without the path. */
export class UnreadableFileError extends Error {
  override readonly name = "UnreadableFileError";
}

/** Why a file could not be read, for a message that names it. What the system says would name its path again. */
export function unreadableReason(error: unknown): string {
  if (error instanceof UnreadableFileError) return error.message;
  return error instanceof Error ? error.name : String(error);
}

/** How a file is read. */
export interface SmallFileOptions {
  /** Largest file that is read, in bytes. @default 1048576 */
  readonly maxBytes?: number;
  /** How long it may take, in milliseconds. @default 3000 */
  readonly timeoutMs?: number;
  /** Ends the wait as well, as soon as the calls under way have ended: those that hang are left after a second. */
  readonly signal?: AbortSignal | undefined;
  /** What the path must not lead to. @default nothing */
  readonly refuse?: (path: string) => Promise<void>;
  /** Among which calls they are counted. @default configurationFiles */
  readonly among?: BlockingCalls;
}

/**
 * The text of a file.
 *
 * @throws {UnreadableFileError} when it is no regular file, is too large, or does not answer in time
 * @throws {Error} of the system, or the signal's reason
 */
export async function readSmallFile(path: string, options: SmallFileOptions = {}): Promise<string> {
  const { maxBytes = MAX_BYTES, refuse } = options;
  return await withinTime(path, options, async () => {
    await refuse?.(path);
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) throw new UnreadableFileError("it is not a regular file");
    if (size > maxBytes) throw new UnreadableFileError(`it has more than ${maxBytes} bytes`);
    return await Deno.readTextFile(path);
  });
}

/**
 * Makes calls on a file, one caller at a time. Nothing goes on when it settles, but for calls that hang.
 *
 * @throws {UnreadableFileError} when they do not end in time
 * @throws whatever they throw, or the signal's reason
 */
export async function withinTime<Result>(
  path: string,
  { timeoutMs = TIMEOUT_MS, signal, among = configurationFiles }: Omit<SmallFileOptions, "maxBytes">,
  calls: () => Promise<Result>,
): Promise<Result> {
  const late = new AbortController();
  const reason = `it did not answer within ${timeoutMs / 1000} seconds: is its mount gone?`;
  const timer = setTimeout(() => late.abort(new UnreadableFileError(reason)), timeoutMs);
  const until = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
  let underWay: Promise<Result> | undefined;
  try {
    return await among.run(path, until, () => underWay = calls());
  } catch (error) {
    // They had all their time already where they were late.
    if (underWay !== undefined && !late.signal.aborted) await within(LAST_CALLS_MS, settled(underWay));
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function settled(work: Promise<unknown>): Promise<void> {
  await Promise.allSettled([work]);
}
