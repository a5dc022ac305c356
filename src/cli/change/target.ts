/**
 * Which webhook or connection a command means, and where it stands.
 *
 * @module
 */

import { type ConfigKey, parseConfigKey } from "../../event/names.ts";
import type { KeyPlace } from "../../migrate/single/place.ts";
import type { Settings } from "../../settings/settings.ts";
import { usageError } from "../command_line.ts";

/**
 * Reads the name of a webhook or connection.
 *
 * @param name `team-a/orders`, `connections/kafka_main`, or a key as it stands in etcd below the prefix
 * @throws {StartupError} `usage`
 */
export function readKey(command: string, name: string | undefined): ConfigKey {
  if (name === undefined) {
    throw usageError(
      command,
      "Name a webhook, such as team-a/orders, or a connection, such as connections/kafka_main",
    );
  }
  const parts = name.split("/");
  const [first = "", second = ""] = parts;
  const isConnection = parts.length === 2 && first === "connections";
  const whole = parts.length !== 2
    ? name
    : isConnection
    ? `global/connections/${second}`
    : `${first}/webhooks/${second}`;
  const key = parseConfigKey(whole);
  if (typeof key !== "string") return key;
  throw usageError(command, `'${name}' names no webhook and no connection: ${key}`);
}

/** Which of the places is meant, and as whom. */
export interface TargetOptions {
  /** Which of several files that are merged. */
  readonly file: string | undefined;
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
}

/**
 * The place of a key in the configured backend.
 *
 * @throws {StartupError} `usage` when the options do not fit it
 */
export async function openPlace(
  command: string,
  key: ConfigKey,
  settings: Settings,
  options: TargetOptions,
): Promise<KeyPlace> {
  if (settings.configBackend === "etcd") {
    if (options.file !== undefined) {
      throw usageError(command, "--file is for CONFIG_BACKEND=file, and it is etcd");
    }
    const { EtcdPlace } = await import("../../migrate/single/etcd_place.ts");
    return new EtcdPlace(asOperator(command, settings, options), key);
  }
  if (options.user !== undefined || options.passwordFile !== undefined) {
    throw usageError(command, "--user and --password-file are for CONFIG_BACKEND=etcd, and it is file");
  }
  return await openFile(command, key, settings, options.file);
}

/** The gateway's own user is never used: what it may read is no reason to write. */
function asOperator(
  command: string,
  { etcdOperator }: Settings,
  { user, passwordFile }: TargetOptions,
): Settings["etcd"] {
  if (user === undefined && passwordFile === undefined) return etcdOperator;
  const username = user === undefined ? etcdOperator.credentials?.username : { text: user };
  const password = passwordFile === undefined ? etcdOperator.credentials?.password : { file: passwordFile };
  if (username === undefined || password === undefined) {
    throw usageError(
      command,
      "A user needs a name and a password: --user and --password-file, or ETCD_OPERATOR_USERNAME and " +
        "ETCD_OPERATOR_PASSWORD",
    );
  }
  return { ...etcdOperator, credentials: { username, password } };
}

async function openFile(
  command: string,
  key: ConfigKey,
  { files, defaultNamespace }: Settings,
  file: string | undefined,
): Promise<KeyPlace> {
  if (key.kind === "webhook" && key.namespace !== defaultNamespace) {
    throw usageError(
      command,
      `Files hold webhooks of namespace '${defaultNamespace}' alone (ETCD_NAMESPACE), not of '${key.namespace}'`,
    );
  }
  const { webhooks = [], connections = [] } = files.overlays ?? {};
  const all = { webhook: [files.webhooks, ...webhooks], connection: [files.connections, ...connections] };
  const paths = all[key.kind];
  const path = file ?? (paths.length === 1 ? paths[0] : undefined);
  if (path === undefined || !paths.includes(path)) {
    throw usageError(command, `Name the file that is meant with --file: ${paths.join(" or ")}`);
  }
  const { FilePlace } = await import("../../migrate/single/file_place.ts");
  return new FilePlace(key, { paths, path, connections: all.connection });
}
