import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type ChannelConfig,
  webhookConnectModule,
} from "../../../src/modules/webhook_connect/webhook_connect.ts";
import { ChannelDirectory } from "../../../src/relay/channel_directory.ts";

const TOKENS = ["a", "b", "c"];

interface Written {
  readonly channel: string;
  readonly channel_token: readonly string[];
  readonly max_connections: number;
  readonly max_in_flight: number;
}

const written = fc.record({
  channel: fc.constantFrom("inbox", "outbox"),
  channel_token: fc.uniqueArray(fc.constantFrom(...TOKENS), { minLength: 1, maxLength: 2 }),
  max_connections: fc.integer({ min: 1, max: 4 }),
  max_in_flight: fc.integer({ min: 1, max: 4 }),
});

const changes = fc.array(fc.record({
  path: fc.constantFrom("team/one", "team/two", "team/three"),
  configs: fc.array(written, { maxLength: 3 }),
}));

function configOf(one: Written): ChannelConfig {
  return webhookConnectModule.configSchema.parse(one) as ChannelConfig;
}

/** The channel as its webhooks say it, looked through one by one. */
function expected(name: string, webhooks: Iterable<readonly Written[]>): unknown {
  const all = [...webhooks].flat().filter(({ channel }) => channel === name);
  if (all.length === 0) return undefined;
  return {
    maxConnections: Math.max(...all.map(({ max_connections }) => max_connections)),
    maxInFlight: Math.max(...all.map(({ max_in_flight }) => max_in_flight)),
    tokens: TOKENS.filter((token) => all.every(({ channel_token }) => channel_token.includes(token))),
  };
}

Deno.test("a channel is what all its webhooks say together, whichever came, changed and went", () => {
  fc.assert(fc.property(changes, (all) => {
    const directory = new ChannelDirectory();
    const webhooks = new Map<string, readonly Written[]>();
    for (const { path, configs } of all) {
      directory.set(path, configs.map(configOf));
      webhooks.set(path, configs);
      for (const name of ["inbox", "outbox"]) {
        const found = directory.find(name);
        const seen = found && {
          maxConnections: found.limits.maxConnections,
          maxInFlight: found.limits.maxInFlight,
          tokens: TOKENS.filter((token) => found.accepts(token)),
        };
        assertEquals(seen, expected(name, webhooks.values()));
      }
    }
  }));
});
