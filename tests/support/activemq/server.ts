/** What an ActiveMQ of Debian's is started with, and which users and queues it has. */

import { join } from "@std/path";
import { TestCertificates } from "../etcd/certificates.ts";
import { freePort } from "../redis/server.ts";

/**
 * The users and their passwords. The admin may do everything, the others make and fill queues that begin with `open.`;
 * that of the last may change.
 */
export const ACTIVEMQ_USERS = { admin: "admin-s3cret", writer: "writer-s3cret", late: "first" } as const;

/** Queues whose names begin so take one message and then say nothing for as long as it is there. */
export const FULL = "open.full.";

/** Longest frame, in bytes. */
export const MAX_FRAME = 1536 * 1024;

const STORE_PASSWORD = "changeit";

/** Where a broker listens, and its files are. */
export interface ActivemqPlace {
  readonly directory: string;
  readonly port: number;
  /** For clients with a certificate of the same authority. */
  readonly tlsPort: number;
}

/** The files of certificates that a broker with TLS and its clients have. */
export function certificateFiles({ directory }: ActivemqPlace): Record<"ca" | "cert" | "key", string> {
  return {
    ca: join(directory, "ca.crt"),
    cert: join(directory, "client.crt"),
    key: join(directory, "client.key"),
  };
}

/** Writes all files of a new broker. */
export async function configureActivemq(directory: string): Promise<ActivemqPlace> {
  const place = { directory, port: freePort(), tlsPort: freePort() };
  const write = (name: string, text: string) => Deno.writeTextFile(join(directory, name), text);
  await makeStores(place);
  await write("activemq.xml", configuration(place));
  await write("login.config", LOGIN);
  await setWriters(place, ["writer", "late"]);
  await setPassword(place, "writer", ACTIVEMQ_USERS.writer);
  return place;
}

/** Changes a user's password. A broker reads it at the next login. */
export async function setPassword(
  { directory }: ActivemqPlace,
  user: keyof typeof ACTIVEMQ_USERS,
  password: string,
): Promise<void> {
  const users = Object.entries({ ...ACTIVEMQ_USERS, [user]: password });
  await replace(
    join(directory, "users.properties"),
    users.map(([name, word]) => `${name}=${word}\n`).join(""),
  );
}

/** Says who may fill queues. A broker reads it at the next login. */
export async function setWriters(
  { directory }: ActivemqPlace,
  users: readonly (keyof typeof ACTIVEMQ_USERS)[],
): Promise<void> {
  const groups = `admins=admin\nwriters=${users.join(",")}\n`;
  await replace(join(directory, "groups.properties"), groups);
}

/** So far ahead is a file's time, in milliseconds: a broker passes over one that is not younger than its last look. */
const AHEAD_MS = 2_000;

/** At once: a broker that has read half of it would not read it again. */
async function replace(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  const time = new Date(Date.now() + AHEAD_MS);
  await Deno.utime(`${path}.new`, time, time);
  await Deno.rename(`${path}.new`, path);
}

/** What `java` is started with. */
export function javaArguments({ directory }: ActivemqPlace): readonly string[] {
  const jars = ["lib/*", "lib/optional/*"].map((name) => `/usr/share/activemq/${name}`);
  return [
    ...["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", jars.join(":")],
    `-Dactivemq.base=${directory}`,
    `-Djava.security.auth.login.config=${directory}/login.config`,
    ...["org.apache.activemq.console.Main", "start", `xbean:file:${directory}/activemq.xml`],
  ];
}

async function makeStores(place: ActivemqPlace): Promise<void> {
  await using certificates = await TestCertificates.create();
  await certificates.issue("server", "IP:127.0.0.1,DNS:activemq.test");
  await certificates.issue("client", "DNS:client");
  const { ca, cert, key } = certificateFiles(place);
  await Deno.copyFile(certificates.ca, ca);
  await Deno.copyFile(certificates.certificateOf("client"), cert);
  await Deno.copyFile(certificates.keyOf("client"), key);
  const password = `pass:${STORE_PASSWORD}`;
  await run(place, "openssl", [
    ...["pkcs12", "-export", "-out", "server.p12", "-passout", password],
    ...["-in", certificates.certificateOf("server"), "-inkey", certificates.keyOf("server")],
  ]);
  await run(place, "keytool", [
    ...["-importcert", "-noprompt", "-alias", "ca", "-file", ca],
    ...["-keystore", "trusted.p12", "-storetype", "PKCS12", "-storepass", STORE_PASSWORD],
  ]);
}

async function run({ directory }: ActivemqPlace, program: string, args: readonly string[]): Promise<void> {
  const { success, stderr, stdout } = await new Deno.Command(program, { args: [...args], cwd: directory })
    .output();
  if (success) return;
  const decoder = new TextDecoder();
  throw new Error(`${program} failed: ${decoder.decode(stdout)}${decoder.decode(stderr)}`);
}

const LOGIN = `activemq {
  org.apache.activemq.jaas.PropertiesLoginModule required
    reload=true
    org.apache.activemq.jaas.properties.user="users.properties"
    org.apache.activemq.jaas.properties.group="groups.properties";
};
`;

function configuration({ directory, port, tlsPort }: ActivemqPlace): string {
  const store = (key: string, file: string) =>
    `${key}="file:${directory}/${file}" ${key}Type="PKCS12" ${key}Password="${STORE_PASSWORD}"`;
  const rights = (destination: string, users: string) =>
    `<authorizationEntry ${destination} read="admins" write="${users}" admin="${users}"/>`;
  return `<beans xmlns="http://www.springframework.org/schema/beans"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.springframework.org/schema/beans
    http://www.springframework.org/schema/beans/spring-beans.xsd
    http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
<broker xmlns="http://activemq.apache.org/schema/core" brokerName="test" useJmx="false" schedulerSupport="false"
  advisorySupport="false" dataDirectory="${directory}/data">
  <destinationPolicy><policyMap><policyEntries>
    <policyEntry queue="${FULL}>" memoryLimit="1">
      <pendingQueuePolicy><vmQueueCursor/></pendingQueuePolicy>
    </policyEntry>
  </policyEntries></policyMap></destinationPolicy>
  <persistenceAdapter><kahaDB directory="${directory}/data" journalMaxFileLength="16mb"/></persistenceAdapter>
  <plugins>
    <jaasAuthenticationPlugin configuration="activemq"/>
    <authorizationPlugin><map><authorizationMap><authorizationEntries>
      ${rights('queue=">"', "admins")}
      ${rights('topic=">"', "admins")}
      ${rights('queue="open.>"', "admins,writers")}
    </authorizationEntries></authorizationMap></map></authorizationPlugin>
  </plugins>
  <sslContext><sslContext ${store("keyStore", "server.p12")} ${
    store("trustStore", "trusted.p12")
  }/></sslContext>
  <transportConnectors>
    <transportConnector uri="stomp://127.0.0.1:${port}?wireFormat.maxFrameSize=${MAX_FRAME}"/>
    <transportConnector uri="stomp+ssl://127.0.0.1:${tlsPort}?needClientAuth=true"/>
  </transportConnectors>
</broker>
</beans>
`;
}
