/**
 * Has one webhook of the gateway accept notices, as it accepts events: each is one that no sender has sent.
 *
 * @module
 */

import { type CatalogEntry, WebhookEntry } from "../config/entry.ts";
import type { Acceptor } from "../delivery/acceptor.ts";
import { EventBody, EventIds } from "../event/event.ts";
import { ownEvent } from "../event/verified_event.ts";
import type { AppendListener } from "../journal/journal.ts";
import type { NoticeTarget } from "../notices/notifier.ts";
import { compileNotify } from "../notices/settings.ts";

const ids = new EventIds();

/** The webhook at an entry as one that gets notices; `undefined` while it takes no events. */
export function noticeTargetOf(
  entry: CatalogEntry | undefined,
  acceptor: Pick<Acceptor, "accept">,
): NoticeTarget | undefined {
  if (!(entry instanceof WebhookEntry)) return undefined;
  return {
    settings: entry.webhook.notify ?? compileNotify(undefined),
    outputs: new Set(entry.steps.map(({ output }) => output.name)),
    accept: (type, body) => accept(entry, acceptor, type, body),
  };
}

async function accept(
  entry: WebhookEntry,
  acceptor: Pick<Acceptor, "accept">,
  type: string,
  body: string,
): Promise<void> {
  const { namespace, webhook } = entry.lane;
  const event = ownEvent({
    id: ids.next(),
    namespace,
    webhook,
    type,
    receivedAt: Date.now(),
    headers: new Headers({ "content-type": "application/json" }),
    body: bodyIn(entry, body),
  });
  entry.enter();
  try {
    const appended = Promise.withResolvers<void>();
    const listener: AppendListener = { onAppended: () => appended.resolve(), onRefused: appended.reject };
    const accepted = await acceptor.accept(entry, event, listener);
    if (accepted === "appending") return await appended.promise;
    if (accepted instanceof Error) throw accepted;
  } finally {
    entry.leave();
  }
}

/** In the form that what follows can work from. */
function bodyIn({ webhook: { bodyForm } }: WebhookEntry, text: string): EventBody {
  return bodyForm === "text" ? EventBody.fromText(text) : EventBody.fromBytes(new TextEncoder().encode(text));
}
