/** Of so many different values equal ones are recognised; then the count begins again. */
const MOST_VALUES = 1_000;

/**
 * One value for everything that is equal. In large installations most webhooks deliver to the same few
 * places: what is made of such a setting is made once and kept once. It must be immutable.
 */
export class Interned<Value> {
  readonly #values = new Map<string, Value>();

  /** @param text equal for equal settings */
  get(text: string): Value | undefined {
    return this.#values.get(text);
  }

  set(text: string, value: Value): void {
    // Settings that differ everywhere, such as one topic a tenant, must not be kept twice for nothing.
    if (this.#values.size >= MOST_VALUES) this.#values.clear();
    this.#values.set(text, value);
  }
}
