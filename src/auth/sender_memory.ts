/**
 * What verifiers remember of the requests to one webhook, such as nonces that were used. It outlives changes of the
 * webhook's configuration: what was used before an edit does not pass a second time after it.
 *
 * @module
 */
export class SenderMemory {
  readonly #kept = new Map<string, unknown>();

  /**
   * What is kept under a name, for all verifiers of the webhook that come after each other.
   *
   * @param name the key of the kind of verifier that keeps it: one kind keeps one thing, which bounds itself
   * @param make for the first of them
   */
  keep<Kept>(name: string, make: () => Kept): Kept {
    let kept = this.#kept.get(name) as Kept | undefined;
    if (kept === undefined) this.#kept.set(name, kept = make());
    return kept;
  }
}
