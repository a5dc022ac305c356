/**
 * What takes records as Kinesis and EventBridge do, as fast as they come, and writes down whose they are. moto loses
 * records that come at once, and what is tried here under load are the gateway and the way to it.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { LocalServer } from "../http/local_server.ts";

/** The body of a request that puts records, of either service. */
interface PutRequest {
  readonly Records?: readonly { readonly Data: string }[];
  readonly Entries?: readonly { readonly Detail: string }[];
}

/** A stream and a bus in one. */
export class RecordLedger extends LocalServer {
  /** The ids of events, as often as they have come. */
  readonly ids: string[] = [];

  static start(): Promise<RecordLedger> {
    return new RecordLedger().listen();
  }

  protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { Records = [], Entries = [] } = await json(request) as PutRequest;
    const numbers = Records.map(({ Data }) =>
      this.#note(new TextDecoder().decode(Uint8Array.fromBase64(Data)))
    );
    const eventIds = Entries.map(({ Detail }) => this.#note(Detail));
    response.writeHead(200).end(JSON.stringify({
      Records: numbers.map((SequenceNumber) => ({ SequenceNumber, ShardId: "shardId-000000000000" })),
      Entries: eventIds.map((EventId) => ({ EventId })),
    }));
  }

  #note(envelope: string): string {
    const { event_id } = JSON.parse(envelope) as { readonly event_id: string };
    return String(this.ids.push(event_id));
  }
}
