import { BlockedWebhook, type CatalogEntry } from "../config/entry.ts";
import { type ChannelConfig, webhookConnectModule } from "../modules/webhook_connect/webhook_connect.ts";

/**
 * What the webhook at an entry says about channels. Also one that takes no requests at the moment: what
 * stands in its channels can still be drained. Not one that names a channel of others.
 */
export function channelsOf(entry: CatalogEntry | undefined): readonly ChannelConfig[] {
  if (entry instanceof BlockedWebhook && !entry.hasChannels) return [];
  return (entry?.webhook?.steps ?? [])
    .filter(({ module }) => module.name === webhookConnectModule.name)
    .map(({ moduleConfig }) => moduleConfig as ChannelConfig);
}
