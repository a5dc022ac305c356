/**
 * What `connector.json` may say. The names are those of the Python original; as everywhere, a key that is
 * not known is an error.
 *
 * @module
 */

import { z } from "zod";
import { MAX_PORT } from "../schema/addresses.ts";
import { portField } from "../schema/connection_fields.ts";
import { booleanField, integerField, numberField, secretField } from "../schema/fields.ts";

const HOUR = 3600;

const seconds = (least: number, most: number) => numberField(least, most);

/** One HTTP target. */
export const targetSchema = z.strictObject({
  url: z.string().min(1).max(8192).meta({
    description: "Where events are sent to: an `http` or `https` address, private ones included.",
  }),
  method: z.string().toUpperCase().pipe(z.enum(["POST", "PUT", "PATCH"])).default("POST").meta({
    description: "`POST`, `PUT` or `PATCH`.",
  }),
  headers: z.record(z.string(), z.string()).default({}).meta({
    description: "Headers that are added to every request; they win over received ones.",
  }),
  timeout_seconds: seconds(0.1, HOUR).default(30).meta({
    description: "How long one attempt may take, in seconds.",
  }),
  retry_enabled: booleanField().default(true).meta({
    description: "`false`: one attempt, then the event goes back to the channel.",
  }),
  retry_max_attempts: integerField(1, 100).default(3).meta({
    description: "Attempts before an event goes back to the channel, to be handed out again.",
  }),
  retry_delay_seconds: seconds(0, HOUR).default(1).meta({
    description: "The pause after the first attempt that failed, in seconds.",
  }),
  retry_backoff_multiplier: numberField(1, 10).default(2).meta({
    description: "What each further pause is multiplied by; none is longer than 60 seconds.",
  }),
});

/** `connector.json`. */
export const connectorSchema = z.strictObject({
  cloud_url: z.string().min(1).meta({
    description: "The gateway: `https://hooks.example.com`. `http` and `ws` send the token in the clear.",
  }),
  channel: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/, {
    error: "A channel name has 1 to 128 characters of a-z A-Z 0-9 . _ - and begins with a letter or digit",
  }).meta({ description: "The channel, as the webhook's `module-config` names it." }),
  token: secretField(/^[\x21-\x7e]+$/, "A token has visible ASCII characters, no spaces")
    .meta({ description: "The channel's token." }),
  protocol: z.enum(["websocket", "sse", "long_poll", "auto"]).default("websocket").meta({
    description:
      "How messages come: `websocket`, or where proxies are in its way `sse` or `long_poll`. `auto`: " +
      "the first of them that comes through.",
  }),
  connector_id: z.string().regex(/^[\x21-\x7e]{1,128}$/, {
    error: "A connector id has 1 to 128 visible ASCII characters, no spaces",
  }).optional().meta({
    description: "Names the connector in logs, and to the gateway over restarts. Default: the host's name.",
  }),
  default_target: targetSchema.optional().meta({
    description: "HTTP mode: the target of every webhook that `targets` does not name.",
  }),
  targets: z.record(z.string(), targetSchema).optional().meta({
    description: "HTTP mode: targets by `webhook_id`, or by `namespace/webhook_id`, which comes first.",
  }),
  webhooks_config: z.string().min(1).optional().meta({
    description: "Module mode: path of a `webhooks.json` whose modules deliver the events.",
  }),
  connections_config: z.string().min(1).optional().meta({
    description: "Module mode: path of the `connections.json`. It need not exist.",
  }),
  etcd_host: z.string().min(1).optional().meta({
    description: "etcd mode: host of the etcd server that holds webhooks and connections.",
  }),
  etcd_endpoints: z.preprocess(
    (value) => typeof value === "string" ? value.split(",").map((entry) => entry.trim()) : value,
    z.array(z.string().min(1)).min(1),
  ).meta({ shortForm: { type: "string" } }).optional().meta({
    description:
      "etcd mode: the members of the cluster, `host:port` or `http(s)://host:port`, as a list or separated by " +
      "commas; instead of `etcd_host` and `etcd_port`.",
  }),
  etcd_port: portField().default(2379).meta({ description: "etcd mode: port of the server." }),
  etcd_prefix: z.string().regex(/^\/([^/\s]+\/)*$/, { error: "Must begin and end with '/'" })
    .default("/cwm/").meta({ description: "etcd mode: what all keys begin with." }),
  etcd_username: z.string().min(1).optional().meta({ description: "etcd mode: user name." }),
  etcd_password: secretField().optional().meta({ description: "etcd mode: password." }),
  etcd_password_file: z.string().min(1).optional().meta({
    description: "etcd mode: file with the password, instead of `etcd_password`; read at each login.",
  }),
  etcd_tls_ca: z.string().min(1).optional().meta({
    description: "etcd mode: certificate authorities (PEM) that etcd's certificate is verified with.",
  }),
  etcd_tls_cert: z.string().min(1).optional().meta({
    description: "etcd mode: client certificate (PEM) for etcd.",
  }),
  etcd_tls_key: z.string().min(1).optional().meta({ description: "etcd mode: its key (PEM)." }),
  namespace: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, {
    error: "A namespace has 1 to 64 characters of a-z A-Z 0-9 _ -",
  }).optional().meta({
    description: "Module and etcd mode: where webhooks are looked up. Default: the event's own namespace " +
      "with etcd; with files, all are in one.",
  }),
  max_concurrent_requests: integerField(1, 1000).default(10).meta({
    description: "Events that are delivered at once.",
  }),
  max_held_bytes: integerField(1, 1024 * 1024 * 1024).optional().meta({
    description:
      "After how many bytes of bodies that it holds the connector gets no more; one message it always may " +
      "hold. Default: `max_in_flight_bytes` of the channel, which bounds it, too.",
  }),
  ordered: booleanField().default(true).meta({
    description: "`true`: of one webhook, no event is delivered before the one that came earlier is settled.",
  }),
  redelivery_delay: seconds(0.01, HOUR).default(1).meta({
    description: "How long the channel rests after an event went back to it, in seconds. It doubles with " +
      "each delivery of that event, up to `max_redelivery_delay`. It must be longer than a message takes to " +
      "the gateway and back, or later events can overtake.",
  }),
  max_redelivery_delay: seconds(0.01, 300).default(60).meta({ description: "The longest such rest." }),
  reconnect_delay: seconds(0.01, HOUR).default(1).meta({
    description: "The pause after the first connection that failed, in seconds, half of it random.",
  }),
  max_reconnect_delay: seconds(0.01, HOUR).default(60).meta({ description: "The longest pause." }),
  reconnect_backoff_multiplier: numberField(1, 10).default(2).meta({
    description: "What each further pause is multiplied by.",
  }),
  connection_timeout: seconds(0.1, HOUR).default(30).meta({
    description: "How long connecting may take, in seconds.",
  }),
  heartbeat_timeout: seconds(0.1, HOUR).default(60).meta({
    description: "How long the gateway may be silent, in seconds. Three of its heartbeats when that is less.",
  }),
  ack_timeout: seconds(0.1, HOUR).default(30).meta({
    description: "How long an acknowledgement over HTTP may take, in seconds.",
  }),
  shutdown_timeout: seconds(0, HOUR).default(30).meta({
    description: "How long a stopping connector waits for deliveries under way, in seconds.",
  }),
  verify_ssl: booleanField().default(true).meta({
    description: "Must be `true`: name a private authority in `ca_cert_path` instead.",
  }),
  ca_cert_path: z.string().min(1).optional().meta({
    description:
      "Certificate authorities (PEM) that gateway and targets are verified with besides the usual.",
  }),
  client_cert_path: z.string().min(1).optional().meta({
    description: "Client certificate (PEM) for the gateway.",
  }),
  client_key_path: z.string().min(1).optional().meta({ description: "Its key (PEM)." }),
  status_host: z.string().min(1).default("127.0.0.1").meta({
    description: "Address of the connector's own `/health` and `/metrics`.",
  }),
  status_port: integerField(0, MAX_PORT).optional().meta({
    description: "Their port, 0 for any free one. Default: they are not served.",
  }),
  log_level: z.string().toLowerCase().pipe(z.enum(["debug", "info", "warning", "error"])).default("info")
    .meta({ description: "Least severe messages to log." }),
  log_format: z.enum(["text", "json"]).optional().meta({
    description: "Form of the log lines. Default: text on a terminal, otherwise json.",
  }),
});

/** A parsed `connector.json`. */
export type ConnectorFile = z.output<typeof connectorSchema>;

/** A parsed target. */
export type TargetConfig = z.output<typeof targetSchema>;

/** The variables whose values are secrets of the connector itself: no module's configuration may read them. */
export const CONNECTOR_SECRET_VARIABLES: readonly string[] = ["CONNECTOR_TOKEN", "CONNECTOR_ETCD_PASSWORD"];

/** The key that each environment variable sets; variables win over the file. */
export const CONNECTOR_VARIABLES: Readonly<Record<string, string>> = {
  CONNECTOR_CLOUD_URL: "cloud_url",
  CONNECTOR_CHANNEL: "channel",
  CONNECTOR_TOKEN: "token",
  CONNECTOR_PROTOCOL: "protocol",
  CONNECTOR_ID: "connector_id",
  CONNECTOR_TARGET_URL: "default_target.url",
  CONNECTOR_TARGET_METHOD: "default_target.method",
  CONNECTOR_TARGET_TIMEOUT: "default_target.timeout_seconds",
  CONNECTOR_WEBHOOKS_CONFIG: "webhooks_config",
  CONNECTOR_CONNECTIONS_CONFIG: "connections_config",
  CONNECTOR_ETCD_HOST: "etcd_host",
  CONNECTOR_ETCD_PORT: "etcd_port",
  CONNECTOR_ETCD_ENDPOINTS: "etcd_endpoints",
  CONNECTOR_ETCD_PREFIX: "etcd_prefix",
  CONNECTOR_ETCD_USERNAME: "etcd_username",
  CONNECTOR_ETCD_PASSWORD: "etcd_password",
  CONNECTOR_ETCD_PASSWORD_FILE: "etcd_password_file",
  CONNECTOR_ETCD_TLS_CA: "etcd_tls_ca",
  CONNECTOR_ETCD_TLS_CERT: "etcd_tls_cert",
  CONNECTOR_ETCD_TLS_KEY: "etcd_tls_key",
  CONNECTOR_NAMESPACE: "namespace",
  CONNECTOR_MAX_CONCURRENT_REQUESTS: "max_concurrent_requests",
  CONNECTOR_MAX_HELD_BYTES: "max_held_bytes",
  CONNECTOR_ORDERED: "ordered",
  CONNECTOR_REDELIVERY_DELAY: "redelivery_delay",
  CONNECTOR_MAX_REDELIVERY_DELAY: "max_redelivery_delay",
  CONNECTOR_RECONNECT_DELAY: "reconnect_delay",
  CONNECTOR_MAX_RECONNECT_DELAY: "max_reconnect_delay",
  CONNECTOR_CONNECTION_TIMEOUT: "connection_timeout",
  CONNECTOR_HEARTBEAT_TIMEOUT: "heartbeat_timeout",
  CONNECTOR_ACK_TIMEOUT: "ack_timeout",
  CONNECTOR_SHUTDOWN_TIMEOUT: "shutdown_timeout",
  CONNECTOR_VERIFY_SSL: "verify_ssl",
  CONNECTOR_CA_CERT_PATH: "ca_cert_path",
  CONNECTOR_CLIENT_CERT_PATH: "client_cert_path",
  CONNECTOR_CLIENT_KEY_PATH: "client_key_path",
  CONNECTOR_STATUS_HOST: "status_host",
  CONNECTOR_STATUS_PORT: "status_port",
  CONNECTOR_LOG_LEVEL: "log_level",
  CONNECTOR_LOG_FORMAT: "log_format",
};
