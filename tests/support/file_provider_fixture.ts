import { FileConfigProvider, type FileConfigProviderOptions } from "../../src/config/file/file_provider.ts";
import { RecordingSink } from "./recording_sink.ts";
import { TempDir } from "./temp_dir.ts";
import { patience } from "./patience.ts";

/** So rare that only the watcher can have noticed what a test waits for. */
const NEVER_MS = 3_600_000;

/** A provider and its files; a file that is not given does not exist. */
export class FileProviderFixture implements AsyncDisposable {
  readonly sink = new RecordingSink();
  readonly webhooks: string;
  readonly connections: string;
  readonly provider: FileConfigProvider;

  private constructor(readonly dir: TempDir, options: Partial<FileConfigProviderOptions>) {
    this.webhooks = options.webhooksFile ?? dir.file("webhooks.json");
    this.connections = options.connectionsFile ?? dir.file("connections.json");
    this.provider = new FileConfigProvider({
      webhooksFile: this.webhooks,
      connectionsFile: this.connections,
      defaultNamespace: "default",
      pollIntervalMs: NEVER_MS,
      debounceMs: 5,
      ...options,
    });
  }

  static async create(
    files: Readonly<Record<string, unknown>> = {},
    options: (dir: TempDir) => Partial<FileConfigProviderOptions> = () => ({}),
  ): Promise<FileProviderFixture> {
    const dir = await TempDir.create();
    for (const [name, content] of Object.entries(files)) {
      if (typeof content === "string") await dir.writeText(name, content);
      else await dir.writeJson(name, content);
    }
    return new FileProviderFixture(dir, options(dir));
  }

  static async start(
    ...parameters: Parameters<typeof FileProviderFixture.create>
  ): Promise<FileProviderFixture> {
    const fixture = await FileProviderFixture.create(...parameters);
    await fixture.start();
    return fixture;
  }

  async start(): Promise<void> {
    await this.provider.start(this.sink, patience(20_000));
  }

  async reload(): Promise<void> {
    await this.provider.reload(patience(20_000));
  }

  /** Replaces a file in one step, as a careful editor does. */
  async replace(path: string, content: unknown): Promise<void> {
    await this.replaceText(path, JSON.stringify(content));
  }

  async replaceText(path: string, text: string): Promise<void> {
    const temporary = await this.dir.writeText("replacement", text);
    await Deno.rename(temporary, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}
