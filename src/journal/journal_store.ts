/**
 * Everything that a journal's store keeps beside the events themselves. What only a file can do stands apart.
 *
 * @module
 */

import type { HandshakeStore } from "../auth/challenges/handshakes.ts";
import type { ChannelQueues } from "../channels/channel_queues.ts";
import type { DeadLetters } from "../dead_letters/dead_letters.ts";
import type { KeptValues } from "../records/kept_values.ts";
import type { EventRecords } from "../records/records.ts";
import type { RateStore } from "../rules/shared_rates.ts";
import type { Journal, StopStore } from "./journal.ts";

/** What stands in the store of a journal beside the events that are to be delivered. */
export interface JournalContents {
  readonly deadLetters: DeadLetters;
  /** The secrets that providers have brought. */
  readonly handshakes: HandshakeStore;
  readonly keptValues: KeptValues;
  /** All events of the store. */
  readonly records: EventRecords;
  readonly stops: StopStore;
  /** What can be done with a journal that is a file; `undefined` for one that is none. */
  readonly file: JournalFile | undefined;
}

/** A {@linkcode Journal} and what else stands in its store. */
export interface JournalStore extends Journal, JournalContents {
  readonly channels: ChannelQueues;
  /** Where gateways that share the journal count rates together; left out: there are no others. */
  readonly rates?: RateStore | undefined;
  /** What the gateways that share the journal hold together, as they said last; left out: there are no others. */
  readonly cluster?: (() => ClusterStats) | undefined;
  /**
   * Why no event can be appended until further notice. `undefined` while the journal can be used, or is refused for a
   * while only, as with a full disk.
   */
  readonly problem: string | undefined;
}

/** Figures of all gateways that share a journal. */
export interface ClusterStats {
  /** How many there are, this one included. */
  readonly gateways: number;
  /** Pending events of all of them. */
  readonly pending: number;
}

/** What was taken over from a file. */
export interface Salvaged {
  readonly pending: number;
  readonly deadLetters: number;
  /** Events of channels. */
  readonly messages: number;
  /** Whether parts of the file cannot be read. */
  readonly isDamaged: boolean;
}

/** A journal in a file of its own. */
export interface JournalFile {
  /**
   * Keeps the file as it is, with everything that was appended before in it, so that another process can copy it; goes
   * on as usual meanwhile. Ends with {@linkcode release}, with another hold, and at the latest after half an hour.
   *
   * @returns the number of the hold and the inode of the file
   * @throws {GatewayError} `journal_unavailable` when that cannot be
   */
  hold(): Promise<{ readonly hold: number; readonly inode: number }>;
  /**
   * Ends {@linkcode hold}.
   *
   * @param hold its number
   * @throws {GatewayError} `journal_unavailable` when the file was not held all the time: a copy is of no use
   */
  release(hold: number): Promise<void>;
  /**
   * Takes over what can be read of a journal's file that was set aside, or of a copy: events that were not delivered,
   * dead letters and what stood in channels. It then gets the ending `.salvaged`.
   *
   * @param path of a file that nobody uses
   * @throws {GatewayError} `journal_unavailable`; what was taken over until then stays
   */
  salvage(path: string): Promise<Salvaged>;
  /**
   * {@linkcode salvage} for a file in the journal's directory.
   *
   * @param name as it was set aside
   * @throws {GatewayError} `invalid_query` for another name, `not_found` for one that does not exist
   */
  salvageSetAside(name: string): Promise<Salvaged>;
}
