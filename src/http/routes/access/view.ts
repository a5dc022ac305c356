/**
 * What there is for a caller: all of it for an admin, and otherwise what its namespaces have and use.
 *
 * @module
 */

import type { Caller } from "../../../access/caller.ts";
import type { CatalogEntry } from "../../../config/entry.ts";
import type { ConfigManager } from "../../../config/manager.ts";
import type { Problem } from "../../../config/problem.ts";
import type { Trouble } from "../../../health/trouble.ts";
import { Pace } from "../../../time/pace.ts";

/** What the webhooks of some namespaces use, by the names that operators know it by. */
interface Used {
  readonly webhooks: number;
  /** Those that take requests. */
  readonly serving: number;
  readonly connections: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;
  readonly channels: ReadonlySet<string>;
}

/** Where is looked for what namespaces use. */
export interface ViewSource {
  readonly manager: ConfigManager;
  /** The channels that an entry names. */
  readonly channelsOf: (entry: CatalogEntry) => Iterable<string>;
}

const WEBHOOK = "webhook ";
const CONNECTION = "connection ";

/** What an admin sees, and what others do. */
export class View {
  readonly #caller: Caller;
  /** `undefined` for an admin. */
  readonly used: Used | undefined;

  private constructor(caller: Caller, used: Used | undefined) {
    this.#caller = caller;
    this.used = used;
  }

  /** Looks at all webhooks in slices, unless all of them are seen. */
  static async of(caller: Caller, source: ViewSource): Promise<View> {
    return new View(caller, caller.isAdmin ? undefined : await usedBy(caller, source));
  }

  /** Whether a problem or a warning is shown, by the key that it names. What belongs to no webhook is an admin's. */
  seesFinding({ key }: Pick<Problem, "key">): boolean {
    if (this.used === undefined) return true;
    if (key.startsWith(WEBHOOK)) return this.#caller.seesPath(key.slice(WEBHOOK.length));
    return key.startsWith(CONNECTION) && this.seesConnection(key.slice(CONNECTION.length));
  }

  seesConnection(name: string): boolean {
    return this.used === undefined || this.used.connections.has(name);
  }

  /** @param name as in the troubles of outputs */
  seesOutput(name: string): boolean {
    return this.used === undefined || this.used.outputs.has(name);
  }

  /**
   * The troubles that are shown. What concerns everybody, and of which only an admin is to know more, has another
   * cause.
   */
  troublesOf(all: Iterable<Trouble>): readonly Trouble[] {
    return Array.from(all).flatMap((trouble) => this.#troubleAsSeen(trouble) ?? []);
  }

  #troubleAsSeen(trouble: Trouble): Trouble | undefined {
    const { used } = this;
    const { part, name, kind } = trouble;
    if (used === undefined) return trouble;
    const isSeen = part === "webhook"
      ? this.#caller.seesPath(name)
      : part === "connection"
      ? this.seesConnection(name)
      : part === "output"
      ? this.seesOutput(name)
      : part === "channel"
      ? used.channels.has(name)
      : part === "configuration" && this.seesFinding({ key: name });
    if (isSeen) return trouble;
    const isForAll = part === "journal" || kind === "outdated";
    return isForAll
      ? { ...trouble, name: part, cause: "It concerns all namespaces: an admin sees why" }
      : undefined;
  }
}

async function usedBy(caller: Caller, { manager, channelsOf }: ViewSource): Promise<Used> {
  const used = {
    webhooks: 0,
    serving: 0,
    connections: new Set<string>(),
    outputs: new Set<string>(),
    channels: new Set<string>(),
  };
  const pace = new Pace();
  for (const entry of manager.catalog.entries()) {
    await pace.keep();
    if (!caller.seesPath(entry.path)) continue;
    used.webhooks++;
    for (const name of manager.connectionsOf(entry)) used.connections.add(name);
    for (const channel of channelsOf(entry)) used.channels.add(channel);
    if (!("outputNames" in entry)) continue;
    used.serving++;
    for (const name of entry.outputNames) used.outputs.add(name);
  }
  return used;
}
