/**
 * Connections of type `mqtt`: what may be configured about them. The keys are those of the Python original.
 *
 * @module
 */

import { z } from "zod";
import {
  hostField,
  portField,
  timeoutField,
  tlsSchema,
  type TlsSettings,
} from "../../schema/connection_fields.ts";
import { booleanField, integerField, reportAt, secretField } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { isMqttText, MAX_MQTT_TEXT } from "./text.ts";

const DEFAULT_PORT = 1883;
const DEFAULT_TLS_PORT = 8883;
const DEFAULT_KEEPALIVE_SECONDS = 30;
const MAX_KEEPALIVE_SECONDS = 0xffff;
const DEFAULT_TIMEOUT_SECONDS = 5;
const MAX_TIMEOUT_SECONDS = 60;

/** The most that the protocol can say of a packet's length, in bytes. */
const MAX_PACKET = 268_435_460;

/** The version of the protocol as its CONNECT packet numbers it: 4 is 3.1.1. */
export type ProtocolVersion = 4 | 5;

/** How to reach a broker. */
export interface MqttConnection {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** `undefined`: one that no other connection has. */
  readonly clientId: string | undefined;
  readonly protocolVersion: ProtocolVersion;
  readonly keepaliveSeconds: number;
  /** How long the broker may be silent while something is under way, in milliseconds. */
  readonly timeoutMs: number;
  /** Longest packet that the broker takes as far as the operator knows, in bytes. */
  readonly maxPacketBytes: number;
  /** `undefined`: no TLS. */
  readonly tls: TlsSettings | undefined;
}

/** Files of the original have empty texts where there is no value. */
const textField = z.string().max(MAX_MQTT_TEXT).refine(isMqttText, {
  error: "Contains characters that MQTT has no place for, such as control characters",
});

const versionField = z.union([z.string(), z.number()]).transform((version, issues): ProtocolVersion => {
  const text = String(version).trim();
  if (text === "3.1.1") return 4;
  if (text === "5" || text === "5.0") return 5;
  issues.addIssue({ code: "custom", message: "Not a version that is spoken here: 5 or 3.1.1" });
  return z.NEVER;
});

const fileField = z.string();

const fields = z.strictObject({
  host: hostField().default("localhost").meta({ description: "Host name or IP address of the broker." }),
  port: portField().optional().meta({
    description: `Port. Default: ${DEFAULT_PORT}, with TLS ${DEFAULT_TLS_PORT}.`,
  }),
  username: textField.nullish().meta({ description: "User name. Default, and when empty: none." }),
  user: textField.nullish().meta({ description: "The same as `username`." }),
  password: z.union([z.literal(""), secretField()]).nullish().meta({
    description: "Password. Default, and when empty: none.",
  }),
  client_id: textField.nullish().meta({
    description:
      "What the broker knows the gateway by. Default: `cwm-` and random characters, others for each " +
      "connection. **A broker closes the older of two connections with one id**: set it only where the broker " +
      "asks for it, another one for each instance and connection, and know that `cwm check --probe` interrupts " +
      "a gateway that has it for a moment.",
  }),
  mqtt_version: versionField.default(5).meta({
    description:
      "`5` or `3.1.1`. With 3.1.1 a broker confirms what it refuses and throws away, and events have no properties.",
  }),
  keepalive: integerField(0, MAX_KEEPALIVE_SECONDS).default(DEFAULT_KEEPALIVE_SECONDS).meta({
    description:
      "Seconds of silence after which the broker is asked whether it is there, and closes a connection " +
      "that says nothing for half as long again. `0`: never.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description:
      "Seconds that the broker may be silent while it owes an answer before the connection is given up.",
  }),
  max_packet_size: integerField(128, MAX_PACKET).default(MAX_PACKET).meta({
    description:
      "Longest packet that the broker takes, in bytes, topic and properties included; an event with a " +
      "longer one is a dead letter. With MQTT 5 brokers say it themselves. Of 3.1.1 brokers it must be known, " +
      "since they close the connection or throw the message away.",
  }),
  tls: z.union([booleanField(), tlsSchema]).default(false).meta({
    description:
      "Uses TLS: `true`, or an object with `ca`, `cert`, `key`, `servername` and `insecure_skip_verify`.",
  }),
  tls_ca_cert_file: fileField.nullish().meta({ description: "The same as `ca` of `tls`." }),
  tls_cert_file: fileField.nullish().meta({ description: "The same as `cert` of `tls`." }),
  tls_key_file: fileField.nullish().meta({ description: "The same as `key` of `tls`." }),
  tls_insecure: booleanField().default(false).meta({
    description: "The same as `insecure_skip_verify` of `tls`.",
  }),
});

type Fields = z.output<typeof fields>;

/** Strict schema of a connection without its `type`. */
export const mqttConnectionSchema: z.ZodType<MqttConnection> = fields.transform((input, issues) => {
  const tls = tlsOf(input, issues);
  const given = { username: textOf(input.username), user: textOf(input.user) };
  const username = eitherOf(given, "username", "user", issues);
  const password = textOf(input.password);
  if (username === undefined && password !== undefined && input.mqtt_version === 4) {
    reportAt(issues, "username", "Required with a password in MQTT 3.1.1");
  }
  return {
    host: input.host,
    port: input.port ?? (tls === undefined ? DEFAULT_PORT : DEFAULT_TLS_PORT),
    username,
    password,
    clientId: textOf(input.client_id),
    protocolVersion: input.mqtt_version,
    keepaliveSeconds: input.keepalive,
    timeoutMs: input.timeout * 1000,
    maxPacketBytes: input.max_packet_size,
    tls,
  };
});

function textOf(text: string | null | undefined): string | undefined {
  return text === "" || text === null ? undefined : text;
}

/** The original's keys, or the object that all modules have. */
function tlsOf(input: Fields, issues: z.RefinementCtx): TlsSettings | undefined {
  const { tls } = input;
  const files = {
    ca: textOf(input.tls_ca_cert_file),
    cert: textOf(input.tls_cert_file),
    key: textOf(input.tls_key_file),
  };
  const isGiven = Object.values(files).some((file) => file !== undefined) || input.tls_insecure;
  if (tls === false) {
    if (isGiven) reportAt(issues, "tls", "Must be true for the tls_ keys to be used: nothing is encrypted");
    return undefined;
  }
  if (tls !== true) {
    if (isGiven) reportAt(issues, "tls", "Give its keys or those that begin with tls_, not both");
    return tls;
  }
  if ((files.cert === undefined) !== (files.key === undefined)) {
    reportAt(issues, "tls_cert_file", "tls_cert_file and tls_key_file belong together: give both or neither");
  }
  return { ...files, servername: undefined, insecure_skip_verify: input.tls_insecure };
}
