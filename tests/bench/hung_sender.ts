/// <reference lib="deno.worker" />
/**
 * Sends events at an even rate, whether answers come or not, and reports the ids of those that were accepted. It
 * is a worker, since thousands of answers at once would hold up whoever measures something else meanwhile.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

/** What is to be sent. */
export interface Sending {
  readonly url: string;
  /** Events a second. */
  readonly rate: number;
  /** For how long, unless it is stopped before. */
  readonly seconds: number;
}

let isStopped = false;

self.onmessage = ({ data }: MessageEvent<Sending | "stop">) => {
  if (data === "stop") isStopped = true;
  else void send(data);
};

async function send({ url, rate, seconds }: Sending): Promise<void> {
  const answers: Promise<string | undefined>[] = [];
  const startedAt = performance.now();
  for (let number = 0; number < rate * seconds && !isStopped; number++) {
    const wait = startedAt + number * 1000 / rate - performance.now();
    if (wait > 0) await sleep(wait);
    answers.push(post(url, `{"number":${number}}`));
  }
  self.postMessage((await Promise.all(answers)).filter((id) => id !== undefined));
  self.close();
}

/** @returns the event's id; `undefined` when it was not accepted, or the gateway has no room for the connection */
async function post(url: string, body: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { method: "POST", body });
    const { event_id } = await answer.json() as { readonly event_id?: string };
    return answer.status === 200 ? event_id : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
