/** How many URLs are remembered. */
const MAX_URLS = 4096;

/** URLs longer than this are not remembered: anybody may send them, up to what a request's head may hold. */
const MAX_LENGTH = 256;

/**
 * The webhooks that URLs lead to. Senders call the same URL again and again, and looking it up as a whole costs
 * a third of taking it apart. It holds no more than what the URL says, so it never goes stale.
 */
export class KnownUrls {
  readonly #paths = new Map<string, string>();

  /** `namespace/id` of a URL that was remembered. */
  find(url: string): string | undefined {
    return this.#paths.get(url);
  }

  /** Remembers a valid URL of a webhook. When too many are remembered, all of them are forgotten. */
  remember(url: string, path: string): void {
    if (url.length > MAX_LENGTH) return;
    if (this.#paths.size >= MAX_URLS) this.#paths.clear();
    this.#paths.set(url, path);
  }
}
