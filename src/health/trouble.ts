/**
 * What can be wrong with a part of the gateway, as operators see it.
 *
 * @module
 */

/** The kinds of things that troubles are reported of. */
export const HEALTH_PARTS = [
  "configuration",
  "journal",
  "connection",
  "output",
  "webhook",
  "channel",
] as const;

/** One of {@linkcode HEALTH_PARTS}. */
export type HealthPart = typeof HEALTH_PARTS[number];

/**
 * How bad a trouble is, the worst first.
 *
 * - `down`: nothing gets through.
 * - `impaired`: it works, but not all that it is for.
 * - `off`: it was switched off on purpose.
 */
export const TROUBLE_STATES = ["down", "impaired", "off"] as const;

/** One of {@linkcode TROUBLE_STATES}. */
export type TroubleState = (typeof TROUBLE_STATES)[number];

/** Every kind of trouble and how bad it is. The names are stable: operators see them. */
export const TROUBLE_KINDS = {
  /** A connection or an output: the system behind it cannot be reached, or takes nothing. */
  unreachable: "down",
  /** A webhook: nothing is delivered any more but a try now and then, since its target failed for too long. */
  switched_off: "down",
  /** A webhook: an operator has stopped its deliveries. */
  paused: "off",
  /** A webhook: its events are not taken, such as by a topic that is missing, while other webhooks' may be. */
  failing: "down",
  /** A webhook: some of its events could not be delivered. */
  dead_letters: "impaired",
  /** A webhook: a secret that matched its requests does not any more. */
  secret_mismatch: "down",
  /** A webhook: requests come for it, and there is none. */
  missing: "impaired",
  /** A channel: events wait, and no connector takes them. */
  no_connector: "down",
  /** The configuration: an entry or a file is not served as it is written. */
  refused: "impaired",
  /** The configuration: changes do not arrive. */
  outdated: "impaired",
  /** The journal: it takes no event at all. */
  unavailable: "down",
  /** The journal: its bound is reached, and it takes no more events. */
  full: "down",
} as const satisfies Record<string, TroubleState>;

/** A kind of {@linkcode TROUBLE_KINDS}. */
export type TroubleKind = keyof typeof TROUBLE_KINDS;

/**
 * Those that go on when what they are of is removed: dead letters stay until they are replayed or dropped, and what is
 * paused is so until it is resumed.
 */
export const LASTING_KINDS: ReadonlySet<TroubleKind> = new Set(["dead_letters", "paused"]);

/** What a trouble is of. */
export interface Subject {
  readonly part: HealthPart;
  /** Names it among those of its part: `namespace/id` of a webhook, for example. */
  readonly name: string;
}

/** What a part reports. */
export interface TroubleReport extends Subject {
  readonly kind: TroubleKind;
  /** One or two sentences: what is wrong, and what to do. Holds no secret and nothing of an event. */
  readonly cause: string;
  /** Events that it has met so far. Left out where it is not of events. */
  readonly count?: number;
  /** Since when, in milliseconds since 1970. @default the time of the first report */
  readonly since?: number;
}

/** A trouble that has not ended. */
export interface Trouble extends TroubleReport {
  readonly state: TroubleState;
  /** In milliseconds since 1970. */
  readonly since: number;
}
