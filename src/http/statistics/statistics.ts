/**
 * Counts the requests that webhooks accept, and keeps the figures over restarts.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { GatewayError } from "../../errors.ts";
import type { KeptValue, KeptValues } from "../../records/kept_values.ts";
import { Pace } from "../../time/pace.ts";
import { FiguresPage, type KeptPage, PAGE_ROWS, type WebhookFigures, WINDOW_NAMES } from "./figures.ts";

/** How often what was counted goes into the figures, and the figures into the store, in milliseconds. */
const INTERVAL_MS = 10_000;

/** After so long the figures of another instance are forgotten, in milliseconds: its last window has ended. */
const FORGOTTEN_MS = 32 * 24 * 3600 * 1000;

/** What all names of figures in the store begin with. */
const PREFIX = "figures/";

/** What a webhook has accepted since it was last counted. */
export interface AcceptedRequests {
  readonly path: string;
  count: number;
}

/** What the figures are kept with. */
export interface StatisticsOptions {
  readonly values: KeptValues;
  /** Names this instance among those that share the store, over its restarts. */
  readonly instance: string;
  /** Whether a store is made for figures where there is none. */
  readonly makesStore: boolean;
  readonly isConfigured: (path: string) => boolean;
  readonly logger: Logger;
  /** In milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/** The figures of all webhooks. */
export class Statistics implements AsyncDisposable {
  readonly #options: StatisticsOptions;
  readonly #now: () => number;
  readonly #pages: FiguresPage[] = [];
  /** Where the row of a webhook stands. */
  readonly #rows = new Map<string, number>();
  readonly #free: number[] = [];
  readonly #counted = new Map<string, AcceptedRequests>();
  #active: AcceptedRequests[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #isLoaded = false;
  #saving: Promise<void> | undefined;

  constructor(options: StatisticsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Where the requests of a webhook are counted. @param path `namespace/id` */
  of(path: string): AcceptedRequests {
    let accepted = this.#counted.get(path);
    if (accepted === undefined) this.#counted.set(path, accepted = { path, count: 0 });
    return accepted;
  }

  /** A webhook has accepted a request. */
  note(accepted: AcceptedRequests): void {
    if (accepted.count++ === 0) this.#active.push(accepted);
  }

  /** The webhook does not exist any more: its figures are forgotten. */
  forget(path: string): void {
    this.#counted.delete(path);
    const row = this.#rows.get(path);
    if (row === undefined) return;
    this.#rows.delete(path);
    this.#free.push(row);
    this.#pages[Math.floor(row / PAGE_ROWS)]!.clear(row % PAGE_ROWS);
  }

  /** Takes up what was kept, of webhooks that exist, and begins to keep. To be called once, after the first load. */
  async begin(): Promise<void> {
    try {
      for await (const { value } of this.#kept(`${PREFIX}${this.#options.instance}/`)) {
        this.#takeUp(pageIn(value));
      }
      this.#isLoaded = true;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#options.logger.warning("The figures of before cannot be read: they begin with nothing", {
        error,
      });
    }
    this.#timer = setInterval(() => void this.#tick(), INTERVAL_MS);
    Deno.unrefTimer(this.#timer);
  }

  /** The figures of all webhooks that have any, those of other instances with the same store among them. */
  async figures(): Promise<ReadonlyMap<string, WebhookFigures>> {
    this.#count();
    const all = new Map<string, WebhookFigures>();
    const pace = new Pace();
    for (const page of this.#pages) {
      await pace.keep();
      addAll(all, page);
    }
    const own = `${PREFIX}${this.#options.instance}/`;
    for await (const kept of this.#kept(PREFIX)) {
      if (kept.name.startsWith(own)) continue;
      const page = FiguresPage.from(pageIn(kept.value));
      page.advance(this.#now());
      addAll(all, page);
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#saving;
    if (this.#timer === undefined) return;
    this.#count();
    await this.#save();
  }

  async #tick(): Promise<void> {
    this.#count();
    this.#saving ??= this.#save().finally(() => this.#saving = undefined);
    await this.#saving;
  }

  #count(): void {
    const now = this.#now();
    for (const page of this.#pages) page.advance(now);
    const active = this.#active;
    this.#active = [];
    for (const accepted of active) {
      const { path, count } = accepted;
      accepted.count = 0;
      if (this.#options.isConfigured(path)) this.#add(path, count);
    }
  }

  #add(path: string, count: number): void {
    const row = this.#rows.get(path) ?? this.#newRow(path);
    this.#pages[Math.floor(row / PAGE_ROWS)]!.add(row % PAGE_ROWS, count);
  }

  #newRow(path: string): number {
    const row = this.#free.pop() ?? this.#rows.size;
    const index = Math.floor(row / PAGE_ROWS);
    const page = this.#pages[index] ??= new FiguresPage(this.#now());
    page.names[row % PAGE_ROWS] = path;
    this.#rows.set(path, row);
    return row;
  }

  #takeUp(kept: KeptPage): void {
    const page = FiguresPage.from(kept);
    const index = this.#pages.push(page) - 1;
    page.advance(this.#now());
    for (const [row, path] of page.names.entries()) {
      if (path !== "" && this.#options.isConfigured(path) && !this.#rows.has(path)) {
        this.#rows.set(path, index * PAGE_ROWS + row);
      } else if (path !== "") page.clear(row);
    }
    for (let row = 0; row < PAGE_ROWS; row++) {
      if (page.names[row] === "") this.#free.push(index * PAGE_ROWS + row);
    }
  }

  /** What cannot be kept now is kept the next time: the figures in memory are complete. */
  async #save(): Promise<void> {
    const { values, instance, makesStore } = this.#options;
    // What could not be read is not written over.
    if (!this.#isLoaded || !values.isOpen && !makesStore) return;
    try {
      for (const [index, page] of this.#pages.entries()) {
        if (!page.isChanged) continue;
        page.isChanged = false;
        const name = `${PREFIX}${instance}/${String(index).padStart(8, "0")}`;
        try {
          await values.put(name, new TextEncoder().encode(JSON.stringify(page.keep())));
        } catch (error) {
          page.isChanged = true;
          throw error;
        }
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#options.logger.debug("The figures cannot be kept now", { error });
    }
  }

  async *#kept(prefix: string): AsyncGenerator<KeptValue> {
    const { values } = this.#options;
    let after: string | undefined;
    for (;;) {
      const page = await values.list(prefix, after);
      for (const kept of page) {
        const isOwn = kept.name.startsWith(`${PREFIX}${this.#options.instance}/`);
        if (!isOwn && this.#now() - kept.at > FORGOTTEN_MS) await values.remove(kept.name);
        else yield kept;
      }
      after = page.at(-1)?.name;
      if (after === undefined) return;
    }
  }
}

function pageIn(value: Uint8Array): KeptPage {
  return JSON.parse(new TextDecoder().decode(value));
}

function addAll(all: Map<string, WebhookFigures>, page: FiguresPage): void {
  for (const [row, path] of page.names.entries()) {
    if (path === "") continue;
    const figures = page.figuresOf(row);
    const others = all.get(path);
    all.set(path, others === undefined ? figures : sumOf(figures, others));
  }
}

function sumOf(one: WebhookFigures, other: WebhookFigures): WebhookFigures {
  const names = ["total", ...WINDOW_NAMES] as const;
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as WebhookFigures;
}
