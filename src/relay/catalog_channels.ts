import type { Catalog } from "../config/catalog.ts";
import type { CatalogEntry } from "../config/entry.ts";
import { type ChannelConfig, webhookConnectModule } from "../modules/webhook_connect.ts";
import type { ChannelDirectory } from "./channel_directory.ts";

/** Keeps the directory as the webhooks of the catalog say, from now on. */
export function followCatalog(directory: ChannelDirectory, catalog: Catalog): void {
  catalog.onChange((path, entry) => directory.set(path, channelOf(entry)));
}

/** Also of webhooks that take no requests: what stands in their channels can still be drained. */
function channelOf(entry: CatalogEntry | undefined): ChannelConfig | undefined {
  const webhook = entry?.webhook;
  return webhook?.module.name === webhookConnectModule.name
    ? webhook.moduleConfig as ChannelConfig
    : undefined;
}
