/**
 * What notices can be about, and what they are called.
 *
 * @module
 */

import type { Trouble } from "../health/trouble.ts";

/** One kind of notices: the types of those that say that it begins, and that it is over. */
interface NoticeKindEntry {
  readonly began: string;
  readonly over: string;
  /** Of one subject and of several: what has begun. */
  readonly beganTitles: readonly [string, string];
  /** Of one subject and of several: what is over. */
  readonly overTitles: readonly [string, string];
}

/** Every kind by the name that `about` of a webhook's `notify` has for it. The names and the types are stable. */
export const NOTICE_KINDS = {
  output: {
    began: "cwm.output.down",
    over: "cwm.output.up",
    beganTitles: ["An output is down", "outputs are down"],
    overTitles: ["An output is back", "outputs are back"],
  },
  switched_off: {
    began: "cwm.webhook.switched_off",
    over: "cwm.webhook.switched_on",
    beganTitles: ["A webhook is switched off", "webhooks are switched off"],
    overTitles: ["A webhook is switched on again", "webhooks are switched on again"],
  },
  dead_letters: {
    began: "cwm.dead_letters.begun",
    over: "cwm.dead_letters.gone",
    beganTitles: ["A webhook has new dead letters", "webhooks have new dead letters"],
    overTitles: ["A webhook has no dead letters any more", "webhooks have no dead letters any more"],
  },
  secret: {
    began: "cwm.secret.mismatch",
    over: "cwm.secret.match",
    beganTitles: ["A secret no longer matches", "secrets no longer match"],
    overTitles: ["A secret matches again", "secrets match again"],
  },
  configuration: {
    began: "cwm.configuration.refused",
    over: "cwm.configuration.good",
    beganTitles: [
      "The configuration is not served as it is written",
      "things are not served as they are written",
    ],
    overTitles: ["The configuration is good again", "things of the configuration are good again"],
  },
  journal: {
    began: "cwm.journal.unavailable",
    over: "cwm.journal.available",
    beganTitles: ["The journal takes no events", "troubles of the journal"],
    overTitles: ["The journal takes events again", "troubles of the journal are over"],
  },
  channel: {
    began: "cwm.channel.unattended",
    over: "cwm.channel.attended",
    beganTitles: ["A channel has no connector", "channels have no connector"],
    overTitles: ["A channel has a connector again", "channels have a connector again"],
  },
} as const satisfies Record<string, NoticeKindEntry>;

/** A name of {@linkcode NOTICE_KINDS}. */
export type NoticeKind = keyof typeof NOTICE_KINDS;

/** The names of {@linkcode NOTICE_KINDS}. */
export const NOTICE_KIND_NAMES = Object.keys(NOTICE_KINDS) as [NoticeKind, ...NoticeKind[]];

/**
 * What a notice about a trouble is about. `undefined` for what is no news: what operators did on purpose, and
 * connections, since their outputs say it, requests that strangers may send, and single destinations
 * of an output.
 */
export function noticeKindOf({ part, kind }: Pick<Trouble, "part" | "kind">): NoticeKind | undefined {
  switch (kind) {
    case "unreachable":
      return part === "output" ? "output" : undefined;
    case "switched_off":
    case "dead_letters":
      return kind;
    case "secret_mismatch":
      return "secret";
    case "refused":
    case "outdated":
      return "configuration";
    case "unavailable":
    case "full":
      return "journal";
    case "no_connector":
      return "channel";
    case "paused":
    case "missing":
    case "failing":
      return undefined;
  }
}

/** A notice in one sentence. @param count subjects, at least one */
export function titleOf(kind: NoticeKind, isOver: boolean, count: number): string {
  const [one, several] = NOTICE_KINDS[kind][isOver ? "overTitles" : "beganTitles"];
  return count === 1 ? one : `${count} ${several}`;
}
