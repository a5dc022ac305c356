import { getLogger } from "@logtape/logtape";
import {
  EtcdConfigProvider,
  type EtcdProviderOptions,
  type EtcdTiming,
} from "../../../src/config/etcd/etcd_provider.ts";
import { RecordingSink } from "../recording_sink.ts";
import { patience } from "../patience.ts";

/** The prefix that tests use. */
export const PREFIX = "/cwm/";

/** Like production, only faster: no test waits for a real back-off or a real watchdog. */
export const FAST: EtcdTiming = {
  connectTimeoutMs: 1_000,
  callTimeoutMs: 1_000,
  pageTimeoutMs: 5_000,
  // etcd refuses clients that ping more often than every 5 s; the checks below find what pings would.
  keepAlive: { intervalMs: 5_000, timeoutMs: 3_000 },
  checkIntervalMs: 200,
  silenceMs: 1_500,
  retryInitialMs: 50,
  retryMaxMs: 400,
  knockIntervalMs: 200,
  patienceMs: 100,
  retryQuickMs: 20,
  healthyAfterMs: 300,
  listAfterReconnectMs: 50,
  reconcileIntervalMs: 600_000,
  confirmDeletesAfterMs: 200,
  snapshotIntervalMs: 50,
};

/** Options of {@linkcode TestProvider.start}. */
export type TestProviderOptions = Partial<EtcdProviderOptions> & Pick<EtcdProviderOptions, "endpoints">;

/** A provider with a sink that records what it reports. */
export class TestProvider implements AsyncDisposable {
  readonly sink = new RecordingSink();
  readonly provider: EtcdConfigProvider;

  private constructor(options: TestProviderOptions) {
    this.provider = new EtcdConfigProvider({
      prefix: PREFIX,
      logger: getLogger("cwm-test"),
      random: () => 0,
      ...options,
      timing: { ...FAST, ...options.timing },
    });
  }

  /** Makes a provider without starting it. */
  static create(options: TestProviderOptions): TestProvider {
    return new TestProvider(options);
  }

  /** Starts a provider and waits for its first load. */
  static async start(options: TestProviderOptions): Promise<TestProvider> {
    const test = new TestProvider(options);
    await test.start();
    return test;
  }

  async start(): Promise<void> {
    await this.provider.start(this.sink, patience(30_000));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider[Symbol.asyncDispose]();
  }
}
