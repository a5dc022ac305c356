/**
 * Finds out whether an input stalls the program: for how long nothing else runs.
 *
 * @module
 */

import process from "node:process";

/** How often an input that seems to stall is put in again; the shortest stall of all counts. */
const TRIES = 3;

/**
 * The longest time in milliseconds for which the work keeps everything else from running, in the best of several
 * tries. What counts is the time of the processor: on a machine with much to do anything may wait.
 */
export async function stallOf(work: () => Promise<unknown>): Promise<number> {
  let shortest = Infinity;
  for (let tries = 0; tries < TRIES; tries++) shortest = Math.min(shortest, await longestTurn(work));
  return shortest;
}

async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let isOver = false;
  const end = () => isOver = true;
  let before = processorMs();
  const working = work().then(end, end);
  while (!isOver) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    const now = processorMs();
    longest = Math.max(longest, now - before);
    before = now;
  }
  await working;
  return longest;
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
