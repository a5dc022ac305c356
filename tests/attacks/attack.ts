/** One attack of the battery, and what is said of it when it is over. */

/** An attack on a running gateway in bounded form. */
export interface Attack {
  /** Selects it on the command line: two or three words with hyphens. */
  readonly name: string;
  /** What a gateway that holds does, as a sentence without its full stop. */
  readonly behaviour: string;
  /** It takes a second or two and needs no rights: it is one of the ordinary tests too. @default false */
  readonly isShort?: boolean;
  /**
   * Starts a gateway, attacks it and ends it.
   *
   * @returns the figures that were seen
   * @throws {Error} with what was seen instead, when the gateway does not do what `behaviour` says
   */
  run(): Promise<string>;
}

/** How one attack ended. */
export interface Outcome {
  readonly attack: Attack;
  readonly passed: boolean;
  readonly seconds: number;
  /** The figures, or the first line of the error. */
  readonly seen: string;
}

/** Runs one attack. An attack that throws is one that the gateway did not hold against. */
export async function carryOut(attack: Attack): Promise<Outcome> {
  const begun = performance.now();
  const outcome = (passed: boolean, seen: string) => {
    return { attack, passed, seconds: (performance.now() - begun) / 1000, seen };
  };
  try {
    return outcome(true, await attack.run());
  } catch (error) {
    return outcome(false, error instanceof Error ? firstLines(error.message) : String(error));
  }
}

/** Messages of assertions have several lines, and those of processes all that they printed. */
function firstLines(message: string): string {
  // deno-lint-ignore no-control-regex -- the colours of assertions
  const lines = message.replaceAll(/\u001b\[\d+m/g, "").split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").slice(0, 4).join(" ").slice(0, 300);
}
