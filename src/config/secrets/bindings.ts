/**
 * Which entries use which secrets. When a secret changes, the entries that use it are compiled again; there
 * may be thousands for one secret, so that is done in slices.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { abortable } from "../../time/abortable.ts";
import type { Compiled, ProblemReason } from "../problem.ts";
import type { ConfigPut } from "../provider.ts";
import type { SecretKey, SecretLookup } from "./lookup.ts";
import { inSlices, Pace } from "../../time/pace.ts";

/** A value that uses secrets. */
interface BoundValue {
  readonly put: ConfigPut;
  readonly keys: ReadonlySet<SecretKey>;
  /** Of the texts that its references gave. */
  readonly fingerprint: string;
}

/** The newest value of an entry. */
interface Binding extends BoundValue {
  /** Why the secrets in use may be outdated. */
  readonly stale: readonly ProblemReason[];
  /** Whether it is the one in service. */
  readonly isGood: boolean;
  /** The one in service instead, while the newest one has a problem; its secrets are followed too. */
  readonly lastGood: BoundValue | undefined;
}

/** What bindings work with. */
export interface SecretBindingsOptions {
  readonly secrets: SecretLookup;
  /** Compiles entries again whose secrets have changed; called for a part of them at a time. */
  readonly apply: (puts: readonly ConfigPut[]) => void;
  /** Called when all of them were. */
  readonly onApplied: () => void;
  readonly logger: Logger;
}

/** Knows which entries use which secrets, and compiles them again when one changes. */
export class SecretBindings implements Disposable {
  readonly #options: SecretBindingsOptions;
  readonly #bindings = new Map<string, Binding>();
  readonly #users = new Map<SecretKey, Set<string>>();
  readonly #changed = new Set<SecretKey>();
  readonly #closing = new AbortController();
  #applying: Promise<void> | undefined;
  /** The first namespace of a webhook, and whether there was another one. */
  #namespace: string | undefined;
  #isShared = false;

  constructor(options: SecretBindingsOptions) {
    this.#options = options;
    options.secrets.onChange((key) => this.#secretChanged(key));
  }

  /**
   * Returns whether this is the first time that webhooks of several namespaces may read all of Vault, so that
   * whoever writes those of one can read the secrets of the others.
   */
  isVaultSharedBy(namespace: string): boolean {
    if (this.#isShared || !this.#options.secrets.isVaultOpen) return false;
    this.#namespace ??= namespace;
    return this.#isShared = this.#namespace !== namespace;
  }

  /** Whether any entry uses secrets. */
  get hasAny(): boolean {
    return this.#bindings.size > 0;
  }

  /** Takes note of what an entry uses now. @param entry its key, as problems name it */
  bind(entry: string, put: ConfigPut, compiled: Compiled<unknown>): void {
    const former = this.#bindings.get(entry);
    const isGood = "value" in compiled;
    const lastGood = isGood ? undefined : lastGoodAfter(former, put);
    const { keys = [], fingerprint = "", stale = [] } = compiled.secrets ?? {};
    this.#set(entry, { put, keys: new Set(keys), fingerprint, stale, isGood, lastGood });
  }

  /** The entry uses no secrets any more. */
  unbind(entry: string): void {
    this.#set(entry, undefined);
  }

  #set(entry: string, binding: Binding | undefined): void {
    const before = keysOf(this.#bindings.get(entry));
    const after = keysOf(binding);
    if (binding === undefined || after.size === 0) this.#bindings.delete(entry);
    else this.#bindings.set(entry, binding);
    // The new ones first, so that what both use is kept.
    for (const key of after) if (!before.has(key)) this.#use(key, entry);
    for (const key of before) if (!after.has(key)) this.#release(key, entry);
  }

  /** Whether a put is in service already with the very secrets that it was compiled with once more. */
  isInService(entry: string, put: ConfigPut, { secrets }: Compiled<unknown>): boolean {
    const binding = this.#bindings.get(entry);
    return binding?.put === put && binding.isGood && binding.fingerprint === secrets?.fingerprint;
  }

  /** The value in service in the place of one that has a problem, where it uses secrets. */
  lastGoodOf(entry: string): ConfigPut | undefined {
    return this.#bindings.get(entry)?.lastGood?.put;
  }

  /** Takes note that the value in service was compiled again. Returns whether its secrets are others now. */
  bindLastGood(entry: string, { secrets }: Compiled<unknown>): boolean {
    const binding = this.#bindings.get(entry);
    if (binding?.lastGood === undefined || secrets === undefined) return false;
    const { fingerprint } = secrets;
    if (fingerprint === binding.lastGood.fingerprint) return false;
    this.#bindings.set(entry, { ...binding, lastGood: { ...binding.lastGood, fingerprint } });
    return true;
  }

  /** Why the secrets that an entry uses may be outdated. */
  staleOf(entry: string): readonly ProblemReason[] {
    return this.#bindings.get(entry)?.stale ?? [];
  }

  /** Reads the secrets of an entry again that somebody has changed, and them with it, maybe. */
  renew({ secrets }: Compiled<unknown>): void {
    for (const key of secrets?.keys ?? []) this.#options.secrets.renew(key);
  }

  /** Whether an entry waits for a secret that was never read. */
  get isWaiting(): boolean {
    return this.#options.secrets.isReading;
  }

  /**
   * Resolves when each secret in use was asked for, and what came of it is applied.
   *
   * @throws {DOMException} the signal's reason, when it aborts first
   */
  async settled(signal: AbortSignal): Promise<void> {
    // What is applied may use secrets that nothing used before: a value that was put meanwhile.
    while (this.isWaiting) {
      await abortable(this.#options.secrets.settled(), signal);
      await this.#applying;
    }
    await this.#applying;
  }

  /**
   * Reads all secrets again. Resolves when what came of it is applied.
   *
   * @throws {DOMException} the signal's reason, when it aborts first; the reads go on
   */
  async reload(signal: AbortSignal): Promise<void> {
    await abortable(this.#options.secrets.readAll(), signal);
    await this.#applying;
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
    this.#options.secrets.onChange(() => {});
  }

  #use(key: SecretKey, entry: string): void {
    const users = this.#users.get(key);
    if (users !== undefined) {
      users.add(entry);
      return;
    }
    this.#users.set(key, new Set([entry]));
    this.#options.secrets.use(key);
  }

  #release(key: SecretKey, entry: string): void {
    const users = this.#users.get(key);
    users?.delete(entry);
    if (users?.size !== 0) return;
    this.#users.delete(key);
    this.#options.secrets.release(key);
  }

  #secretChanged(key: SecretKey): void {
    this.#changed.add(key);
    this.#applying ??= this.#applyChanged();
  }

  async #applyChanged(): Promise<void> {
    const { apply, onApplied, logger } = this.#options;
    try {
      await Promise.resolve(); // What changes in the same turn is applied together.
      while (this.#changed.size > 0) {
        const keys = [...this.#changed];
        this.#changed.clear();
        for (const entries of await this.#entriesOf(keys)) {
          await inSlices(entries, (slice) => {
            apply(slice.flatMap((entry) => this.#bindings.get(entry)?.put ?? []));
          }, this.#closing.signal);
        }
      }
      onApplied();
    } catch (error) {
      if (!this.#closing.signal.aborted) logger.error("Applying changed secrets failed", { error });
    } finally {
      this.#applying = undefined;
    }
  }

  /** Connections first, so that webhooks that share a secret with theirs find it changed. */
  async #entriesOf(keys: readonly SecretKey[]): Promise<readonly (readonly string[])[]> {
    const connections = new Set<string>();
    const webhooks = new Set<string>();
    const pace = new Pace(this.#closing.signal);
    for (const key of keys) {
      for (const entry of this.#users.get(key) ?? []) {
        await pace.keep();
        if (this.#bindings.get(entry)?.put.key.kind === "connection") connections.add(entry);
        else webhooks.add(entry);
      }
    }
    return [[...connections], [...webhooks]];
  }
}

/**
 * What stays in service when a put has a problem: the value before it, if that one was good, or was put for the case
 * that this one is bad and may only wait for its secrets.
 */
function lastGoodAfter(former: Binding | undefined, put: ConfigPut): BoundValue | undefined {
  const isGood = former?.isGood === true || former?.put.isFormer === true;
  return isGood && former.put !== put ? former : former?.lastGood;
}

function keysOf(binding: Binding | undefined): ReadonlySet<SecretKey> {
  if (binding === undefined) return new Set();
  return binding.lastGood === undefined ? binding.keys : binding.keys.union(binding.lastGood.keys);
}
