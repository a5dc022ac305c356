import { ConfigManager } from "../../src/config/manager.ts";
import type { Problem } from "../../src/config/problem.ts";
import { WebhookEntry } from "../../src/config/entry.ts";
import { CLOSED_LEASE } from "../../src/delivery/outputs/output_pool.ts";
import { outputModules } from "../../src/modules/registry.ts";
import { logger } from "../../src/observability/logging.ts";
import { parseConfigValue } from "../../src/config/values/json_value.ts";

/** A configuration in service as a backend would bring it, whose outputs are opened nowhere. */
export class PolicedManager implements AsyncDisposable {
  readonly manager: ConfigManager;
  #revision = 0;

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.manager = new ConfigManager({
      outputs: { acquire: () => CLOSED_LEASE },
      compile: { environment, modules: outputModules },
      logger: logger("config"),
      inspects: false,
    });
  }

  /** @param policy text, or a value that becomes JSON */
  async policy(policy: unknown): Promise<void> {
    const value = parseConfigValue(typeof policy === "string" ? policy : JSON.stringify(policy));
    this.manager.apply([{ key: { kind: "policy" }, value, revision: this.#next() }]);
    await this.manager.settled();
  }

  async deletePolicy(): Promise<void> {
    this.manager.apply([{ key: { kind: "policy" }, revision: this.#next(), deleted: true }]);
    await this.manager.settled();
  }

  /** @param path `namespace/id` */
  async webhook(path: string, json: unknown, created?: number): Promise<void> {
    this.put(path, json, created);
    await this.manager.settled();
  }

  /** The same, without waiting until it is served. */
  put(path: string, json: unknown, created?: number): void {
    const [namespace = "", id = ""] = path.split("/");
    this.manager.apply([{
      key: { kind: "webhook", namespace, id },
      value: { json },
      revision: this.#next(),
      ...(created === undefined ? {} : { created }),
    }]);
  }

  async deleteWebhook(path: string): Promise<void> {
    const [namespace = "", id = ""] = path.split("/");
    this.manager.apply([{ key: { kind: "webhook", namespace, id }, revision: this.#next(), deleted: true }]);
    await this.manager.settled();
  }

  async connection(name: string, json: unknown): Promise<void> {
    this.manager.apply([{ key: { kind: "connection", name }, value: { json }, revision: this.#next() }]);
    await this.manager.settled();
  }

  isServed(path: string): boolean {
    return this.manager.find(path) instanceof WebhookEntry;
  }

  /** The webhooks that are served, by name. */
  get served(): string[] {
    return [...this.manager.catalog.entries()].filter((entry) => entry instanceof WebhookEntry)
      .map(({ path }) => path).sort();
  }

  /** What is wrong with a webhook, as `path: code`. */
  codes(path: string): string[] {
    return this.problems(path).map(({ code, path }) => `${path}: ${code}`);
  }

  problems(path: string): readonly Problem[] {
    return this.manager.catalog.problemsOf(`webhook ${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.manager.close();
  }

  #next(): string {
    return String(++this.#revision);
  }
}
