/** The channels of a gateway, without the gateway. */

import type { DeadLetters } from "../../../src/dead_letters/dead_letters.ts";
import { PostgresContents } from "../../../src/journal/postgres/contents.ts";
import { PostgresChannelQueues } from "../../../src/journal/postgres/channels/channel_queues.ts";
import { Wakeups } from "../../../src/journal/postgres/wakeups/wakeups.ts";
import { logger } from "../../../src/observability/logging.ts";
import { journalServer } from "./journal_server.ts";

/** Channels that end with it. */
export interface OpenChannels extends AsyncDisposable {
  readonly queues: PostgresChannelQueues;
  readonly deadLetters: DeadLetters;
  readonly wakeups: Wakeups;
}

/** Opens the channels of a database; its tables are made if need be. */
export function openChannels(url: string): OpenChannels {
  const open = new AsyncDisposableStack();
  const server = open.use(journalServer(url, { migrates: true }));
  const wakeups = open.use(new Wakeups(server, logger("journal")));
  const queues = open.use(PostgresChannelQueues.open({ server, wakeups, logger: logger("relay") }));
  const { deadLetters } = new PostgresContents(server.connection());
  return { queues, deadLetters, wakeups, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
