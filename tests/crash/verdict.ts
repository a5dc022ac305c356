/**
 * Judges the books of a run. Pure, so that it can be tried on books that are known to be wrong.
 *
 * @module
 */

import type { Absence, Arrival, Ledger, Life, Sent } from "./ledger.ts";
import { CHAIN_STEPS, CHAINED, ORDERED, REPEATED } from "./webhooks.ts";

/**
 * What a gateway had sent may still have been on its way when it stood still, and what it had been answered not in the
 * journal, for so long, in milliseconds.
 */
const ABSENCE_SLACK_MS = 1_000;

/** What the gateway says of one dead letter. */
export interface Letter {
  readonly id: string;
  readonly reason: string;
}

/** Events that arrived more than once, by the reason why. */
export interface Duplicates {
  /** The receiver had answered that it did not take it. */
  readonly failed: number;
  /** The gateway was killed between the request and the answer. */
  readonly cutOff: number;
  /** The gateway was killed after the answer, before the journal had it. */
  readonly unsettled: number;
  /** The longest time from such an answer to the kill, in milliseconds. */
  readonly longestUnsettledMs: number;
  /** Another gateway took it over from one that stood still. */
  readonly takenOver: number;
  /** A gateway that had stood still sent what it had begun to send before. */
  readonly woken: number;
}

/** What the books say. */
export interface Verdict {
  readonly accepted: number;
  readonly unanswered: number;
  /** Requests without an answer, repeats included, whose event was delivered nevertheless. */
  readonly unansweredDelivered: number;
  readonly deadLetters: number;
  readonly arrivals: number;
  readonly duplicates: Duplicates;
  /** What must not be; empty when every promise was kept. */
  readonly violations: readonly string[];
}

/** Judges a run that has come to its end: nothing is pending any more. */
export function judge(ledger: Ledger, letters: readonly Letter[]): Verdict {
  const { arrivals, sent, lives } = ledger;
  const violations: string[] = [];
  const duplicates = explainDuplicates(ledger, violations);
  findMissing(sent, arrivals, letters, violations);
  checkLetters(ledger, letters, violations);
  checkOrder(ledger, violations);
  checkAttempts(arrivals, violations);
  checkChain(arrivals, violations);
  checkKeys(sent, arrivals, violations);
  checkEnds(lives, violations);
  const delivered = new Set(arrivals.map(requestOf));
  const answered = new Set(sent.filter(({ eventId }) => eventId !== undefined).map(requestOf));
  const unanswered = sent.filter((request) => request.unanswered && !answered.has(requestOf(request)));
  const unansweredDelivered = unanswered.filter((request) => delivered.has(requestOf(request))).length;
  // A gateway that is told to end answers every request that it has taken up, unless it stood still before.
  if (
    unansweredDelivered > 0 && ledger.absences.length === 0 &&
    lives.every((life) => life?.signal === "SIGTERM")
  ) {
    violations.push(`${unansweredDelivered} events were accepted without an answer`);
  }
  return {
    accepted: sent.filter(({ eventId }) => eventId !== undefined).length,
    unanswered: unanswered.length,
    unansweredDelivered,
    deadLetters: letters.length,
    arrivals: arrivals.length,
    duplicates,
    violations,
  };
}

/** Names the request that an arrival is from. */
function requestOf({ webhook, order }: Pick<Sent, "webhook" | "order">): string {
  return `${webhook} ${order.sender}/${order.number}`;
}

function findMissing(
  sent: readonly Sent[],
  arrivals: readonly Arrival[],
  letters: readonly Letter[],
  violations: string[],
): void {
  const dead = new Set(letters.map(({ id }) => id));
  const taken = new Set<string>();
  for (const { eventId, step, takenAt } of arrivals) {
    if (takenAt !== undefined) taken.add(`${eventId} ${step}`);
  }
  const steps = (webhook: string) =>
    webhook === CHAINED ? CHAIN_STEPS : ORDERED.includes(webhook) ? ["/batch"] : ["/one"];
  for (const { eventId, webhook, order } of sent) {
    if (eventId === undefined || dead.has(eventId)) continue;
    for (const step of steps(webhook)) {
      if (taken.has(`${eventId} ${step}`)) continue;
      violations.push(`Missing: ${eventId} of ${requestOf({ webhook, order })} at ${step}`);
    }
  }
}

/** Dead letters are those that the receiver refuses for good, and no others. */
function checkLetters({ sent, arrivals }: Ledger, letters: readonly Letter[], violations: string[]): void {
  const refused = new Set(
    [...sent, ...arrivals].flatMap(({ eventId, order }) => order.fate === "reject" ? [eventId] : []),
  );
  for (const { id, reason } of letters) {
    if (!refused.has(id)) violations.push(`A dead letter that nobody refused: ${id} (${reason})`);
  }
  const dead = new Set(letters.map(({ id }) => id));
  if (dead.size !== letters.length) violations.push("An event is two dead letters");
  for (const { eventId, order, takenAt } of arrivals) {
    if (takenAt !== undefined && order.fate === "reject") violations.push(`Not refused: ${eventId}`);
  }
}

/** Every arrival but the first of an event and step needs a reason. */
function explainDuplicates(
  { arrivals, lives, absences }: Ledger,
  violations: string[],
): Duplicates {
  const last = new Map<string, Arrival>();
  const counts = { failed: 0, cutOff: 0, unsettled: 0, takenOver: 0, woken: 0 };
  let longestUnsettledMs = 0;
  for (const arrival of arrivals) {
    const key = `${arrival.eventId} ${arrival.step}`;
    const former = last.get(key);
    last.set(key, arrival);
    if (former === undefined) continue;
    const life = lives[former.life];
    const killed = former.life !== arrival.life && life?.signal === "SIGKILL";
    if (former.failed) counts.failed++;
    else if (former.takenTime === undefined && killed) counts.cutOff++;
    else if (former.takenTime !== undefined && killed) {
      counts.unsettled++;
      longestUnsettledMs = Math.max(longestUnsettledMs, life.endedAt - former.takenTime);
    } else if (former.life !== arrival.life && wasAbsent(absences, former.life, former, arrival)) {
      counts.takenOver++;
    } else if (former.life !== arrival.life && wasAbsent(absences, arrival.life, former, arrival)) {
      counts.woken++;
    } else {
      violations.push(`Delivered again without a reason: ${key}, lives ${former.life} and ${arrival.life}`);
    }
  }
  return { ...counts, longestUnsettledMs };
}

/** Whether a gateway stood still at a time around or between two arrivals of the same event. */
function wasAbsent(absences: readonly Absence[], of: number, former: Arrival, arrival: Arrival): boolean {
  return absences.some(({ life, from, to = Infinity }) => {
    return life === of && from <= arrival.time && to >= former.time - ABSENCE_SLACK_MS;
  });
}

/**
 * What one sender sent to an ordered webhook first arrives, and is taken, in the order of sending. Where there are
 * several gateways, only of what was answered with 200 before the next was sent: what was not answered may lie before a
 * gateway that stands still.
 */
function checkOrder({ arrivals, sent, isShared }: Ledger, violations: string[]): void {
  const latest = new Map<string, number>();
  const taken = new Map<string, number>();
  const seen = new Set<string>();
  const answered = new Set(sent.map(({ eventId }) => eventId));
  for (const arrival of arrivals.filter(({ webhook }) => ORDERED.includes(webhook))) {
    const { eventId, webhook, order: { sender, number }, life, takenAt } = arrival;
    if (isShared && !answered.has(eventId)) continue;
    const line = `${webhook} ${sender}`;
    if (!seen.has(eventId)) {
      seen.add(eventId);
      if ((latest.get(line) ?? -1) > number) violations.push(`Out of order: ${line}/${number} came late`);
      latest.set(line, number);
    }
    if (takenAt === undefined) continue;
    const inLife = `${line} ${life}`;
    if ((taken.get(inLife) ?? -1) >= number) violations.push(`Out of order: ${line}/${number} taken late`);
    taken.set(inLife, number);
  }
}

/** An attempt is in the journal before it is made: none has the number of an earlier one. */
function checkAttempts(arrivals: readonly Arrival[], violations: string[]): void {
  const last = new Map<string, number>();
  for (const { eventId, webhook, attempt } of arrivals) {
    if (attempt === undefined || !webhook.startsWith("singles")) continue;
    const former = last.get(eventId) ?? 0;
    if (attempt <= former) violations.push(`Attempt ${attempt} of ${eventId} after attempt ${former}`);
    last.set(eventId, attempt);
  }
}

/** The second step of a chain begins when the first one has the event. */
function checkChain(arrivals: readonly Arrival[], violations: string[]): void {
  const firstTaken = new Map<string, number>();
  const [first] = CHAIN_STEPS;
  for (const { eventId, step, takenAt } of arrivals) {
    if (step === first && takenAt !== undefined && !firstTaken.has(eventId)) firstTaken.set(eventId, takenAt);
  }
  for (const { eventId, webhook, step, index, order } of arrivals) {
    if (webhook !== CHAINED || step === first || order.fate === "reject") continue;
    if ((firstTaken.get(eventId) ?? Infinity) > index) {
      violations.push(`Step ${step} of ${eventId} came first`);
    }
  }
}

/** A gateway that is told to end does so by itself. */
function checkEnds(lives: readonly (Life | undefined)[], violations: string[]): void {
  for (const [life, ended] of lives.entries()) {
    const exitCode = ended?.exitCode;
    if (exitCode !== undefined && exitCode !== 0) {
      violations.push(`Life ${life} ended with status ${exitCode}`);
    }
  }
}

/** Requests with the same key are one event: in every answer, and at the receiver. */
function checkKeys(sent: readonly Sent[], arrivals: readonly Arrival[], violations: string[]): void {
  const ids = new Map<string, string>();
  const check = (key: string, eventId: string) => {
    const former = ids.get(key);
    if (former !== undefined && former !== eventId) {
      violations.push(`Key ${key} is two events: ${former} and ${eventId}`);
    }
    ids.set(key, eventId);
  };
  for (const { key, eventId } of sent) if (key !== undefined && eventId !== undefined) check(key, eventId);
  for (const { webhook, order, eventId } of arrivals) {
    if (webhook === REPEATED) check(`${order.sender}-${order.number}`, eventId);
  }
}
