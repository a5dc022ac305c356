/**
 * The command `journal copy`: what stands in a journal in a file goes into one in PostgreSQL, or the other way.
 *
 * @module
 */

import { join } from "@std/path";
import { GatewayError, StartupError } from "../../errors.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import { mayHoldFile, openFileJournal, openJournal, openSharedContents } from "../../gateway/backends.ts";
import type { Appended, AppendedEvent, Settlement } from "../../journal/journal.ts";
import type { JournalContents, JournalStore } from "../../journal/journal_store.ts";
import { journalPath } from "../../journal/sqlite/worker/file.ts";
import type { EventRecord, RecordState } from "../../records/records.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { openFileOrClient } from "./access.ts";
import { backUpFile } from "./backup.ts";

/** Events that are copied at once. */
const PAGE = 200;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Channels take what stood in them, whatever their bound is now. */
const ANY_NUMBER = 1_000_000_000;

/** Attempts that are carried over, of an event that was tried more often as well. */
const MOST_ATTEMPTS = 100;

/** For how long the target knows what was copied, so that a second copy brings nothing twice, in milliseconds. */
const KNOWN_MS = 30 * DAY_MS;

/** The two places of a journal. */
export const JOURNAL_KINDS = ["sqlite", "postgres"] as const;

/** One of {@linkcode JOURNAL_KINDS}. */
export type JournalKind = typeof JOURNAL_KINDS[number];

/** What is copied from. */
interface Source extends AsyncDisposable {
  readonly contents: JournalContents;
  /** Who delivers its pending events now, as the end of a sentence; `undefined` where nobody does. */
  readonly inUseBy: string | undefined;
}

/** How many were copied, and how many were there already. */
interface Counts {
  pending: number;
  deadLetters: number;
  messages: number;
  known: number;
}

/**
 * Copies everything; while gateways use the source, all but what they deliver. Returns what to say about it.
 *
 * @throws {StartupError} when one of the two cannot be used; what was copied until then is not copied twice
 */
export async function copyJournal(from: JournalKind, settings: Settings): Promise<string> {
  const counts: Counts = { pending: 0, deadLetters: 0, messages: 0, known: 0 };
  try {
    await using source = from === "sqlite" ? await openFile(settings) : await openServer(settings);
    await using target = await openTarget(from === "sqlite" ? "postgres" : "sqlite", settings);
    await copyEvents(source, target, counts);
    await copySettings(source.contents, target);
    return describe(counts, source.inUseBy);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw failure(
      `${error.message}${error.reason === undefined ? "" : `: ${error.reason}`}. ${describe(counts)}; ` +
        "the same command does the rest",
      error,
    );
  }
}

/** Where a gateway uses it, a copy of one moment is read. */
async function openFile(settings: Settings): Promise<Source> {
  if (!await mayHoldFile(settings)) throw failure(`There is no journal in ${settings.dataDir}`);
  const opened = await openFileOrClient(settings, { about: "a copy of the journal" });
  if (!(opened instanceof AdminClient)) {
    return {
      contents: opened,
      inUseBy: undefined,
      [Symbol.asyncDispose]: () => Promise.resolve(opened[Symbol.asyncDispose]()),
    };
  }
  await using undo = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "cwm-journal-copy-" });
  undo.defer(() => Deno.remove(directory, { recursive: true }));
  await backUpFile(journalPath(directory), settings);
  const contents = undo.use(await openFileJournal(settings, { directory }));
  const resources = undo.move();
  return {
    contents,
    inUseBy: `a gateway uses ${join(settings.dataDir, "journal")}`,
    [Symbol.asyncDispose]: () => resources[Symbol.asyncDispose](),
  };
}

async function openServer(settings: Settings): Promise<Source> {
  const contents = await openSharedContents(settings);
  if (contents === undefined) throw failure("JOURNAL is not set: it names the PostgreSQL server");
  const gateways = await contents.gateways();
  return {
    contents,
    inUseBy: gateways === 0 ? undefined : `${gateways} gateways use the server`,
    [Symbol.asyncDispose]: () => Promise.resolve(contents[Symbol.asyncDispose]()),
  };
}

async function openTarget(kind: JournalKind, settings: Settings): Promise<JournalStore> {
  if (kind === "postgres") {
    if (settings.journal.postgres === undefined) {
      throw failure("JOURNAL is not set: it names the PostgreSQL server");
    }
    return await openJournal(settings, { name: "cwm journal copy" });
  }
  return await openFileJournal(settings);
}

async function copyEvents(
  { contents, inUseBy }: Source,
  target: JournalStore,
  counts: Counts,
): Promise<void> {
  const states: readonly RecordState[] = inUseBy === undefined
    ? ["waiting", "under_way", "in_channel", "dead_letter"]
    : ["dead_letter"];
  let cursor: string | undefined;
  do {
    const page = await contents.records.list({ states }, {
      order: "oldest",
      limit: PAGE,
      contents: true,
      cursor,
    });
    await Promise.all(page.records.map((record) => copyEvent(contents, target, record, counts)));
    ({ cursor } = page);
  } while (cursor !== undefined);
}

async function copyEvent(
  source: JournalContents,
  target: JournalStore,
  record: EventRecord,
  counts: Counts,
): Promise<void> {
  const { event, state, channel, failure, dueAt = 0, progress, attempts } = record;
  if (event === undefined) return;
  if (state === "in_channel" && channel !== undefined) {
    // An event that stands there already is the same one.
    await target.channels.enqueue(channel, event, { ttlMs: DAY_MS, maxSize: ANY_NUMBER });
    counts.messages++;
    return;
  }
  const appended = await append(target, event, record.id);
  if (appended === undefined) {
    counts.known++;
    return;
  }
  const { sequence } = appended;
  if (state === "dead_letter") {
    const letter = await source.deadLetters.get(record.id);
    await settle(target, record, deadSettlement(sequence, record, letter?.progress));
    counts.deadLetters++;
    return;
  }
  await settle(target, record, {
    sequence,
    state: "retry",
    dueAt,
    unattempted: attempts === 0,
    ...(failure === undefined ? {} : { failure }),
    ...(progress === undefined ? {} : { progress }),
  });
  counts.pending++;
}

/** Records where an event stands, and the attempts that were made before: the claim has recorded one. */
async function settle(
  target: JournalStore,
  { attempts = 1 }: EventRecord,
  outcome: Settlement,
): Promise<void> {
  const { sequence } = outcome;
  const others = Array.from({ length: Math.max(0, Math.min(attempts, MOST_ATTEMPTS) - 1) }, () => ({
    sequence,
    state: "attempt",
  } as const));
  // All of them ride in one commit.
  await Promise.all([...others, outcome].map((settlement) => target.settle(settlement)));
}

function deadSettlement(
  sequence: number,
  { failure, diedAt }: EventRecord,
  progress: string | undefined,
): Settlement {
  const known = failure ?? { code: "output_failed", message: "", connection: "" };
  return {
    sequence,
    state: "dead",
    failure: known,
    ...(progress === undefined ? {} : { progress }),
    ...(diedAt === undefined ? {} : { diedAt }),
  };
}

/** @param id of the record. @returns `undefined` when the target has taken it before */
async function append(
  target: JournalStore,
  event: VerifiedEvent,
  id: string,
): Promise<AppendedEvent | undefined> {
  const key = { repeat: "duplicate", key: `cwm journal copy ${id}`, ttlMs: KNOWN_MS } as const;
  // By itself it is no repeat of itself.
  if (await target.findRepeated(event, key) !== undefined) return undefined;
  const appended = await new Promise<Appended>((resolve, reject) => {
    target.append(event, { claim: true, keys: [key] }, { onAppended: resolve, onRefused: reject });
  });
  return "sequence" in appended ? appended : undefined;
}

/** Which webhooks are stopped, and the secrets that were brought. What the target knows stays. */
async function copySettings(source: JournalContents, target: JournalContents): Promise<void> {
  const stopped = new Set(
    (await target.stops.list()).map(({ namespace, webhook }) => `${namespace}/${webhook}`),
  );
  for (const stop of await source.stops.list()) {
    if (!stopped.has(`${stop.namespace}/${stop.webhook}`)) await target.stops.put(stop);
  }
  for (const [webhook, { secret, takenAt, isShown }] of await source.handshakes.list()) {
    if (await target.handshakes.keep(webhook, secret, takenAt) && isShown) {
      await target.handshakes.markShown(webhook);
    }
  }
}

function describe({ pending, deadLetters, messages, known }: Counts, inUseBy?: string): string {
  const copied =
    `Copied: ${pending} pending events, ${deadLetters} dead letters, ${messages} events of channels; ${known} were there`;
  if (inUseBy === undefined) return copied;
  return `${copied}. Pending events and channels were left out, since ${inUseBy}: stop it, and run the command again`;
}

function failure(problem: string, cause?: unknown): StartupError {
  return new StartupError("journal_unavailable", [problem], { cause });
}
