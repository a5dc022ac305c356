import { FileConfigProvider } from "../../../../src/config/file/file_provider.ts";
import { type ProviderHarness, testProviderContract } from "../../../contracts/provider.ts";
import { TempDir } from "../../../support/temp_dir.ts";

/** Two files in a folder that can be moved away. */
class FileHarness implements ProviderHarness {
  readonly provider: FileConfigProvider;
  readonly #root: TempDir;
  readonly #contents: Record<"webhooks" | "connections", Record<string, unknown>> = {
    webhooks: {},
    connections: {},
  };
  #folder = "config";

  private constructor(root: TempDir) {
    this.#root = root;
    this.provider = this.createProvider();
  }

  static async create(): Promise<FileHarness> {
    const harness = new FileHarness(await TempDir.create());
    await Deno.mkdir(harness.#root.file("config"));
    await harness.#write("webhooks");
    await harness.#write("connections");
    return harness;
  }

  createProvider(): FileConfigProvider {
    return new FileConfigProvider({
      webhooksFile: this.#root.file("config", "webhooks.json"),
      connectionsFile: this.#root.file("config", "connections.json"),
      defaultNamespace: "default",
      // So rare that only the watcher can have noticed what a test waits for.
      pollIntervalMs: 3_600_000,
      debounceMs: 5,
    });
  }

  async putWebhook(_namespace: string, id: string, value: unknown): Promise<void> {
    this.#contents.webhooks[id] = value;
    await this.#write("webhooks");
  }

  async deleteWebhook(_namespace: string, id: string): Promise<void> {
    delete this.#contents.webhooks[id];
    await this.#write("webhooks");
  }

  async putConnection(name: string, value: unknown): Promise<void> {
    this.#contents.connections[name] = value;
    await this.#write("connections");
  }

  async deleteConnection(name: string): Promise<void> {
    delete this.#contents.connections[name];
    await this.#write("connections");
  }

  async makeUnavailable(): Promise<void> {
    await this.#move("away");
  }

  async makeAvailable(): Promise<void> {
    await this.#move("config");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root[Symbol.asyncDispose]();
  }

  async #move(folder: string): Promise<void> {
    await Deno.rename(this.#root.file(this.#folder), this.#root.file(folder));
    this.#folder = folder;
  }

  async #write(name: "webhooks" | "connections"): Promise<void> {
    const path = this.#root.file(this.#folder, `${name}.json`);
    await Deno.writeTextFile(`${path}.new`, JSON.stringify(this.#contents[name]));
    await Deno.rename(`${path}.new`, path);
  }
}

testProviderContract("file provider", () => FileHarness.create(), { namespaces: ["default"] });
