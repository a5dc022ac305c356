import { setImmediate } from "node:timers";

/** Calls a function in the next turn of the event loop, once, however often that is asked for in this one. */
export class NextTurn {
  readonly #call: () => void;
  #isAsked = false;

  constructor(work: () => void) {
    this.#call = () => {
      this.#isAsked = false;
      work();
    };
  }

  /** Has the function called. */
  ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    setImmediate(this.#call);
  }
}
