/**
 * What the gateway and the journal's worker say to each other. A *commit* is everything that was asked for
 * while the one before it was under way; it becomes one transaction. What comes thousands of times a second,
 * appended and delivered events, travels as flat arrays: a message of one array is cloned twice as fast as
 * one of objects.
 *
 * @module
 */

import type { KeptValue } from "../../records/kept_values.ts";
import type { HeldEvent, TimedLease } from "../../channels/channel_queues.ts";
import type {
  AttemptFailure,
  DeadLetterCounts,
  DeadLetterFilter,
  DeadLetterSummary,
} from "../../dead_letters/dead_letters.ts";
import type { RepeatKey, RepeatKind } from "../../event/repeat_key.ts";
import type { DropStep, EventRecord, RecordFilter, RecordOrder } from "../../records/records.ts";
import type { StoredBody, StoredEvent } from "../event_codec.ts";
import type {
  ClaimLimit,
  LaneBacklog,
  LaneHolding,
  LaneKey,
  RecalledKey,
  RememberedEvent,
  Settlement,
  StoppedLane,
} from "../journal.ts";

export type { StoredBody, StoredEvent };

const encoder = new TextEncoder();

/** The fields of one append, in the order in which they stand in {@linkcode Commit.appends}. */
export type AppendFields = readonly [
  id: string,
  /** Index of the event's lane in {@linkcode Commit.lanes}. */
  lane: number,
  receivedAt: number,
  headers: string,
  body: StoredBody,
  claim: boolean,
];

/** How many array elements one append takes. */
export const APPEND_FIELDS = 6;

/**
 * Appends of one lane that need no rows of their own for now. They are stored as they travel: one piece of memory
 * is cloned and written many times faster than the texts in it.
 */
export interface Pack {
  /** Index of the events' lane in {@linkcode Commit.lanes}. */
  readonly lane: number;
  readonly claimed: boolean;
  readonly count: number;
  /** Of the first event, in milliseconds since 1970. */
  readonly receivedAt: number;
  /**
   * A JSON array of {@linkcode PACK_FIELDS} numbers an event: when it was received, and how long its id, headers
   * and body are as texts. For a body of so many bytes that is -1 less their number.
   */
  readonly fields: string;
  /** The ids, headers and bodies one after the other, in UTF-8, and behind them the bodies that are bytes. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** {@linkcode AppendKeyFields} one after the other, in the order of the events, of which few have any. */
  readonly keys: readonly AppendKeyFields[number][];
}

/** How many numbers one event takes in {@linkcode Pack.fields}. */
export const PACK_FIELDS = 4;

/** An event in a pack, of which all are of one lane. */
export interface PackedEvent {
  readonly receivedAt: number;
  readonly id: string;
  readonly headers: string;
  readonly body: StoredBody;
}

/** Puts events together. */
export function packEvents(events: readonly PackedEvent[]): Pick<Pack, "fields" | "data"> {
  const fields: number[] = [];
  let text = "";
  let bytes = 0;
  for (const { receivedAt, id, headers, body } of events) {
    const isText = typeof body === "string";
    fields.push(receivedAt, id.length, headers.length, isText ? body.length : -1 - body.length);
    text += isText ? id + headers + body : id + headers;
    if (!isText) bytes += body.length;
  }
  return {
    fields: JSON.stringify(fields),
    data: bytes === 0 ? encoder.encode(text) : join(text, bytes, events),
  };
}

/** The text with the bodies that are bytes behind it. @param bytes of those */
function join(text: string, bytes: number, events: readonly PackedEvent[]): Uint8Array<ArrayBuffer> {
  let data = new Uint8Array(text.length + bytes);
  let { read, written: at } = encoder.encodeInto(text, data);
  // Mostly the text is ASCII. Where it is not, it has more bytes than characters.
  if (read < text.length || at !== text.length) {
    const encoded = encoder.encode(text);
    data = new Uint8Array(encoded.length + bytes);
    data.set(encoded);
    at = encoded.length;
  }
  for (const { body } of events) {
    if (typeof body === "string") continue;
    data.set(body, at);
    at += body.length;
  }
  return data;
}

/** The fields of one key of an append, which is not done if one of its keys is known. */
export type AppendKeyFields = readonly [
  /** Of the append among those of the commit, or of the event in its pack. */
  index: number,
  eventId: string,
  repeat: RepeatKind,
  key: string,
  ttlMs: number,
];

/** How many array elements one key takes. */
export const APPEND_KEY_FIELDS = 5;

/** An append that was not done: the index of the append, the event that it repeats, and what that was found by. */
export type RepeatedAppend = readonly [index: number, duplicateOf: string, repeat: RepeatKind];

/** An append that was not done: a repeat, or, by its index alone, one whose lane holds its share of the file. */
export type SkippedAppend = RepeatedAppend | readonly [index: number];

/** A claimed event with all that is known of it. */
export interface StoredPendingEvent {
  readonly sequence: number;
  readonly event: StoredEvent;
  readonly attempts: number;
  readonly progress: string | undefined;
}

/** A message of a channel, leased. */
export interface StoredLease {
  /** Or, of a small one, the index of the operation in the same commit that has brought it: `enqueue`. */
  readonly event: StoredEvent | number;
  readonly delivery: number;
}

/** Every operation besides appends and settlements: what is sent, and what comes back. */
export interface Operations {
  readonly claim: [
    LaneKey & ClaimLimit,
    { readonly events: readonly StoredPendingEvent[]; readonly nextDueAt: number | undefined },
  ];
  readonly lanes: [Record<never, never>, readonly LaneBacklog[]];
  readonly findRepeated: [LaneKey & { readonly key: RepeatKey }, string | undefined];
  readonly remember: [{ readonly events: readonly RememberedEvent[] }, undefined];
  readonly recall: [LaneKey & { readonly limit: number }, readonly RecalledKey[]];
  readonly listHandshakes: [Record<never, never>, readonly (LaneKey & StoredHandshake)[]];
  readonly findHandshake: [LaneKey, StoredHandshake | undefined];
  readonly keepHandshake: [LaneKey & { readonly secret: string; readonly takenAt: number }, boolean];
  readonly markHandshakeShown: [LaneKey, boolean];
  readonly forgetHandshake: [LaneKey, boolean];
  readonly putKeptValue: [{ readonly name: string; readonly value: Uint8Array }, undefined];
  readonly listKeptValues: [{ readonly prefix: string; readonly after: string }, readonly KeptValue[]];
  readonly removeKeptValue: [{ readonly name: string }, undefined];
  readonly listStops: [Record<never, never>, readonly StoppedLane[]];
  readonly putStop: [{ readonly stopped: StoppedLane }, undefined];
  readonly removeStop: [LaneKey, boolean];
  readonly listDead: [DeadSlice, DeadSliceRead];
  readonly countDead: [{ readonly after: number; readonly limit: number }, DeadLetterCounts];
  readonly getDead: [{ readonly id: string }, StoredDeadLetter | undefined];
  readonly replayDead: [DeadSlice, DeadSliceChanged];
  readonly dropDead: [DeadSlice, DeadSliceChanged];
  readonly bury: [
    { readonly event: StoredEvent; readonly failure: AttemptFailure; readonly attempts: number },
    undefined,
  ];
  readonly enqueue: [
    {
      readonly channel: string;
      readonly event: StoredEvent;
      readonly ttlMs: number;
      readonly maxSize: number;
    },
    "added" | "repeated" | "full" | "beyond_share",
  ];
  readonly lease: [
    {
      readonly channel: string;
      readonly limit: number;
      readonly visibilityMs: number;
      readonly bytes: number;
      readonly isTimed: boolean;
    },
    {
      readonly events: readonly StoredLease[];
      /** When the channel's next hidden message shows up again, in milliseconds since 1970. */
      readonly nextVisibleAt: number | undefined;
    },
  ];
  readonly renew: [MessageNames & { readonly visibilityMs: number }, readonly string[]];
  readonly extend: [HeldMessages<TimedLease> & { readonly visibilityMs: number }, readonly string[]];
  readonly acknowledge: [MessageNames, readonly string[]];
  readonly release: [HeldMessages & { readonly delayMs: number }, readonly string[]];
  readonly takeBack: [MessageNames, readonly string[]];
  readonly reject: [
    HeldMessages & {
      readonly failure: AttemptFailure;
      /** Instead of the deliveries that were counted. */
      readonly attempts: number | undefined;
    },
    readonly string[],
  ];
  readonly depth: [
    { readonly channel: string },
    { readonly ready: number; readonly leased: number; readonly oldestReceivedAt: number | undefined },
  ];
  readonly channels: [Record<never, never>, readonly string[]];
  readonly listRecords: [RecordSlice, RecordSliceRead];
  readonly replayRecords: [ReplaySlice, ReplaySliceDone];
  readonly dropRecords: [DropSlice, DropSliceDone];
  readonly salvage: [{ readonly path: string; readonly begins: boolean }, SalvageSlice];
  /** One slice of the work that nobody asks for; `true` when there is more of it. */
  readonly sweep: [Record<never, never>, boolean];
  /** The webhooks that hold at least so many bytes of the file. */
  readonly holders: [{ readonly leastBytes: number }, readonly LaneHolding[]];
}

/** How many events one slice of a salvage has taken over. */
export interface SalvageSlice {
  readonly more: boolean;
  readonly pending: number;
  readonly deadLetters: number;
  /** Of channels. */
  readonly messages: number;
  /** Whether some of the file cannot be read; said in the last slice. */
  readonly isDamaged: boolean;
  /** Why the file cannot be read any further. */
  readonly problem?: string;
}

/** A secret that a provider has brought. */
export interface StoredHandshake {
  readonly secret: string;
  /** In milliseconds since 1970. */
  readonly takenAt: number;
  readonly isShown: boolean;
}

interface MessageNames {
  readonly channel: string;
  readonly tags: readonly string[];
}

interface HeldMessages<Held extends HeldEvent = HeldEvent> {
  readonly channel: string;
  readonly events: readonly Held[];
}

/** Dead letters of a filter from a position on, at most `limit`. */
export interface DeadSlice {
  readonly filter: DeadLetterFilter;
  /** Letters after this number. */
  readonly after: number;
  /** Letters up to this number. @default the last one that there is */
  readonly upTo?: number;
  readonly limit: number;
}

/** Where a slice of dead letters ended: the number of its last one, `undefined` when there is no more. */
interface DeadSliceEnd {
  readonly next: number | undefined;
}

/** Dead letters that were found. */
export interface DeadSliceRead extends DeadSliceEnd {
  readonly letters: readonly DeadLetterSummary[];
}

/** Dead letters that were replayed or dropped. */
export interface DeadSliceChanged extends DeadSliceEnd {
  readonly count: number;
  /** The number up to which the letters were meant. */
  readonly upTo: number;
}

/** Records of a filter from a place on, at most `limit`. */
export interface RecordSlice {
  readonly filter: RecordFilter;
  readonly order: RecordOrder;
  /** `undefined` to begin. */
  readonly place: { readonly after: number; readonly upTo: number } | undefined;
  readonly limit: number;
  /** Events that are brought along, in bytes; `undefined` for none. */
  readonly bytes: number | undefined;
  /** Whether the first event may be larger. */
  readonly mayExceed: boolean;
}

/** Records that were found, and where to go on. */
export interface RecordSliceRead {
  readonly records: readonly StoredRecord[];
  /** The sequence behind which was read. */
  readonly start: number;
  /** The last sequence that was looked at; `undefined` when there is no more. */
  readonly next: number | undefined;
  /** The last sequence that belongs to the list. */
  readonly upTo: number;
  /** Whether it ended since the events that are brought along have all the bytes that they may have. */
  readonly isFull: boolean;
}

/** A record as it is stored. */
export interface StoredRecord extends Omit<EventRecord, "event" | "cursor"> {
  readonly sequence: number;
  readonly event: StoredEvent | undefined;
}

/** Records that are to be delivered again, by the webhook `to` or by their own. */
export type ReplaySlice = Omit<RecordSlice, "bytes" | "mayExceed"> & { readonly to: LaneKey | undefined };

/** What was done with a slice of records, and whether it ended since `to` holds its share of the file. */
export type ReplaySliceDone = Pick<RecordSliceRead, "next" | "upTo" | "isFull"> & {
  readonly replayed: number;
  readonly skipped: number;
};

/** Records that are to be removed. */
export type DropSlice = Omit<RecordSlice, "bytes" | "mayExceed">;

/** What was done with a slice of records. */
export type DropSliceDone = Pick<RecordSliceRead, "next" | "upTo"> & Omit<DropStep, "cursor">;

/** A dead letter with its event. */
export interface StoredDeadLetter {
  readonly summary: DeadLetterSummary;
  readonly event: StoredEvent;
  readonly progress: string | undefined;
}

/** The name of an operation. */
export type OperationKind = keyof Operations;

/** What an operation is given. */
export type RequestOf<Kind extends OperationKind> = Operations[Kind][0];

/** What an operation returns. */
export type ReplyOf<Kind extends OperationKind> = Operations[Kind][1];

/** One operation on its way to the worker. */
export type Operation = {
  readonly [Kind in OperationKind]: { readonly kind: Kind; readonly request: RequestOf<Kind> };
}[OperationKind];

/**
 * Everything that waited for a commit. It is done in this order: settlements, then delivered events, then
 * appends, then packs, then the other operations, and of those leases last; each group in the order in which it was
 * asked for.
 */
export interface Commit {
  /** The time by `steadyNow`: what is due, and when a lease ends, is reckoned from it. */
  readonly now: number;
  readonly settlements: readonly Settlement[];
  /** Sequences of delivered events. */
  readonly delivered: readonly number[];
  /** The lanes that the appends are of. */
  readonly lanes: readonly LaneKey[];
  /** {@linkcode AppendFields} one after the other. */
  readonly appends: readonly AppendFields[number][];
  /** {@linkcode AppendKeyFields} one after the other, in the order of `appends`, of which few have a key. */
  readonly keys: readonly AppendKeyFields[number][];
  readonly packs: readonly Pack[];
  readonly operations: readonly Operation[];
  /** Characters, or bytes, of the headers and bodies that are to be stored. */
  readonly size: number;
}

/** Why a part of a commit was not done. */
export interface RefusedPart {
  readonly code: "journal_unavailable" | "internal_error";
  readonly message: string;
  /** What the storage said, for the log. */
  readonly reason: string;
}

/** The results of the operations of a commit. */
export interface CommitReply {
  readonly type: "commit";
  /** Set when nothing of the commit was done. */
  readonly refused?: RefusedPart;
  /** Set when everything was done but what needs space: the appends, and operations whose result is absent. */
  readonly growthRefused?: RefusedPart;
  /** Sequence of the first append that was done; the others follow in order. */
  readonly firstSequence: number;
  /** Sequence of the first event in a pack that was appended; the others follow in order. */
  readonly firstPacked: number;
  /** In the order of `appends`. */
  readonly skipped: readonly SkippedAppend[];
  /** In the order of the events of all packs, by their index among them. */
  readonly skippedInPacks: readonly SkippedAppend[];
  /** In the order of `operations`. `undefined` is a result too: see `refusedOperations`. */
  readonly results: readonly unknown[];
  /** Indexes of operations that were refused with `growthRefused`. */
  readonly refusedOperations: readonly number[];
  readonly figures: Figures;
}

/** Figures of the store after a commit. */
export interface Figures {
  /** `undefined` while nobody can say: the file could not be opened yet. */
  readonly pending: number | undefined;
  readonly oldestReceivedAt: number | undefined;
  readonly deadLetters: number;
  /** Dead letters that were made since the worker was started. */
  readonly buried: number;
  readonly bytes: number;
  readonly commits: number;
  /** Files that were set aside since the worker was started. */
  readonly damaged: number;
  /** The last sequence that was given. */
  readonly lastSequence: number;
}

/** Static settings of the worker. */
export interface WorkerOptions {
  readonly directory: string;
  readonly lockWaitMs: number;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly maxBytes: number;
  /**
   * Set when this process had the file open before: events that are claimed in the file are then its own,
   * and sequences up to this one have been given.
   */
  readonly resumeAfter?: number;
}

/** What the gateway says. */
export type ToWorker =
  | { readonly type: "open"; readonly options: WorkerOptions }
  | { readonly type: "commit"; readonly commit: Commit }
  /** The file is to stay as it is, for another process to copy it; or need not any more. */
  | { readonly type: "hold" }
  | { readonly type: "release"; readonly hold: number }
  | { readonly type: "close" };

/** What the worker says. */
export type FromWorker =
  | OpenReply
  | CommitReply
  | { readonly type: "damaged"; readonly path: string; readonly reason: string }
  | PlaceReport
  | HoldReply
  /** `problem` is empty when everything is written back and closed. */
  | { readonly type: "closed"; readonly problem: string };

/**
 * The journal has a problem that may last, or has it no more: its file is gone, or another process uses it. Said
 * when it changes.
 */
export interface PlaceReport {
  readonly type: "place";
  /** `undefined` when there is none any more. */
  readonly problem: PlaceProblem | undefined;
  /** A file that stood in the journal's place and was set aside. */
  readonly aside?: string;
  readonly figures: Figures;
}

/** The result of a hold. */
export interface HoldReply {
  readonly type: "hold";
  /** The inode of the file that is held, or was held from its beginning on. */
  readonly inode?: number;
  /** The number of the hold. */
  readonly hold?: number;
  /** Why it is not, or was not. */
  readonly problem?: string;
}

/** Why the journal takes no events, until that is over. */
export interface PlaceProblem {
  readonly kind: "gone" | "in_use";
  readonly message: string;
  readonly reason: string;
}

/** How opening went. With `unavailable`, it is tried again with every commit. */
export interface OpenReply {
  readonly type: "opened";
  readonly outcome: "open" | "in_use" | "newer_schema" | "unavailable";
  readonly reason: string;
  readonly figures: Figures;
}
