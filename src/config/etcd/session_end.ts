/**
 * The reasons for which a session with etcd ends. They stand apart since the mirror and the watch end
 * sessions too.
 *
 * @module
 */

/** Why a session with etcd has ended, or why none came about. The reasons are labels of metrics. */
export type EndReason =
  /** No connection, or etcd did not answer on it. */
  | "unreachable"
  /** User, password, token or role are not accepted. */
  | "denied"
  /** The endpoint is a learner, which serves no reads. */
  | "learner"
  | "stream_failed"
  | "stream_ended"
  | "canceled"
  /** The stream or the member went quiet. */
  | "silent"
  /** Changes arrived faster than they could be applied. */
  | "overrun"
  | "apply_failed"
  | "compacted"
  | "cluster_changed"
  | "revision_regressed"
  | "history_rewound"
  | "call_failed"
  | "bug";

const RESYNC_REASONS = [
  "compacted",
  "cluster_changed",
  "revision_regressed",
  "history_rewound",
  "overrun",
] as const;

/** The ends after which the next session has to begin with a list. */
export type ResyncReason = typeof RESYNC_REASONS[number];

/** The end of a session with etcd. The message is for the log. */
export class SessionEnd extends Error {
  override readonly name = "SessionEnd";

  constructor(readonly reason: EndReason, message: string, options?: ErrorOptions) {
    super(message, options);
  }

  /** The reason, if it is one that calls for a list. */
  get resync(): ResyncReason | undefined {
    return RESYNC_REASONS.find((reason) => reason === this.reason);
  }
}
