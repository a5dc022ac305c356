/** Everybody in a soak but the good senders and their destination, as the soak's own process sees them. */

import { join } from "@std/path";
import type { SlowRequest } from "../attacks/hostile_sender.ts";
import { REPOSITORY } from "../support/repository.ts";
import { TextLineStream } from "../support/text_line_stream.ts";
import type { Noted } from "./soak_ledger.ts";

/** What the crowd is told: to send to a port, to stop, to have its destinations behave, or to end. */
export type CrowdOrder = { readonly port: number } | "stop" | "behave" | "end";

/** What it says: where its destinations are, an answer, that hostile senders have stopped, or what arrived. */
export type CrowdNews =
  | CrowdAddresses
  | (Noted & { readonly webhook: string })
  | HostileReport
  | { readonly taken: readonly string[] };

interface CrowdAddresses {
  readonly failing: string;
  readonly attacked: string;
}

/** What hostile senders have done. */
export interface HostileReport {
  readonly sent: number;
  /** The request that took longest. */
  readonly longest: SlowRequest;
}

/** The crowd's process. It has prepared everything once it has started, and computes nothing until it is begun. */
export class Crowd implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #addresses = Promise.withResolvers<CrowdAddresses>();
  readonly #stopped = Promise.withResolvers<HostileReport>();
  readonly #taken = Promise.withResolvers<ReadonlySet<string>>();
  readonly #news: Promise<void>;
  /** Called with every answer that its senders get. */
  onNoted: (webhook: string, noted: Noted) => void = () => {};
  failingUrl = "";
  attackedUrl = "";

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#orders = child.stdin.getWriter();
    this.#news = this.#hear();
    for (const { promise } of [this.#addresses, this.#stopped, this.#taken]) promise.catch(() => {});
  }

  /** Starts it with the least priority. */
  static async start(seed: number): Promise<Crowd> {
    const program = join(REPOSITORY, "tests/soak/crowd_program.ts");
    const crowd = new Crowd(
      new Deno.Command("nice", {
        args: ["-n", "19", Deno.execPath(), "run", "--allow-all", "--no-check", program, String(seed)],
        stdin: "piped",
        stdout: "piped",
      }).spawn(),
    );
    const { failing, attacked } = await crowd.#addresses.promise;
    crowd.failingUrl = failing;
    crowd.attackedUrl = attacked;
    return crowd;
  }

  /** Has it send to a gateway from now on. */
  begin(port: number): Promise<void> {
    return this.#order({ port });
  }

  /** Ends its sending. */
  async stop(): Promise<HostileReport> {
    await this.#order("stop");
    return await this.#stopped.promise;
  }

  /** Its destinations answer everything with 200 from now on. */
  behave(): Promise<void> {
    return this.#order("behave");
  }

  /** Ends it, and returns the ids of events that its destinations answered 200. */
  async end(): Promise<ReadonlySet<string>> {
    await this.#order("end");
    return await this.#taken.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#child.status;
    await this.#orders.abort().catch(() => {});
    await this.#news;
  }

  async #order(order: CrowdOrder): Promise<void> {
    await this.#orders.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
  }

  async #hear(): Promise<void> {
    const lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
    for await (const line of lines) this.#take(JSON.parse(line) as CrowdNews);
    const ended = new Error("The process of the crowd has ended");
    for (const { reject } of [this.#addresses, this.#stopped, this.#taken]) reject(ended);
  }

  #take(news: CrowdNews): void {
    if ("webhook" in news) this.onNoted(news.webhook, news);
    else if ("failing" in news) this.#addresses.resolve(news);
    else if ("sent" in news) this.#stopped.resolve(news);
    else this.#taken.resolve(new Set(news.taken));
  }
}
