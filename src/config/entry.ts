/**
 * What the catalog holds for one webhook: an entry that takes requests, or the error that they get.
 * Both are immutable; a change of configuration puts another one in their place.
 *
 * @module
 */

import type { OutputLease } from "../delivery/output_pool.ts";
import type { GatewayError } from "../errors.ts";
import type { CompiledWebhook } from "./compiler.ts";

/**
 * The place of an entry. Only the path is kept: the catalog has it anyway, and of a quarter of a million
 * webhooks few are asked for their parts.
 */
class PlacedEntry {
  /** `namespace/id` */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get namespace(): string {
    return this.path.slice(0, this.path.indexOf("/"));
  }

  /** The webhook's id within its namespace. */
  get id(): string {
    return this.path.slice(this.path.indexOf("/") + 1);
  }
}

/** A webhook that takes requests. A request keeps the entry that it began with to its end. */
export class WebhookEntry extends PlacedEntry {
  readonly webhook: CompiledWebhook;
  readonly output: OutputLease;
  #requests = 0;
  #retired = false;

  constructor(path: string, webhook: CompiledWebhook, output: OutputLease) {
    super(path);
    this.webhook = webhook;
    this.output = output;
  }

  /** A request begins to use the entry. */
  enter(): void {
    this.#requests++;
  }

  /** A request that entered has ended. */
  leave(): void {
    this.#requests--;
    if (this.#retired && this.#requests === 0) this.output.release();
  }

  /** Another entry has taken the place: let go of the output as soon as the last request has ended. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#requests === 0) this.output.release();
  }
}

/** A webhook that is configured but cannot take requests. */
export class BlockedWebhook extends PlacedEntry {
  readonly error: GatewayError;
  /** The compiled configuration, where only the connection is missing. */
  readonly webhook: CompiledWebhook | undefined;

  constructor(path: string, error: GatewayError, webhook?: CompiledWebhook) {
    super(path);
    this.error = error;
    this.webhook = webhook;
  }
}

export type CatalogEntry = WebhookEntry | BlockedWebhook;
