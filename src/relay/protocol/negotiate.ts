/**
 * What the two sides agree on before the first message: the headers, the version, and where a lost connection is
 * resumed.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";

/** The versions that this build speaks, best first. */
export const PROTOCOL_VERSIONS: readonly number[] = [2, 1];

/** Request headers of the protocol. */
export const HEADERS = {
  /** The versions that the connector speaks, separated by commas. The answer names the one in use. */
  protocol: "cwm-relay-protocol",
  /** How many unacknowledged messages the connector wants to hold at most. */
  window: "cwm-relay-window",
  /** After how many bytes of their bodies it wants no more. */
  windowBytes: "cwm-relay-window-bytes",
  /** A name for the connector that stays the same over its restarts. */
  connectorId: "x-connector-id",
  /** Resumes a connection: `{connection_id}.{sequence}` of the last message that arrived. */
  lastEventId: "last-event-id",
} as const;

/**
 * Chooses the protocol version for a connection.
 *
 * @param header the connector's versions, as its header says them
 * @throws {GatewayError} `unsupported_protocol` when there is none that both speak
 */
export function negotiateProtocol(header: string | null): number {
  const spoken = `This gateway speaks version ${PROTOCOL_VERSIONS.join(", ")}`;
  if (header === null) {
    throw new GatewayError(
      "unsupported_protocol",
      `The header ${HEADERS.protocol} is missing: send the versions that the connector speaks. ${spoken}`,
    );
  }
  const offered = header.split(",").map((version) => Number(version.trim()));
  const chosen = PROTOCOL_VERSIONS.find((version) => offered.includes(version));
  if (chosen !== undefined) return chosen;
  throw new GatewayError(
    "unsupported_protocol",
    `No protocol version in common: the connector speaks ${
      JSON.stringify(header.slice(0, 40))
    }. ${spoken}: update the older side`,
  );
}

/** What a connection resumes: the former connection, and the last message of it that arrived. */
export interface ResumePoint {
  readonly connectionId: string;
  readonly sequence: number;
}

/** The value of `Last-Event-ID`, and the `id` of each Server-Sent Event. */
export function formatResumePoint({ connectionId, sequence }: ResumePoint): string {
  return `${connectionId}.${sequence}`;
}

/** `undefined` when there is nothing to resume, or it names nothing of this gateway: a new connection is as good. */
export function parseResumePoint(header: string | null): ResumePoint | undefined {
  const [, connectionId, sequence] = /^([a-zA-Z0-9-]{1,64})\.(\d{1,15})$/.exec(header ?? "") ?? [];
  return connectionId === undefined ? undefined : { connectionId, sequence: Number(sequence) };
}
